//! Epochs that change while the folder is open.

use record::{PreviousLife, Time};

use super::model_disk::ModelDisk;
use super::{acknowledge, config, next_epoch, open_model, plain, push, read_all};
use crate::{BeginError, Config, Durability, PushError, Room, Spool};

/// Acknowledges all that can be read; returns epoch, worker and `seq` of it.
fn acknowledge_all(spool: &mut Spool) -> Vec<(u64, u16, u64)> {
    let mut all = Vec::new();
    loop {
        let frames = spool.reader.read(5000).expect("the disk is well");
        if frames.frames.is_empty() {
            return all;
        }
        acknowledge(&mut spool.reader, &frames);
        let place = |frame: &crate::Frame| (frame.stream.epoch, frame.stream.worker, frame.seq);
        all.extend(frames.frames.iter().map(place));
    }
}

#[test]
fn an_epoch_that_ended_is_read_first_and_the_next_one_counts_anew() {
    let (disk, config) = (ModelDisk::default(), config(2, Durability::Host));
    let mut spool = open_model(&disk, &config, 1000).expect("opens");
    push(&mut spool.writers[0], b"a");
    push(&mut spool.writers[0], b"b");
    let begun = next_epoch(&mut spool, 5);
    let previous = PreviousLife { epoch: 1000, last: vec![Some(1), None] };
    assert_eq!((begun.epoch, begun.previous), (1001, previous), "the clock went back");
    push(&mut spool.writers[1], b"d");
    spool.writers[1].write().expect("the disk is well");
    assert_eq!(next_epoch(&mut spool, 9000).epoch, 9000);
    let mut given = None;
    let note = |seq, time, buffer: &mut Vec<u8>| {
        given = Some((seq, time));
        buffer.push(b'e');
    };
    spool.writers[0].push(7, Room::Headroom, note).expect("there is room");
    assert_eq!(given, Some((0, Time(7))), "numbers and times of other epochs do not count");
    spool.writers[0].write().expect("the disk is well");
    let all = acknowledge_all(&mut spool);
    assert_eq!(all, [(1000, 0, 0), (1000, 0, 1), (1001, 1, 0), (9000, 0, 0)]);
    drop(spool);
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let previous = PreviousLife { epoch: 9000, last: vec![Some(0), None] };
    assert_eq!((spool.epoch, spool.previous.take()), (9001, Some(previous)));
    assert_eq!(read_all(&mut spool), []);
}

#[test]
fn a_crash_before_the_first_append_names_the_epoch_that_ended() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Host));
    let mut spool = open_model(&disk, &config, 10).expect("opens");
    push(&mut spool.writers[0], b"a");
    next_epoch(&mut spool, 20);
    assert_eq!(acknowledge_all(&mut spool), [(10, 0, 0)]);
    // Twice, so that the reader has had its chance to remove what is needed no more.
    next_epoch(&mut spool, 30);
    assert_eq!(acknowledge_all(&mut spool), []);
    drop(spool);
    disk.crash(Durability::Host, || false);
    let spool = open_model(&disk, &config, 5).expect("opens");
    assert_eq!(spool.epoch, 31);
    assert_eq!(spool.previous, Some(PreviousLife { epoch: 10, last: vec![Some(0)] }));
}

#[test]
fn an_epoch_begins_only_when_each_stream_has_ended() {
    let (disk, config) = (ModelDisk::default(), config(2, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"a");
    let first = spool.writers[0].end().expect("the disk is well");
    let none = spool.writers[0].push(0, Room::Headroom, |_, _, buffer| buffer.push(b'x'));
    assert_eq!(none, Err(PushError::Ended));
    for ended in [vec![], vec![first.clone()], vec![first.clone(), first.clone()]] {
        let error = spool.epochs.begin(5, &ended).expect_err("one goes on");
        assert!(matches!(error, BeginError::NotEnded { epoch: 1, workers: 2 }));
    }
    let second = spool.writers[1].end().expect("the disk is well");
    assert_eq!(spool.epochs.begin(5, &[second, first]).expect("all have ended").epoch, 5);
}

#[test]
fn reservations_and_what_is_not_freed_count_on_over_a_change() {
    let config = Config { size: 100 << 10, ..config(1, Durability::Process) };
    let disk = ModelDisk::default();
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let mut reserved = 0;
    while spool.writers[0].reserve() {
        reserved += 1;
    }
    let fill = |_, _, buffer: &mut Vec<u8>| buffer.resize(buffer.len() + 1024, b'x');
    for round in 0..5 {
        for _ in 0..reserved / 5 {
            spool.writers[0].push(0, Room::Reserved, fill).expect("it was reserved");
        }
        next_epoch(&mut spool, 0);
        assert!(!spool.writers[0].reserve(), "round {round}: all is promised, or used");
        assert!(disk.segment_bytes() <= config.size, "{} bytes", disk.segment_bytes());
    }
    let used = spool.writers[0].usage().used;
    assert_eq!(used, disk.segment_bytes());
    assert_eq!(acknowledge_all(&mut spool).len(), reserved / 5 * 5);
    assert_eq!(spool.writers[0].usage().used, 0, "all of it is free again");
    assert!(spool.writers[0].has_room());
}

#[test]
fn beats_leave_room_for_an_end_and_a_start() {
    let config = Config { size: 100 << 10, ..config(1, Durability::Process) };
    let mut spool = open_model(&ModelDisk::default(), &config, 1).expect("opens");
    let life = |_, _, buffer: &mut Vec<u8>| buffer.resize(buffer.len() + 600, b'x');
    while spool.writers[0].push(0, Room::Beat, life).is_ok() {
        spool.writers[0].write().expect("the disk is well");
    }
    for change in 0..20 {
        spool.writers[0].push(0, Room::Headroom, life).unwrap_or_else(|_| panic!("end {change}"));
        next_epoch(&mut spool, 0);
        spool.writers[0].push(0, Room::Headroom, life).unwrap_or_else(|_| panic!("start {change}"));
    }
}

#[test]
fn marks_and_rewinds_reach_over_a_change() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    (0..10).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect("the disk is well");
    let some = spool.reader.read(3000).expect("the disk is well");
    acknowledge(&mut spool.reader, &some);
    let before = spool.reader.mark();
    next_epoch(&mut spool, 0);
    push(&mut spool.writers[0], b"new");
    spool.writers[0].write().expect("the disk is well");
    let after = spool.reader.mark();
    assert!(!spool.reader.passed(&before));
    assert_eq!(some.frames.len() + read_all(&mut spool).len(), 11);
    assert!(spool.reader.passed(&before) && spool.reader.passed(&after));
    spool.reader.rewind();
    assert!(!spool.reader.passed(&before) && !spool.reader.passed(&after));
    let again = spool.reader.read(1).expect("the disk is well");
    assert_eq!(plain(&again)[0].1, some.frames.len() as u64, "from the first that is not stored");
}

#[test]
fn folders_do_not_pile_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { dir: folder.path().to_owned(), ..config(2, Durability::Process) };
    let mut spool = crate::open(&config, 1).expect("opens");
    for _ in 0..10 {
        spool.writers.iter_mut().for_each(|writer| push(writer, b"a"));
        next_epoch(&mut spool, 0);
        acknowledge_all(&mut spool);
    }
    let streams = folder.path().join("streams");
    let count = std::fs::read_dir(streams).expect("readable").count();
    assert_eq!(count, 6, "the live epoch, the one before, and what ended since the last change");
}
