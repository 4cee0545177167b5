//! The product's own program, built together with the tests, so that they always run what is in
//! the tree.
//!
//! Two things are added: `TOLLGATE_TEST_KILL_AT=STEP:N` ends the process with SIGKILL when metering
//! or closing comes to that step for the Nth time (`metering::Step`), and
//! `TOLLGATE_TEST_CLOCK_AHEAD=SECONDS` sets the clock of gateways and closing ahead.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use metering::{Clock, OnStep, Step};
use record::Time;
use rustix::process::{Signal, getpid, kill_process};

fn main() -> ExitCode {
    let on_step = std::env::var("TOLLGATE_TEST_KILL_AT").ok().map(|word| kill_at(&word));
    let clock = std::env::var("TOLLGATE_TEST_CLOCK_AHEAD").ok().map(|word| ahead(&word));
    tollgate::run(tollgate::Hooks { on_step, clock })
}

fn ahead(seconds: &str) -> Clock {
    let ahead: i64 = seconds.parse().expect("TOLLGATE_TEST_CLOCK_AHEAD is a number of seconds");
    Arc::new(move || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
        Time(i64::try_from(now.as_millis()).expect("a time") + ahead * 1000)
    })
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
