//! A disk that is full, slow to take bytes, or damaged.

use super::model_disk::ModelDisk;
use super::{config, open_model, plain, push, read_all};
use crate::{Durability, ReadError};

#[test]
fn a_batch_is_one_write() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"first");
    spool.writers[0].write().expect("the disk is well");
    let before = disk.state().writes;
    (0..20).for_each(|_| push(&mut spool.writers[0], b"record"));
    spool.writers[0].write().expect("the disk is well");
    assert_eq!(disk.state().writes, before + 1);
    spool.writers[0].write().expect("nothing is left to write");
    assert_eq!(disk.state().writes, before + 1);
}

#[test]
fn a_batch_goes_on_in_further_segments() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    let record = [b'x'; 1000];
    (0..20).for_each(|_| push(&mut spool.writers[0], &record));
    spool.writers[0].write().expect("the disk is well");
    // Three frames of 1016 bytes fit into a segment of 4096.
    assert_eq!(disk.segments().len(), 7);
    let expected: Vec<_> = (0..20).map(|seq| (0, seq, record.to_vec())).collect();
    assert_eq!(read_all(&mut spool), expected);
}

#[test]
fn a_full_disk_holds_the_batch_until_there_is_room() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    disk.state().short_write = Some(700);
    disk.state().capacity = Some(10_000);
    let record = |number: usize| vec![b'a' + number as u8; 1000];
    let mut pushed = 0;
    let stalled = loop {
        push(&mut spool.writers[0], &record(pushed));
        pushed += 1;
        if let Err(stalled) = spool.writers[0].write() {
            break stalled;
        }
    };
    assert_eq!(stalled.source.kind(), std::io::ErrorKind::StorageFull);
    assert!(!spool.writers[0].reserve(), "admission stops");
    spool.writers[0].write().expect_err("the disk is still full");
    assert_eq!(read_all(&mut spool).len(), pushed - 1, "the rest is not published");

    disk.state().capacity = None;
    spool.writers[0].write().expect("there is room");
    assert!(spool.writers[0].reserve(), "admission goes on");
    assert_eq!(read_all(&mut spool), [(0, pushed as u64 - 1, record(pushed - 1))]);
    drop(spool);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    let expected: Vec<_> = (0..pushed).map(|number| (0, number as u64, record(number))).collect();
    assert_eq!(read_all(&mut spool), expected);
}

#[test]
fn a_write_that_fails_halfway_is_continued_at_the_same_place() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"first");
    spool.writers[0].write().expect("the disk is well");
    disk.state().short_write = Some(700);
    disk.state().failing_write = Some(2);
    (0..5).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect_err("the third piece fails");
    spool.writers[0].write().expect("the disk is well again");
    let mut expected = vec![(0, 0, b"first".to_vec())];
    expected.extend((1..6).map(|seq| (0, seq, vec![b'x'; 1000])));
    assert_eq!(read_all(&mut spool), expected);
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_record() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    (0..2).for_each(|_| push(&mut spool.writers[0], b"whole"));
    spool.writers[0].write().expect("the disk is well");
    push(&mut spool.writers[0], b"torn");
    disk.state().left = Some(18);
    spool.writers[0].write().expect_err("the process dies");
    drop(spool);
    disk.crash(Durability::Process, || true);
    let spool = open_model(&disk, &config, 2).expect("opens");
    assert_eq!(spool.previous.map(|life| life.last), Some(vec![Some(1)]));
    let header = crate::frame::header_len("gw");
    assert_eq!(disk.segment_bytes(), header + 2 * (16 + 5));
}

#[test]
fn acknowledgements_make_room_on_a_full_disk() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    disk.state().capacity = Some(20_000);
    let record = [b'x'; 1000];
    loop {
        push(&mut spool.writers[0], &record);
        if spool.writers[0].write().is_err() {
            break;
        }
    }
    let frames = spool.reader.read(usize::MAX).expect("the disk is well");
    let last = frames.frames.last().expect("some were written");
    spool.reader.ack(&last.stream, last.seq).expect("it was read");
    spool.writers[0].write().expect("segments were freed");
}

#[test]
fn damage_in_an_old_segment_costs_only_its_rest() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    (0..9).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect("the disk is well");
    drop(spool);
    let second = disk.segments().remove(1);
    disk.edit(&second, |data| data[1500] ^= 1);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    assert_eq!(spool.previous.as_ref().map(|life| life.last.clone()), Some(vec![Some(8)]));
    let seqs: Vec<_> = read_all(&mut spool).into_iter().map(|(_, seq, _)| seq).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 6, 7, 8]);
}

#[test]
fn damage_in_the_living_segment_is_told_and_skipped_later() {
    damage_in_the_living_segment(|data| data[1500] ^= 1);
    damage_in_the_living_segment(|data| data[1058..2074].fill(0));
}

fn damage_in_the_living_segment(damage: fn(&mut Vec<u8>)) {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    (0..2).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect("the disk is well");
    let [path] = disk.segments().try_into().expect("one segment");
    disk.edit(&path, damage);
    let frames = spool.reader.read(usize::MAX).expect("the first is whole");
    assert_eq!(plain(&frames).len(), 1);
    for _ in 0..2 {
        let error = spool.reader.read(usize::MAX).expect_err("damaged");
        assert!(matches!(error, ReadError::Damaged { segment: 1, offset: 1058, .. }), "{error}");
    }
    (0..2).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect("the disk is well");
    let seqs: Vec<_> = read_all(&mut spool).into_iter().map(|(_, seq, _)| seq).collect();
    assert_eq!(seqs, [3]);
}
