//! The storm: load from a client that keeps its own ledger on disk, SIGKILLs at random moments, and
//! at the end the comparison of ledger, topic, ClickHouse and bills.
//!
//! - Kills and jumps of the clock fall under load: they come when so many requests have been made
//!   ([`plan()`]).
//! - The run lies in three hours, since the clock is set on by an hour twice under load; it is set
//!   on once more at the end, so that all three are closed.
//! - Everything ends by itself: each wait has a limit, and the caller has a deadline for the whole.

pub mod embedded;
pub mod kafka;
pub mod plan;
pub mod report;
pub mod services;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::ask::ASKS;
use crate::audit::{Found, compare};
use crate::backend::Backend;
use crate::clock::SharedClock;
use crate::ledger::Ledger;
use crate::load::{Load, Plan};
use crate::recount;
use crate::wait;
use crate::world::HOST;
use embedded::Embedded;
use kafka::Kafka;
use plan::{Event, plan};
use report::Report;
use services::Services;

/// Clients of the load: both workers of a gateway have some.
const CLIENTS: usize = 8;
/// How often the clock is set on by an hour under load.
const JUMPS: u64 = 2;
/// The clock of the run begins here, so that no hour, day or month ends by itself.
const BEGIN: (i64, i64) = (10, 5);
/// How long the closing of all hours may take.
const CLOSE_MAX: Duration = Duration::from_secs(120);
/// No more differences than these are shown.
const SHOWN: usize = 10;

/// Batches this short make an insert begin as soon as the last one has ended, so that kills fall into
/// all moments of one.
const BATCHES: &str = "batch_wait: 5ms";

/// What lies between gateways and metering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// The spool, in one process.
    Embedded,
    /// A real Kafka, between separate services.
    Kafka,
}

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Options {
    /// The shape of the product.
    pub bus: Bus,
    /// Requests to be made.
    pub requests: u64,
    /// SIGKILLs among them.
    pub kills: u64,
    /// Chooses the moments, and whom it meets.
    pub seed: u64,
    /// The program under test.
    pub exe: PathBuf,
}

/// A report that grows while the storm goes on.
pub type Shared = Arc<Mutex<Report>>;

// === impl Bus ===

impl Bus {
    /// As on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        }
    }

    /// The kinds of its processes.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Embedded => &embedded::KINDS,
            Self::Kafka => &kafka::KINDS,
        }
    }
}

// === impl Options ===

impl Options {
    /// How long the storm may take on a slow machine: a start, a restart for each kill, the load,
    /// the comparison.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(180 + self.kills * 12 + self.requests / 200)
    }

    /// The report before the begin.
    pub fn report(&self) -> Shared {
        let (bus, kinds) = (self.bus.as_str(), self.bus.kinds());
        Arc::new(Mutex::new(Report::new(self.seed, bus, self.requests, kinds)))
    }

    /// The whole storm; what it finds is in the report.
    ///
    /// # Panics
    /// When the product does not start, or a state is not reached in time.
    pub fn run(&self, report: &Shared) {
        let folder = tempfile::Builder::new().prefix("tollgate-storm").tempdir();
        let folder = folder.expect("a folder");
        let clock = SharedClock::at(folder.path(), BEGIN.0, BEGIN.1);
        let backend = Backend::start();
        let disk = folder.path().join("ledger");
        match self.bus {
            Bus::Embedded => {
                let services = Embedded::start(&self.exe, backend.addr, clock.variable());
                Storm { options: self, report, services, clock, disk }.run();
            }
            Bus::Kafka => {
                let services = Kafka::start(&self.exe, backend.addr, clock.variable());
                Storm { options: self, report, services, clock, disk }.run();
            }
        }
    }
}

/// A storm that goes on.
struct Storm<'o, S> {
    options: &'o Options,
    report: &'o Shared,
    services: S,
    clock: SharedClock,
    /// Where the ledger is.
    disk: PathBuf,
}

// === impl Storm ===

impl<S: Services> Storm<'_, S> {
    fn run(mut self) {
        let began = Instant::now();
        self.drive(began);
        say(began, "all requests are made; waiting until all is quiet");
        self.services.settle(self.clock.ahead_s());
        self.clock.next_hour();
        let closed = self.close();
        say(
            began,
            if closed { "all hours are closed" } else { "NOT all hours are closed in time" },
        );
        let ledger = Ledger::read(&self.disk).expect("the ledger on disk");
        self.compare(&ledger);
        self.check_bills();
        if !self.report(|report| report.faults(self.options.kills)).is_empty() {
            eprintln!("{}", last_lines(&self.services.log()));
        }
    }

    /// The load, with all that happens under it.
    fn drive(&mut self, began: Instant) {
        let Options { requests, kills, seed, .. } = *self.options;
        let load = Load::begin(Plan {
            gateways: &self.services.gateways(),
            host: HOST,
            clients: CLIENTS,
            asks: ASKS,
            requests: Some(requests),
            disk: Some(&self.disk),
        });
        let events = plan(seed, requests, kills, self.services.kinds(), JUMPS);
        let moments: Vec<u64> = events.iter().map(|(moment, _)| *moment).collect();
        for (number, (moment, event)) in events.into_iter().enumerate() {
            // While something happens the load goes on, up to the next event: what takes long is
            // waited for. Then all clients are at work again before the next one.
            let goal = moment.max(load.made() + CLIENTS as u64);
            let next = moments.get(number + 1).copied().unwrap_or(requests);
            load.allow(next.max(goal + 2 * CLIENTS as u64));
            wait::until("the load to go on", self.options.limit(), || {
                (load.made() >= goal).then_some(())
            });
            match event {
                Event::Hour => self.clock.next_hour(),
                Event::Kill(kind, pick) => {
                    assert!(!load.finished(), "the load ended before the last kill");
                    self.services.kill(kind, pick, &load);
                    self.report(|report| *report.kills.entry(kind).or_default() += 1);
                }
            }
            say(began, &format!("{} of {requests} requests, {event:?}", load.made()));
        }
        load.allow(requests);
        wait::until("the end of the load", self.options.limit(), || load.finished().then_some(()));
        load.stop();
    }

    /// Waits until every hour with calls is closed; false when they are not in time. What is lost
    /// keeps an hour open, and is to be said then.
    fn close(&self) -> bool {
        let open = "SELECT count() FROM records WHERE part = 'final' \
                    AND hour NOT IN (SELECT hour FROM closings)";
        let closed = wait::within(CLOSE_MAX, || {
            let open = self.services.store().try_sql(open).ok()?;
            (open.trim() == "0").then_some(())
        });
        closed.is_some()
    }

    fn compare(&self, ledger: &Ledger) {
        let (found, faults) = compare(ledger, self.services.store());
        let Found { rows, unrecorded, missing, doubled, different, .. } = found;
        show(&faults);
        let topic = self.services.topic(self.clock.ahead_s()).unwrap_or_default();
        if topic != (0, 0) {
            eprintln!(
                "storm: {} records of the topic have no row, {} rows no record",
                topic.0, topic.1
            );
        }
        let altered = ledger.altered.len();
        self.report(|report| {
            report.received_whole = Some((ledger.whole.len() - altered) as u64);
            report.stored = Some(rows);
            report.lost = Some(unrecorded.max(missing).max(topic.0) + different);
            report.doubled = Some(doubled.max(topic.1));
        });
    }

    fn check_bills(&self) {
        let hours = recount::closed_hours(self.services.store());
        let faults = recount::differences(self.services.store(), &hours, |hour| {
            self.services.same_again(hour)
        });
        show(&faults);
        self.report(|report| {
            report.hours_closed = Some(hours.len() as u64);
            report.bills_recomputed_equal = Some(faults.is_empty());
        });
    }

    fn report<T>(&self, change: impl FnOnce(&mut Report) -> T) -> T {
        change(&mut self.report.lock().expect("nobody panics with the report"))
    }
}

fn say(began: Instant, what: &str) {
    eprintln!("storm: {:>4} s: {what}", began.elapsed().as_secs());
}

fn show(faults: &[String]) {
    for fault in faults.iter().take(SHOWN) {
        eprintln!("storm: {fault}");
    }
    if faults.len() > SHOWN {
        eprintln!("storm: and {} more", faults.len() - SHOWN);
    }
}

/// The end of a log.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(100)..].join("\n")
}
