//! Numbers, times, turns, marks and wake-ups.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use record::{Stream, Time};

use super::model_disk::ModelDisk;
use super::{acknowledge, config, open_model, plain, push, read_all};
use crate::{AckError, Config, Durability, Frames, Room};

#[test]
fn time_never_goes_back_and_numbers_leave_no_gap() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let writer = &mut spool.writers[0];
    let mut given = Vec::new();
    for now in [1000, 1005, 900, 1005, 1006] {
        let note = |seq, Time(time), buffer: &mut Vec<u8>| {
            given.push((seq, time));
            buffer.push(b'x');
        };
        writer.push(now, Room::Headroom, note).expect("there is room");
    }
    assert_eq!(given, [(0, 1000), (1, 1005), (2, 1005), (3, 1005), (4, 1006)]);
}

#[test]
fn a_skipped_record_uses_up_its_number() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"a");
    spool.writers[0].skip();
    push(&mut spool.writers[0], b"b");
    assert_eq!(spool.writers[0].next_seq(), 3);
    spool.writers[0].write().expect("the disk is well");
    assert_eq!(read_all(&mut spool), [(0, 0, b"a".to_vec()), (0, 2, b"b".to_vec())]);
}

#[test]
fn a_panic_in_encode_leaves_no_trace() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let writer = &mut spool.writers[0];
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.push(0, Room::Headroom, |_, _, buffer| {
            buffer.extend_from_slice(b"half a rec");
            panic!("while encoding");
        })
    }));
    assert!(panics.is_err());
    writer.write().expect("there is nothing to write");
    push(writer, b"whole");
    writer.write().expect("the disk is well");
    assert_eq!(read_all(&mut spool), [(0, 0, b"whole".to_vec())]);
}

#[test]
fn old_lives_come_first_then_each_stream_has_its_turn() {
    let (disk, config) = (ModelDisk::default(), config(3, Durability::Process));
    for now in [5, 6] {
        let mut spool = open_model(&disk, &config, now).expect("opens");
        push(&mut spool.writers[1], b"old");
        spool.writers[1].write().expect("the disk is well");
    }
    let mut spool = open_model(&disk, &config, 7).expect("opens");
    for writer in &mut spool.writers {
        (0..30).for_each(|_| push(writer, &[b'x'; 100]));
        writer.write().expect("the disk is well");
    }
    let first = spool.reader.read(19).expect("the disk is well");
    let epochs: Vec<_> = first.frames.iter().map(|frame| frame.stream.epoch).collect();
    assert_eq!(epochs, [5], "a record that crosses the limit is the last");
    assert_eq!(spool.reader.read(1).expect("the disk is well").frames[0].stream.epoch, 6);
    let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
    for _ in 0..10 {
        let frames = spool.reader.read(600).expect("the disk is well");
        for (worker, _, _) in plain(&frames) {
            *seen.entry(worker).or_default() += 1;
        }
    }
    let counts: Vec<_> = seen.into_values().collect();
    assert_eq!(counts.len(), 3);
    assert!(counts.iter().max() <= counts.iter().min().map(|least| least + 3).as_ref());
}

#[test]
fn only_what_was_read_can_be_acknowledged() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"a");
    spool.writers[0].write().expect("the disk is well");
    let stream = spool.writers[0].stream().clone();
    let early = spool.reader.ack(&stream, 0);
    assert!(matches!(early, Err(AckError::NotRead { seq: 0, .. })));
    read_all(&mut spool);
    spool.reader.ack(&stream, 0).expect("it was read");
    spool.reader.ack(&stream, 0).expect("again does nothing");
    assert!(matches!(spool.reader.ack(&stream, 1), Err(AckError::NotRead { .. })));
    let foreign = Stream { worker: 1, ..stream };
    assert!(matches!(spool.reader.ack(&foreign, 0), Err(AckError::NoStream { .. })));
}

#[test]
fn a_mark_is_passed_when_all_before_it_was_read() {
    let (disk, config) = (ModelDisk::default(), config(2, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let mark = spool.reader.mark();
    assert!(spool.reader.passed(&mark), "nothing was written");
    for writer in &mut spool.writers {
        (0..10).for_each(|_| push(writer, &[b'x'; 1000]));
        writer.write().expect("the disk is well");
    }
    let mark = spool.reader.mark();
    push(&mut spool.writers[0], b"after");
    spool.writers[0].write().expect("the disk is well");
    let mut seen = 0;
    while !spool.reader.passed(&mark) {
        seen += spool.reader.read(2000).expect("the disk is well").frames.len();
    }
    assert!(seen >= 20, "passed after {seen} of 20");
    spool.reader.rewind();
    assert!(!spool.reader.passed(&mark), "all comes again");
    drop(spool);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    let mark = spool.reader.mark();
    assert!(!spool.reader.passed(&mark), "old lives stand before every mark");
    assert_eq!(read_all(&mut spool).len(), 21);
    assert!(spool.reader.passed(&mark));
}

#[test]
fn readers_and_writers_run_beside_each_other() {
    const RECORDS: u64 = 3000;
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { dir: folder.path().to_owned(), ..config(3, Durability::Process) };
    let spool = crate::open(&config, 1).expect("opens");
    let (writers, mut reader) = (spool.writers, spool.reader);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for mut writer in writers {
            scope.spawn(move || {
                let mut written = 0;
                while written < RECORDS {
                    // Waits for acknowledgements whenever the share is full.
                    if !writer.reserve() {
                        std::thread::yield_now();
                        continue;
                    }
                    let text = |seq, _, buffer: &mut Vec<u8>| {
                        buffer.resize(buffer.len() + 200 + (seq % 700) as usize, seq as u8);
                    };
                    writer.push(0, Room::Reserved, text).expect("it was reserved");
                    writer.write().expect("the disk is well");
                    written += 1;
                }
            });
        }
        let mut next = [0; 3];
        while next != [RECORDS; 3] {
            reader.wait(Duration::from_secs(60));
            let frames = reader.read(20_000).expect("the disk is well");
            for (worker, seq, payload) in plain(&frames) {
                assert_eq!(seq, next[usize::from(worker)]);
                assert_eq!(payload, vec![seq as u8; 200 + (seq % 700) as usize]);
                next[usize::from(worker)] += 1;
            }
            acknowledge(&mut reader, &frames);
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(50), "no wake-up was missed");
}

#[test]
fn what_was_read_before_makes_room_for_what_is_read() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let mut frames = Frames::default();
    for text in ["first", "second", "third"] {
        push(&mut spool.writers[0], text.as_bytes());
        spool.writers[0].write().expect("the disk is well");
        spool.reader.read_into(1 << 16, &mut frames).expect("the disk is well");
        let texts: Vec<_> = frames.frames.iter().map(|frame| frames.payload(frame)).collect();
        assert_eq!(texts, [text.as_bytes()]);
    }
    spool.reader.read_into(1 << 16, &mut frames).expect("the disk is well");
    assert_eq!(frames, Frames::default(), "nothing is new");
}
