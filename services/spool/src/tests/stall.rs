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
    let bytes = disk.bytes();
    disk.state().capacity = Some(bytes + 10_000);
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
    let bytes = disk.bytes();
    disk.state().capacity = Some(bytes + 20_000);
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

#[test]
fn a_full_disk_takes_acknowledgements_and_is_freed_by_them() {
    for durability in [Durability::Process, Durability::Host] {
        let (disk, config) = (ModelDisk::default(), config(1, durability));
        let mut spool = open_model(&disk, &config, 1).expect("opens");
        let bytes = disk.bytes();
        disk.state().capacity = Some(bytes + 20_000);
        loop {
            push(&mut spool.writers[0], &[b'x'; 1000]);
            if spool.writers[0].write().is_err() {
                break;
            }
        }
        let bytes = disk.bytes();
        disk.state().capacity = Some(bytes);
        let before = disk.segment_bytes();
        let frames = spool.reader.read(usize::MAX).expect("the disk can be read");
        super::acknowledge(&mut spool.reader, &frames);
        assert!(disk.segment_bytes() < before, "room is given back");
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_lets_the_spool_be_drained() {
    let (disk, config) = (ModelDisk::default(), config(2, Durability::Host));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    (0..20).for_each(|_| push(&mut spool.writers[0], &[b'x'; 1000]));
    spool.writers[0].write().expect("the disk is well");
    drop(spool);
    for now in [2, 3, 4] {
        // It may not hold a byte more than it does.
        let bytes = disk.bytes();
        disk.state().capacity = Some(bytes);
        let mut spool = open_model(&disk, &config, now).expect("opens, at the cost of its reserve");
        push(&mut spool.writers[0], b"new");
        spool.writers[0].write().expect_err("the disk is full");
        let frames = spool.reader.read(1).expect("the disk can be read");
        assert_eq!(frames.frames[0].stream.epoch, 1);
        disk.state().capacity = None;
        spool.writers[0].write().expect("there is room");
        drop(spool);
        // What one start on a full disk used up, the next start on another sets aside again.
        drop(open_model(&disk, &config, now).expect("opens"));
    }
    let mut spool = open_model(&disk, &config, 9).expect("opens");
    assert_eq!(read_all(&mut spool).len(), 20 + 3);
}

#[test]
fn numbers_used_up_behind_the_last_record_are_known_after_a_crash() {
    for durability in [Durability::Process, Durability::Host] {
        let (disk, config) = (ModelDisk::default(), config(1, durability));
        let mut spool = open_model(&disk, &config, 1).expect("opens");
        push(&mut spool.writers[0], b"a");
        spool.writers[0].write().expect("the disk is well");
        (0..3).for_each(|_| spool.writers[0].skip());
        spool.writers[0].write().expect("the disk is well");
        spool.writers[0].skip();
        spool.writers[0].write().expect("the disk is well");
        let frames = spool.reader.read(usize::MAX).expect("the disk is well");
        super::acknowledge(&mut spool.reader, &frames);
        drop(spool);
        disk.crash(durability, || false);
        for now in [2, 3] {
            let spool = open_model(&disk, &config, now).expect("opens");
            let last = spool.previous.expect("a life was before").last;
            assert_eq!(last, [Some(4)], "the loss shows in the hour's proof");
        }
        assert_eq!(disk.segments().len(), 0, "what is acknowledged is gone all the same");
    }
}

#[test]
fn a_stream_that_can_not_be_read_holds_up_no_other() {
    let (disk, config) = (ModelDisk::default(), config(2, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"bad");
    push(&mut spool.writers[1], b"good");
    super::next_epoch(&mut spool, 2);
    push(&mut spool.writers[0], b"live");
    spool.writers[0].write().expect("the disk is well");
    let bad = disk.segments().remove(0);
    disk.state().broken.insert(bad);
    assert_eq!(read_all_of_the_others(&mut spool), [b"good".to_vec(), b"live".to_vec()]);
    let mark = spool.reader.mark();
    assert!(matches!(spool.reader.read(1000), Err(ReadError::Io { .. })), "it is not forgotten");
    assert!(!spool.reader.passed(&mark));
    disk.state().broken.clear();
    assert_eq!(read_all(&mut spool), [(0, 0, b"bad".to_vec())]);
    assert!(spool.reader.passed(&mark));
}

fn read_all_of_the_others(spool: &mut crate::Spool) -> Vec<Vec<u8>> {
    let frames = spool.reader.read(1000).expect("there is something to read");
    plain(&frames).into_iter().map(|(_, _, payload)| payload).collect()
}
