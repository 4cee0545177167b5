//! LOSS-1 and DUP-1 as far as the spool goes: random lives, each ended by a crash at any byte,
//! beside a plain model of what must, may and must not be there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::model_disk::ModelDisk;
use super::{config, open_model, plain};
use crate::{Config, Durability, Frames, Room, Spool};

const WORKERS: u16 = 2;

#[derive(Debug, Clone)]
enum Op {
    Push {
        worker: u16,
        len: usize,
        headroom: bool,
    },
    Write {
        worker: u16,
    },
    Skip {
        worker: u16,
    },
    Read {
        max: usize,
    },
    /// Of the stream with this index, what was given up to this part of 100.
    Ack {
        stream: usize,
        part: usize,
    },
    Rewind,
    /// All streams end, and others begin.
    Epoch,
}

#[derive(Debug, Clone)]
struct LifePlan {
    ops: Vec<Op>,
    /// Bytes and steps until the crash; none: the life ends by SIGKILL after its last step.
    steps: Option<u64>,
}

/// What the model knows of one stream.
#[derive(Debug, Default)]
struct Expected {
    pushed: Vec<(u64, Vec<u8>)>,
    /// So many of them are on disk for sure.
    durable: usize,
    /// So many were given since opening or rewind.
    given: usize,
    /// So many are acknowledged for sure.
    acked: usize,
    /// One past the last number that is used up, by a record or without one.
    used: u64,
    /// What of that is on disk for sure.
    kept: u64,
    /// An acknowledgement that failed: it may be on disk or not.
    maybe_acked: Option<usize>,
}

type Model = BTreeMap<(u64, u16), Expected>;

fn op() -> impl Strategy<Value = Op> {
    let worker = 0..WORKERS;
    prop_oneof![
        6 => (worker.clone(), 1..900_usize, prop::bool::weighted(0.1))
            .prop_map(|(worker, len, headroom)| Op::Push { worker, len, headroom }),
        4 => worker.clone().prop_map(|worker| Op::Write { worker }),
        1 => worker.prop_map(|worker| Op::Skip { worker }),
        2 => (1..5000_usize).prop_map(|max| Op::Read { max }),
        2 => (0..8_usize, 0..=100_usize).prop_map(|(stream, part)| Op::Ack { stream, part }),
        1 => Just(Op::Rewind),
        1 => Just(Op::Epoch),
    ]
}

fn life() -> impl Strategy<Value = LifePlan> {
    let ops = prop::collection::vec(op(), 0..80);
    (ops, prop::option::weighted(0.8, 0..12_000_u64))
        .prop_map(|(ops, steps)| LifePlan { ops, steps })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_after_any_crash(
        lives in prop::collection::vec(life(), 1..6),
        host in any::<bool>(),
        tight in any::<bool>(),
        short_write in prop::option::weighted(0.3, 1..300_usize),
        seed in any::<u64>(),
    ) {
        let durability = if host { Durability::Host } else { Durability::Process };
        let mut config = config(WORKERS, durability);
        if tight {
            // Little more than the headroom, so that the room runs out all the time.
            config.size = u64::from(WORKERS) * (70 << 10);
        }
        let (disk, mut model, mut random) = (ModelDisk::default(), Model::new(), Random(seed | 1));
        disk.state().short_write = short_write;
        for (now, plan) in lives.iter().enumerate() {
            disk.state().left = plan.steps;
            run_life(&disk, &config, now as u64, &plan.ops, &mut model);
            disk.crash(durability, || random.next().is_multiple_of(2));
        }
        let mut spool = open_model(&disk, &config, 0).expect("the disk is well");
        check_previous(&spool, &model);
        settle(&mut spool, &mut model).expect("the disk is well");
        acknowledge_all(&mut spool, &mut model);
        drop(spool);
        disk.crash(durability, || random.next().is_multiple_of(2));
        let mut spool = open_model(&disk, &config, 0).expect("the disk is well");
        check_previous(&spool, &model);
        prop_assert_eq!(super::read_all(&mut spool), vec![]);
        prop_assert_eq!(disk.segments().len(), 0);
    }
}

/// A small generator, so that a failing case is repeated exactly.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }
}

/// Runs one life until its plan ends or the disk fails.
fn run_life(disk: &ModelDisk, config: &Config, now: u64, ops: &[Op], model: &mut Model) {
    let Ok(mut spool) = open_model(disk, config, now) else { return };
    check_previous(&spool, model);
    if settle(&mut spool, model).is_err() {
        return;
    }
    let epoch = spool.epoch;
    for worker in 0..WORKERS {
        assert!(model.insert((epoch, worker), Expected::default()).is_none(), "epochs are new");
    }
    for op in ops {
        if step(&mut spool, op, model).is_err() {
            return;
        }
        let limit = config.size + u64::from(WORKERS) * (64 << 10);
        assert!(disk.segment_bytes() <= limit, "BOUND-1: {} bytes", disk.segment_bytes());
    }
}

fn step(spool: &mut Spool, op: &Op, model: &mut Model) -> Result<(), ()> {
    let epoch = spool.epoch;
    match *op {
        Op::Push { worker, len, headroom } => {
            let writer = &mut spool.writers[usize::from(worker)];
            let uses = if headroom { Room::Headroom } else { Room::Reserved };
            if !headroom && !writer.reserve() {
                return Ok(());
            }
            let seq = writer.next_seq();
            let payload = vec![b'a' + (seq % 26) as u8; len];
            let encode = |_, _, buffer: &mut Vec<u8>| buffer.extend_from_slice(&payload);
            if writer.push(0, uses, encode).is_ok() {
                let stream = model.get_mut(&(epoch, worker)).expect("of this life");
                stream.pushed.push((seq, payload));
                stream.used = seq + 1;
            } else {
                assert!(headroom, "what is reserved fits");
            }
        }
        Op::Write { worker } => {
            spool.writers[usize::from(worker)].write().map_err(drop)?;
            let stream = model.get_mut(&(epoch, worker)).expect("of this life");
            (stream.durable, stream.kept) = (stream.pushed.len(), stream.used);
        }
        Op::Skip { worker } => {
            spool.writers[usize::from(worker)].skip();
            model.get_mut(&(epoch, worker)).expect("of this life").used += 1;
        }
        Op::Read { max } => {
            let frames = spool.reader.read(max).map_err(drop)?;
            take(&frames, model);
            if frames.frames.is_empty() {
                let behind = |stream: &Expected| stream.given.max(stream.acked) < stream.durable;
                assert!(!model.values().any(behind), "all that is durable was given");
            }
        }
        Op::Ack { stream, part } => return ack(spool, stream, part, model),
        Op::Rewind => {
            spool.reader.rewind();
            model.values_mut().for_each(|stream| stream.given = stream.acked);
        }
        Op::Epoch => return change_epoch(spool, model),
    }
    Ok(())
}

fn change_epoch(spool: &mut Spool, model: &mut Model) -> Result<(), ()> {
    let mut ended = Vec::new();
    for worker in 0..WORKERS {
        ended.push(spool.writers[usize::from(worker)].end().map_err(drop)?);
        let stream = model.get_mut(&(spool.epoch, worker)).expect("of this life");
        (stream.durable, stream.kept) = (stream.pushed.len(), stream.used);
    }
    let begun = spool.epochs.begin(0, &ended).map_err(drop)?;
    for (writer, fresh) in spool.writers.iter_mut().zip(begun.fresh) {
        writer.renew(fresh);
        let key = (begun.epoch, writer.stream().worker);
        assert!(model.insert(key, Expected::default()).is_none(), "epochs are new");
    }
    spool.epoch = begun.epoch;
    Ok(())
}

/// What is read must be the next of its stream, and whole.
fn take(frames: &Frames, model: &mut Model) {
    for (frame, (worker, seq, payload)) in frames.frames.iter().zip(plain(frames)) {
        let stream = model.get_mut(&(frame.stream.epoch, worker)).expect("a stream that was");
        assert!(stream.given < stream.durable, "only what is on disk is given");
        assert!((seq, payload) == stream.pushed[stream.given], "in order, none twice, none torn");
        stream.given += 1;
    }
}

fn ack(spool: &mut Spool, index: usize, part: usize, model: &mut Model) -> Result<(), ()> {
    let count = model.len();
    let Some((key, expected)) = model.iter_mut().nth(index % count) else { return Ok(()) };
    let upto = expected.given * part / 100;
    if upto <= expected.acked {
        return Ok(());
    }
    let stream = record::Stream { gateway: "gw".to_owned(), epoch: key.0, worker: key.1 };
    let seq = expected.pushed[upto - 1].0;
    if spool.reader.ack(&stream, seq).is_err() {
        expected.maybe_acked = Some(upto);
        return Err(());
    }
    expected.acked = upto;
    Ok(())
}

/// After opening: what survived is fixed now. Reads it all, compares, and goes back.
fn settle(spool: &mut Spool, model: &mut Model) -> Result<(), ()> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    loop {
        let frames = spool.reader.read(3000).map_err(drop)?;
        if frames.frames.is_empty() {
            break;
        }
        for (frame, (worker, seq, payload)) in frames.frames.iter().zip(plain(&frames)) {
            found.entry((frame.stream.epoch, worker)).or_default().push((seq, payload));
        }
    }
    for (key, stream) in model.iter_mut() {
        let found = found.remove(key).unwrap_or_default();
        let maybe = stream.maybe_acked.take();
        let starts = [Some(stream.acked), maybe].into_iter().flatten();
        let fits = |from: &usize| {
            let upto = from + found.len();
            (upto >= stream.durable || found.is_empty() && *from >= stream.durable)
                && stream.pushed.get(*from..upto).is_some_and(|pushed| pushed == found)
        };
        let from = starts.into_iter().find(fits);
        let from = from.unwrap_or_else(|| panic!("{key:?} lost or repeated something"));
        (stream.acked, stream.given) = (from, from);
        stream.durable = from + found.len();
        let last = stream.pushed[..stream.durable].last().map_or(0, |(seq, _)| seq + 1);
        stream.kept = stream.kept.max(last);
        stream.pushed.truncate(stream.durable);
    }
    assert!(found.is_empty(), "streams that never were: {:?}", found.keys());
    spool.reader.rewind();
    Ok(())
}

fn acknowledge_all(spool: &mut Spool, model: &mut Model) {
    loop {
        let frames = spool.reader.read(3000).expect("the disk is well");
        if frames.frames.is_empty() {
            break;
        }
        take(&frames, model);
        for frame in &frames.frames {
            spool.reader.ack(&frame.stream, frame.seq).expect("it was read");
        }
    }
    assert!(model.values().all(|stream| stream.given == stream.durable));
}

/// The previous life is the newest with a record on disk, with its last numbers.
fn check_previous(spool: &Spool, model: &Model) {
    let surely = model.iter().rev().find(|(_, stream)| stream.kept > 0);
    let surely = surely.map(|((epoch, _), _)| *epoch);
    let Some(previous) = &spool.previous else {
        assert_eq!(surely, None, "a life that wrote is named");
        return;
    };
    assert!(surely <= Some(previous.epoch), "the newest is named");
    for worker in 0..WORKERS {
        let stream = &model[&(previous.epoch, worker)];
        let last = previous.last.get(usize::from(worker)).copied().flatten();
        let past = last.map_or(0, |last| last + 1);
        assert!((stream.kept..=stream.used).contains(&past), "the last number on disk");
    }
}
