//! The product's own program, built together with the tests, so that they always run what is in
//! the tree.
//!
//! Some things are added, each by an environment variable:
//! - `TOLLGATE_TEST_KILL_AT=STEP:N` ends the process with SIGKILL when metering or closing comes to
//!   that step for the Nth time (`metering::Step`).
//! - `TOLLGATE_TEST_CLOCK_AHEAD=SECONDS` sets the clock of gateways and closing ahead.
//! - `TOLLGATE_TEST_CLOCK_FILE=PATH` does so by what stands in a file, as long as the process lives:
//!   [`crate::clock`] writes it.
//! - `TOLLGATE_TEST_PARENT=PID` ends the process with the test that started it, however that ends.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metering::{Clock, OnStep, Step};
use record::Time;
use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

/// How often the clock's file is read. All processes of a test jump within it.
const READ_EVERY: Duration = Duration::from_millis(20);

/// The whole program.
pub fn main() -> ExitCode {
    if let Some(parent) = variable("TOLLGATE_TEST_PARENT") {
        end_with(&parent);
    }
    let on_step = variable("TOLLGATE_TEST_KILL_AT").map(|word| kill_at(&word));
    let clock = match variable("TOLLGATE_TEST_CLOCK_FILE") {
        Some(path) => Some(clock(follow(path.into()))),
        None => variable("TOLLGATE_TEST_CLOCK_AHEAD").map(|word| clock(ahead(&word))),
    };
    tollgate::run(tollgate::Hooks { on_step, clock })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Only for the child itself: its own children inherit the variable, and have their own life lines.
fn end_with(parent: &str) {
    let parent: i32 = parent.parse().expect("TOLLGATE_TEST_PARENT is a process id");
    let is_parent = || getppid().is_some_and(|pid| pid.as_raw_nonzero().get() == parent);
    if is_parent() {
        set_parent_process_death_signal(Some(Signal::KILL)).expect("Linux");
        assert!(is_parent(), "the test is gone");
    }
}

/// The system's clock, so many seconds ahead.
fn clock(ahead: Arc<AtomicI64>) -> Clock {
    Arc::new(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
        let now = i64::try_from(now.as_millis()).expect("a time");
        Time(now + ahead.load(Ordering::Relaxed) * 1000)
    })
}

fn ahead(seconds: &str) -> Arc<AtomicI64> {
    let seconds = seconds.trim().parse();
    Arc::new(AtomicI64::new(seconds.expect("a clock is ahead by a number of seconds")))
}

/// What stands in the file, now and later.
fn follow(path: PathBuf) -> Arc<AtomicI64> {
    let read = move || std::fs::read_to_string(&path);
    let shared = ahead(&read().expect("TOLLGATE_TEST_CLOCK_FILE can be read"));
    let followed = Arc::clone(&shared);
    std::thread::spawn(move || {
        loop {
            std::thread::park_timeout(READ_EVERY);
            // At the end of a test the folder goes first.
            let Ok(text) = read() else { return };
            followed.store(ahead(&text).load(Ordering::Relaxed), Ordering::Relaxed);
        }
    });
    shared
}

fn kill_at(word: &str) -> OnStep {
    let (step, times) = word.split_once(':').expect("TOLLGATE_TEST_KILL_AT is STEP:N");
    let step = Step::parse(step).expect("TOLLGATE_TEST_KILL_AT names a step");
    let times: u32 = times.parse().expect("TOLLGATE_TEST_KILL_AT is STEP:N");
    let seen = AtomicU32::new(0);
    Arc::new(move |at| {
        if at == step && seen.fetch_add(1, Ordering::SeqCst) + 1 == times {
            kill_process(getpid(), Signal::KILL).expect("SIGKILL to ourselves");
        }
    })
}
