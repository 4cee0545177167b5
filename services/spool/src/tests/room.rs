//! BOUND-1: how much the spool holds, and what happens at the limit.

use super::model_disk::ModelDisk;
use super::{acknowledge, config, open_model};
use crate::{Config, Durability, PushError, Room, Spool, Usage};

/// One worker with little more than its headroom of 64 KiB.
fn tight() -> Config {
    Config { size: 100 << 10, ..config(1, Durability::Process) }
}

fn record(buffer: &mut Vec<u8>) {
    buffer.resize(buffer.len() + 1024, b'x');
}

/// Pushes largest records until there is no room; returns how many.
fn fill(spool: &mut Spool) -> usize {
    let mut count = 0;
    while spool.writers[0].reserve() {
        let encode = |_, _, buffer: &mut Vec<u8>| record(buffer);
        spool.writers[0].push(0, Room::Reserved, encode).expect("it was reserved");
        spool.writers[0].write().expect("the disk is well");
        count += 1;
    }
    count
}

/// Pushes short records into the headroom until that is used up too.
fn fill_headroom(spool: &mut Spool) -> usize {
    let mut count = 0;
    loop {
        let encode = |_, _, buffer: &mut Vec<u8>| buffer.resize(buffer.len() + 500, b'h');
        let seq = spool.writers[0].next_seq();
        match spool.writers[0].push(0, Room::Headroom, encode) {
            Ok(()) => spool.writers[0].write().expect("the disk is well"),
            Err(error) => {
                assert_eq!(error, PushError::Full);
                assert_eq!(spool.writers[0].next_seq(), seq, "no number is used up");
                return count;
            }
        }
        count += 1;
    }
}

fn acknowledge_all(spool: &mut Spool) {
    loop {
        let frames = spool.reader.read(5000).expect("the disk is well");
        if frames.frames.is_empty() {
            return;
        }
        acknowledge(&mut spool.reader, &frames);
    }
}

#[test]
fn a_full_spool_admits_nothing_but_start_beat_and_end() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let records = fill(&mut spool);
    assert!((30..=36).contains(&records), "36 KiB beside the headroom hold {records} records");
    let beats = fill_headroom(&mut spool);
    assert!((110..=130).contains(&beats), "64 KiB of headroom hold {beats} beats");
    assert!(disk.segment_bytes() <= config.size, "{} bytes", disk.segment_bytes());
    let Usage { used, capacity } = spool.writers[0].usage();
    assert_eq!(capacity, config.size);
    assert!(used > capacity - 1500 && used <= capacity, "{used} of {capacity} bytes");

    acknowledge_all(&mut spool);
    assert!(fill(&mut spool) >= records - 5, "acknowledgements make room");
    assert!(disk.segment_bytes() <= config.size);
}

#[test]
fn every_reserved_record_fits() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let mut reserved = 0;
    while spool.writers[0].reserve() {
        reserved += 1;
    }
    fill_headroom(&mut spool);
    for _ in 0..reserved {
        let encode = |_, _, buffer: &mut Vec<u8>| record(buffer);
        spool.writers[0].push(0, Room::Reserved, encode).expect("it was reserved");
    }
    spool.writers[0].write().expect("the disk is well");
    assert!(disk.segment_bytes() <= config.size, "{} bytes", disk.segment_bytes());
}

#[test]
fn a_batch_of_many_segments_fits_with_their_headers() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let writer = &mut spool.writers[0];
    while writer.reserve() {
        let encode = |_, _, buffer: &mut Vec<u8>| record(buffer);
        writer.push(0, Room::Reserved, encode).expect("it was reserved");
    }
    while writer.push(0, Room::Headroom, |_, _, buffer| record(buffer)).is_ok() {}
    writer.write().expect("the disk is well");
    assert!(disk.segment_bytes() <= config.size, "{} bytes", disk.segment_bytes());
    assert!(disk.segment_bytes() > config.size - 10_000);
}

#[test]
fn reservations_are_counted() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let writer = &mut spool.writers[0];
    let none = writer.push(0, Room::Reserved, |_, _, buffer| record(buffer));
    assert_eq!(none, Err(PushError::NotReserved));
    let count = std::iter::repeat_with(|| writer.reserve()).take_while(|room| *room).count();
    assert!(!writer.reserve());
    writer.unreserve();
    assert!(writer.reserve(), "what is given back can be had again");
    assert!(count > 20);
}

#[test]
fn a_record_of_wrong_length_changes_nothing() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let writer = &mut spool.writers[0];
    assert!(writer.reserve());
    for bytes in [0, 1025] {
        let long = writer.push(0, Room::Reserved, |_, _, buffer| buffer.resize(16 + bytes, b'x'));
        assert_eq!(long, Err(PushError::Length { bytes, max: 1024 }));
    }
    writer.push(0, Room::Reserved, |seq, _, buffer| buffer.push(b'0' + seq as u8)).expect("fits");
    writer.write().expect("the disk is well");
    assert_eq!(super::read_all(&mut spool), [(0, 0, b"0".to_vec())]);
}

#[test]
fn a_share_smaller_than_a_segment_is_not_stuck() {
    let config = Config { segment: 100 << 10, size: 200 << 10, ..tight() };
    let disk = ModelDisk::default();
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    fill(&mut spool);
    drop(spool);
    // The old life keeps more than half of the spool, and is not acknowledged.
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    let stream = spool.writers[0].stream().clone();
    for round in 0..5 {
        fill(&mut spool);
        fill_headroom(&mut spool);
        while !spool.reader.read(5000).expect("the disk is well").frames.is_empty() {}
        let last = spool.writers[0].next_seq() - 1;
        spool.reader.ack(&stream, last).expect("it was read");
        assert!(fill_headroom(&mut spool) > 100, "round {round}");
        assert!(disk.segment_bytes() <= config.size, "round {round}");
    }
    drop(spool);
    let spool = open_model(&disk, &config, 3).expect("opens");
    assert!(spool.previous.is_some_and(|life| life.last[0] > Some(500)));
}

#[test]
fn what_earlier_lives_left_is_taken_from_the_share() {
    let (disk, config) = (ModelDisk::default(), tight());
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let records = fill(&mut spool);
    fill_headroom(&mut spool);
    drop(spool);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    assert!(!spool.writers[0].reserve(), "the old life fills the spool");
    assert!(fill_headroom(&mut spool) > 100, "start, beats and end are written all the same");
    acknowledge_all(&mut spool);
    assert_eq!(spool.writers[0].usage().capacity, config.size, "all is this life's now");
    assert!(fill(&mut spool) >= records - 5);
    assert!(disk.segment_bytes() <= config.size, "{} bytes", disk.segment_bytes());
}
