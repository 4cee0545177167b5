//! LOSS-1: an append survives SIGKILL of a real process the moment it returned.
//!
//! The test starts its own binary again. That child appends and prints each `seq` after `write`
//! returned; it is killed in the middle, many times, in one folder.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::plain;
use crate::{Config, Durability, Room, open};

/// Names the folder to the child.
const FOLDER: &str = "TOLLGATE_TEST_SPOOL";

/// Lives in one run; each is killed after another number of appends.
const ROUNDS: u64 = 40;

fn config(dir: &Path) -> Config {
    let config = super::config(2, Durability::Process);
    Config { dir: dir.to_owned(), segment: 8 << 10, size: 64 << 20, ..config }
}

/// Text that says which record it is, of a length that changes.
fn payload(worker: u16, seq: u64) -> Vec<u8> {
    format!("{worker} {seq} {}", "x".repeat((seq * 37 % 900) as usize)).into_bytes()
}

/// The child: appends until it is killed. Without the variable it is an empty test.
#[test]
fn child_appends() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mut spool = open(&config(&folder), 1).expect("opens");
    let mut out = std::io::stdout().lock();
    writeln!(out, "epoch {}", spool.epoch).expect("the parent listens");
    loop {
        for writer in &mut spool.writers {
            let (worker, first) = (writer.stream().worker, writer.next_seq());
            for _ in 0..=first % 4 {
                assert!(writer.reserve(), "there is room");
                let encode = |seq, _, buffer: &mut Vec<u8>| buffer.extend(payload(worker, seq));
                writer.push(0, Room::Reserved, encode).expect("it was reserved");
            }
            writer.write().expect("the disk is well");
            let last = writer.next_seq() - 1;
            writeln!(out, "appended {worker} {first} {last}").expect("the parent listens");
            out.flush().expect("the parent listens");
        }
    }
}

fn start(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "tests::sigkill::child_appends", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let out = BufReader::new(child.stdout.take().expect("it is piped"));
    (child, out)
}

/// The numbers of a line that begins so, wherever the test runner's own words end.
fn numbers(line: &str, word: &str) -> Option<Vec<u64>> {
    let (_, rest) = line.split_once(word)?;
    rest.split_whitespace().map(|number| number.parse().ok()).collect()
}

#[test]
fn an_append_survives_sigkill_the_moment_it_returned() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut promised = BTreeSet::new();
    for round in 0..ROUNDS {
        let (mut child, out) = start(folder.path());
        let (mut epoch, mut lines) = (None, 0);
        for line in out.lines() {
            let line = line.expect("text");
            if let Some(found) = numbers(&line, "epoch ") {
                epoch = Some(found[0]);
            }
            // The last line may be cut; it promises less then, never more.
            let found = numbers(&line, "appended ").unwrap_or_default();
            let Ok([worker, first, last]) = <[u64; 3]>::try_from(found) else { continue };
            let epoch = epoch.expect("it comes first");
            promised.extend((first..=last).map(|seq| (epoch, worker, seq)));
            lines += 1;
            // Goes on reading what the child had printed before it died.
            if lines == 1 + round * round % 97 {
                child.kill().expect("it runs");
            }
        }
        child.wait().expect("it was killed");
    }
    check(folder.path(), &promised);
}

/// Everything that was promised is there, nothing twice, nothing torn, no number left out.
fn check(folder: &Path, promised: &BTreeSet<(u64, u64, u64)>) {
    let mut spool = open(&config(folder), 1).expect("opens");
    assert!(promised.len() as u64 > ROUNDS * 10, "{} appends", promised.len());
    let mut found = BTreeSet::new();
    loop {
        let frames = spool.reader.read(1 << 20).expect("the disk is well");
        if frames.frames.is_empty() {
            break;
        }
        for (frame, (worker, seq, bytes)) in frames.frames.iter().zip(plain(&frames)) {
            assert_eq!(bytes, payload(worker, seq));
            let key = (frame.stream.epoch, u64::from(worker), seq);
            assert!(found.insert(key), "{key:?} came twice");
            let before = seq == 0 || found.contains(&(key.0, key.1, seq - 1));
            assert!(before, "{key:?} came without the one before it");
        }
    }
    let lost: Vec<_> = promised.difference(&found).collect();
    assert!(lost.is_empty(), "{} promised appends are lost, first {:?}", lost.len(), lost[0]);
}
