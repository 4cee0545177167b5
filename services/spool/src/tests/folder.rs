//! The folder on the machine's own file system: who may open it, which epoch begins, what of
//! earlier lives is kept.

use std::fs;
use std::path::Path;

use record::PreviousLife;

use super::{push, read_all};
use crate::{Config, Durability, OpenError, open};

fn config(dir: &Path, workers: u16) -> Config {
    Config { dir: dir.to_owned(), ..super::config(workers, Durability::Host) }
}

#[test]
fn the_folder_is_locked_while_any_end_lives() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), 1);
    let spool = open(&config, 1).expect("opens");
    let held = open(&config, 1).expect_err("it is held");
    let expected = format!("is held by another process (pid {})", std::process::id());
    assert!(held.to_string().contains(&expected), "{held}");
    assert!(held.to_string().contains(&folder.path().display().to_string()), "{held}");
    let (writers, reader) = (spool.writers, spool.reader);
    drop(reader);
    assert!(matches!(open(&config, 1), Err(OpenError::Held { .. })), "a writer holds it");
    drop(writers);
    open(&config, 1).expect("nobody holds it");
}

#[test]
fn a_folder_belongs_to_one_gateway() {
    let folder = tempfile::tempdir().expect("a folder");
    open(&config(folder.path(), 1), 1).expect("opens");
    let other = Config { gateway: "other".to_owned(), ..config(folder.path(), 1) };
    let error = open(&other, 1).expect_err("it belongs to `gw`");
    assert!(error.to_string().ends_with("belongs to gateway `gw`, not to `other`"), "{error}");
    for name in [String::new(), "x".repeat(256)] {
        let other = Config { gateway: name, ..config(folder.path(), 1) };
        assert!(matches!(open(&other, 1), Err(OpenError::Name { .. } | OpenError::Sizes { .. })));
    }
}

#[test]
fn an_epoch_is_the_clock_or_one_more_than_the_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path(), 1);
    let epoch = |now| open(&config, now).expect("opens").epoch;
    let begun: Vec<_> = [1000, 1000, 5, 2000, 1999].into_iter().map(epoch).collect();
    assert_eq!(begun, [1000, 1001, 1002, 2000, 2001]);
    fs::remove_file(folder.path().join("epoch")).expect("it is there");
    assert_eq!(epoch(7), 2002, "the streams' folders tell it too");
    fs::write(folder.path().join("epoch"), "soon").expect("writable");
    assert!(matches!(open(&config, 1), Err(OpenError::Epoch { .. })));
    fs::write(folder.path().join("epoch"), "9007199254740991").expect("writable");
    assert!(matches!(open(&config, 1), Err(OpenError::EpochsUsedUp { .. })));
}

#[test]
fn the_previous_life_is_the_last_that_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut spool = open(&config(folder.path(), 3), 10).expect("opens");
    assert_eq!(spool.previous, None);
    push(&mut spool.writers[0], b"a");
    push(&mut spool.writers[2], b"a");
    push(&mut spool.writers[2], b"b");
    spool.writers.iter_mut().for_each(|writer| writer.write().expect("the disk is well"));
    drop(spool);
    let expected = PreviousLife { epoch: 10, last: vec![Some(0), None, Some(1)] };

    // Lives that write nothing do not count, nor does it matter what is acknowledged.
    for now in [20, 30, 40] {
        let mut spool = open(&config(folder.path(), 1), now).expect("opens");
        assert_eq!(spool.previous.as_ref(), Some(&expected), "at {now}");
        let read = read_all(&mut spool);
        if now == 20 {
            assert_eq!(read.len(), 3);
            let stream = |worker| record::Stream { gateway: "gw".to_owned(), epoch: 10, worker };
            spool.reader.ack(&stream(0), 0).expect("it was read");
            spool.reader.ack(&stream(2), 1).expect("it was read");
        } else {
            assert_eq!(read, []);
        }
    }
    let mut spool = open(&config(folder.path(), 1), 50).expect("opens");
    push(&mut spool.writers[0], b"a");
    spool.writers[0].write().expect("the disk is well");
    drop(spool);
    let spool = open(&config(folder.path(), 1), 60).expect("opens");
    assert_eq!(spool.previous, Some(PreviousLife { epoch: 50, last: vec![Some(0)] }));
    let mut left: Vec<_> = fs::read_dir(folder.path().join("streams"))
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("a text"))
        .collect();
    left.sort();
    assert_eq!(left, ["50-0", "60-0"], "older folders are needed no more");
}

#[test]
fn foreign_files_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    open(&config(folder.path(), 1), 1).expect("opens");
    let foreign = folder.path().join("streams").join("notes.txt");
    fs::write(&foreign, "mine").expect("writable");
    open(&config(folder.path(), 1), 2).expect("opens");
    assert!(foreign.exists());
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = Config { segment: 500, ..config(folder.path(), 1) };
    assert!(matches!(open(&refused, 1), Err(OpenError::Sizes { .. })));
    let none = config(folder.path(), 0);
    assert!(matches!(open(&none, 1), Err(OpenError::Sizes { .. })));
}
