//! Partitions and refused records, on a real disk.

use std::fs;

use super::{acknowledge, config, push};
use crate::{Config, Durability, open};

#[test]
fn a_partition_stays_with_its_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { dir: folder.path().to_owned(), ..config(1, Durability::Process) };
    let mut spool = open(&config, 1).expect("it opens");
    push(&mut spool.writers[0], b"one");
    spool.writers[0].write().expect("the disk is well");
    let frames = spool.reader.read(1000).expect("the disk is well");
    let stream = frames.frames[0].stream.clone();
    assert_eq!(spool.reader.partition(&stream).expect("it is read"), None);
    spool.reader.keep_partition(&stream, 0).expect("it is kept");
    assert_eq!(spool.reader.partition(&stream).expect("it is read"), Some(0));
    drop(spool);

    let mut spool = open(&config, 2).expect("it opens");
    assert_eq!(spool.reader.partition(&stream).expect("it is read"), Some(0));
    let frames = spool.reader.read(1000).expect("the disk is well");
    acknowledge(&mut spool.reader, &frames);
    push(&mut spool.writers[0], b"two");
    spool.writers[0].write().expect("the disk is well");
    drop(spool);

    // The first life is done and has a successor: its folder goes, and the partition with it.
    let spool = open(&config, 3).expect("it opens");
    assert_eq!(spool.reader.partition(&stream).expect("it is read"), None);
}

#[test]
fn refused_records_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { dir: folder.path().to_owned(), ..config(1, Durability::Process) };
    let spool = open(&config, 7).expect("it opens");
    let stream = record::Stream { gateway: "gw".to_owned(), epoch: 7, worker: 0 };
    for _ in 0..2 {
        let path = spool.reader.keep_refused(&stream, 12, b"too large").expect("it is kept");
        assert_eq!(path, folder.path().join("refused/7-0-12"));
        assert_eq!(fs::read(path).expect("it is there"), b"too large");
    }
}

#[test]
fn what_is_not_read_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { dir: folder.path().to_owned(), ..config(2, Durability::Process) };
    let mut spool = open(&config, 1).expect("it opens");
    assert_eq!(spool.reader.unread(), 0);
    for _ in 0..100 {
        push(&mut spool.writers[1], &[b'x'; 100]);
        spool.writers[1].write().expect("the disk is well");
    }
    let full = spool.reader.unread();
    assert!((10_000..20_000).contains(&full), "{full}");
    spool.reader.read(1000).expect("the disk is well");
    let less = spool.reader.unread();
    assert!((8_000..full - 400).contains(&less), "{less}");
    spool.reader.rewind();
    assert_eq!(spool.reader.unread(), full);
    drop(spool);

    let mut spool = open(&config, 2).expect("it opens");
    let full = spool.reader.unread();
    assert!((10_000..20_000).contains(&full), "{full}");
    while !spool.reader.read(1000).expect("the disk is well").frames.is_empty() {}
    assert_eq!(spool.reader.unread(), 0);
}
