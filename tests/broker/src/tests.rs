//! The broker starts, stands still, dies and returns; and it ends with the process that holds it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Broker;

/// Longer than any machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names the test that this binary runs in a child which is then killed.
const CHILD: &str = "TOLLGATE_BROKER_CHILD";

fn answers(addr: &str) -> bool {
    let addr = addr.parse().expect("an address");
    std::net::TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_ok()
}

fn until(what: &str, mut look: impl FnMut() -> bool) {
    let start = Instant::now();
    while !look() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// The state of a process as `/proc` has it.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn it_dies_and_returns_on_the_same_address() {
    let mut broker = Broker::start();
    if !broker.is_ours() {
        return;
    }
    let addr = broker.addr().to_owned();
    let first = broker.pid().expect("it runs");
    assert!(answers(&addr));
    broker.kill();
    assert_eq!(broker.pid(), None);
    assert!(!answers(&addr));
    broker.start_again();
    let second = broker.pid().expect("it runs");
    assert_ne!(first, second);
    // A busy machine may take its time to accept.
    until("it answers again", || answers(&addr));
    broker.freeze();
    until("it stands still", || state(second) == Some('T'));
    broker.thaw();
    until("it goes on", || state(second) != Some('T'));
    broker.stop();
    assert!(!answers(&addr));
    let folder = broker.folder();
    drop(broker);
    assert!(!folder.exists(), "the folder is removed");
}

/// Does nothing unless it runs as the child of the next test.
#[test]
fn a_child_that_is_killed() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let broker = Broker::start();
    println!("broker {} {}", broker.pid().expect("it runs"), broker.folder().display());
    loop {
        std::thread::park();
    }
}

#[test]
fn it_ends_with_a_test_that_is_killed() {
    if !Broker::shared().is_ours() {
        return;
    }
    let program = std::env::current_exe().expect("this binary");
    let mut child = Command::new(program)
        .args(["--exact", "tests::a_child_that_is_killed", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let found = lines.map_while(Result::ok).find_map(|line| {
        let rest = line.split_once("broker ")?.1.to_owned();
        let (pid, folder) = rest.split_once(' ')?;
        Some((pid.parse::<u32>().ok()?, folder.to_owned()))
    });
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let (pid, folder) = found.expect("the child has a broker");
    until("the broker is gone", || matches!(state(pid), None | Some('Z')));
    until("its folder is gone", || !Path::new(&folder).exists());
}
