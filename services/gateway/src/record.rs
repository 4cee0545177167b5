//! Record: the last phase, on every way out.
//!
//! The recorder is one task per worker. Once per turn of the event loop it finishes the records
//! of all exchanges that ended, pushes them into the spool, writes them with one system call, and
//! then releases the ends of their answers. So a client that has an answer whole has its record
//! on disk (LOSS-1), and the cost shrinks under load.
//! - `time` and `seq` are given by the spool's writer, just before the write.
//! - A record is pushed once; what the disk does not take stays in the writer and is tried again,
//!   with the answers held and admission stopped.

mod fill;

use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use record::{Life, Part, PreviousLife};
use spool::{PushError, Room};

use crate::exchange::{Exchange, SpoolRoom};
use crate::metrics::Count;
use crate::wire::Wire;
use crate::worker::Worker;

/// The first wait after the disk did not take a write, and the longest. Held answers wait that
/// long at most after there is room again.
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_millis(500);

/// What is to be written down.
pub(crate) enum Entry {
    /// An exchange is over; the connection holds back the end of its answer, if there is one.
    Final { exchange: Rc<Exchange>, held: Option<Rc<Wire>> },
    /// An exchange goes on for long.
    Interim { exchange: Rc<Exchange> },
    /// The stream begins.
    Start { previous: Option<PreviousLife> },
    /// The stream lives.
    Heartbeat,
    /// The stream ends; nothing follows.
    End,
}

/// What waits for the disk.
struct Waiting {
    /// Whose ends of answers are held until their records are on disk.
    wires: Vec<Rc<Wire>>,
    /// When the disk is asked again, and how long it gets after that.
    retry: Option<(Instant, Duration)>,
    /// The stream's end was pushed.
    last: bool,
}

/// Writes down what the worker gives it, until the stream's end is on disk.
pub(crate) async fn recorder(worker: Rc<Worker>) {
    let mut waiting = Waiting { wires: Vec::new(), retry: None, last: false };
    loop {
        let entries = next(&worker, waiting.retry.map(|(at, _)| at)).await;
        let now = Instant::now();
        for entry in entries {
            push(&worker, &entry, now);
            waiting.last |= matches!(entry, Entry::End);
            match entry {
                // Without a record there is nothing to wait for.
                Entry::Final { exchange, held: Some(wire) } if !exchange.has_record() => {
                    wire.release();
                }
                Entry::Final { held: Some(wire), .. } => waiting.wires.push(wire),
                _ => {}
            }
        }
        if waiting.retry.is_some_and(|(at, _)| now < at) {
            continue;
        }
        waiting.write(&worker, now);
        if waiting.last && waiting.retry.is_none() {
            return;
        }
    }
}

impl Waiting {
    /// One write for all that was pushed. When it is on disk, the answers may leave.
    fn write(&mut self, worker: &Worker, now: Instant) {
        worker.counters.add(Count::SpoolWrites);
        let written = worker.writer.borrow_mut().write();
        let Err(stalled) = written else {
            self.retry = None;
            if worker.stalled.replace(false) {
                tracing::info!("spool takes records again");
            }
            self.wires.drain(..).for_each(|wire| wire.release());
            return;
        };
        worker.counters.add(Count::SpoolStalls);
        if !worker.stalled.replace(true) {
            let cause = std::error::Error::source(&stalled).map(ToString::to_string);
            tracing::error!(cause, "spool does not take records, answers are held");
        }
        let wait = self.retry.map_or(RETRY_MIN, |(_, wait)| RETRY_MAX.min(wait * 2));
        self.retry = Some((now + wait, wait));
    }
}

/// Waits until something is to be written down, and takes all of it; or until the disk is to be
/// asked again.
async fn next(worker: &Worker, retry: Option<Instant>) -> Vec<Entry> {
    let given = poll_fn(|cx| {
        let entries = mem::take(&mut *worker.pending.borrow_mut());
        if !entries.is_empty() {
            return Poll::Ready(entries);
        }
        *worker.recorder.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    });
    match retry {
        None => given.await,
        Some(at) => tokio::time::timeout_at(at.into(), given).await.unwrap_or_default(),
    }
}

fn push(worker: &Worker, entry: &Entry, now: Instant) {
    let pushed = match entry {
        Entry::Final { exchange, .. } => push_final(worker, exchange, now),
        Entry::Interim { exchange } => push_interim(worker, exchange, now),
        Entry::Start { previous } => push_life(worker, Part::Start, previous.clone()),
        Entry::Heartbeat => push_life(worker, Part::Heartbeat, None),
        Entry::End => push_life(worker, Part::End, None),
    };
    match pushed {
        Ok(()) => {}
        Err(PushError::Full) if matches!(entry, Entry::Heartbeat) => {}
        Err(error) => {
            // Room was reserved and the length capped, so this is a fault of ours. The loss shows
            // in the hour's proof.
            debug_assert!(false, "a record was not pushed: {error}");
            lose(worker);
            tracing::error!(%error, "record is lost");
        }
    }
}

fn push_final(worker: &Worker, exchange: &Exchange, now: Instant) -> Result<(), PushError> {
    let room = match exchange.room.get() {
        // The request never came to be admitted: it is recorded all the same, if there is room.
        SpoolRoom::None if worker.writer.borrow_mut().reserve() => SpoolRoom::Reserved,
        SpoolRoom::None => SpoolRoom::Refused,
        room => room,
    };
    match room {
        SpoolRoom::Reserved => push_exchange(worker, exchange, Part::Final, now),
        SpoolRoom::None | SpoolRoom::Refused => {
            worker.refused.set(worker.refused.get() + 1);
            worker.counters.add(Count::SpoolRefused);
            Ok(())
        }
        SpoolRoom::Unrecorded => {
            lose(worker);
            Ok(())
        }
    }
}

fn push_interim(worker: &Worker, exchange: &Exchange, now: Instant) -> Result<(), PushError> {
    let open = exchange.room.get() == SpoolRoom::Reserved && !exchange.is_closed();
    if !open || !worker.writer.borrow_mut().reserve() {
        // Its bytes stand in the next one, or in the final record.
        return Ok(());
    }
    push_exchange(worker, exchange, Part::Interim, now)?;
    fill::told(exchange, now);
    Ok(())
}

fn push_exchange(
    worker: &Worker,
    exchange: &Exchange,
    part: Part,
    now: Instant,
) -> Result<(), PushError> {
    let mut writer = worker.writer.borrow_mut();
    let (epoch, number) = (writer.stream().epoch, writer.stream().worker);
    writer.push(worker.now().0, Room::Reserved, |seq, time, out| {
        fill::exchange(worker, exchange, part, now, |record| {
            (record.epoch, record.worker, record.seq, record.time) = (epoch, number, seq, time);
            record.cap(worker.config.record.max as usize);
            record::encode(record, out);
        });
    })?;
    worker.counters.add(Count::Records);
    Ok(())
}

fn push_life(worker: &Worker, part: Part, previous: Option<PreviousLife>) -> Result<(), PushError> {
    let life = Life {
        workers: worker.workers,
        previous,
        refused: worker.refused.get(),
        unrecorded: worker.unrecorded.get(),
        retires: false,
    };
    let mut writer = worker.writer.borrow_mut();
    let (epoch, number) = (writer.stream().epoch, writer.stream().worker);
    writer.push(worker.now().0, Room::Headroom, |seq, time, out| {
        let mut record = fill::life(worker, part, life);
        (record.epoch, record.worker, record.seq, record.time) = (epoch, number, seq, time);
        record::encode(&record, out);
    })?;
    worker.counters.add(Count::Records);
    worker.refused.set(0);
    worker.unrecorded.set(0);
    Ok(())
}

/// A request without a record: the loss uses up a `seq`.
fn lose(worker: &Worker) {
    worker.unrecorded.set(worker.unrecorded.get() + 1);
    worker.counters.add(Count::Unrecorded);
    worker.writer.borrow_mut().skip();
}
