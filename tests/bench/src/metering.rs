//! Records that wait, on their way into `records`: rows per second, and CPU of metering and engine
//! together.
//!
//! - The peer is ClickHouse's own `Kafka` engine with a materialized view, on the same topic and the
//!   same engine, into a table like `records`. Both are given the same rule to judge by; the peer
//!   checks nothing else: no number twice, no gap, no dead letter.
//! - Each turn reads the topic from its beginning, as a group of its own, into an empty table.
//! - The rate is taken when 95 % of the rows are there: the peer holds its last block back until a
//!   time-out. CPU is that of all of them.
//! - Embedded: the same records wait in a spool, and no broker takes part.

mod embedded;
mod ours;
mod peer;
mod topic;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::Common;
use crate::clock::cpu_ns;
use crate::report::{Bound, Report, Row, turns};
use crate::rows::{Sizes, Span, Words};
use crate::stage::{LOOK, Stage, now};
use topic::Topic;

/// Rows of a smoke run.
const SMOKE_ROWS: u64 = 3_000;
/// How long a turn may take, per million rows, and at least.
const TURN_MAX_PER_MILLION: Duration = Duration::from_secs(300);
const TURN_MAX: Duration = Duration::from_secs(120);
/// Records are so old at most, so that their hour is the one that runs.
const AGE_MS: u64 = 60_000;

/// `bench metering`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records that wait
    #[arg(long, default_value_t = 2_000_000)]
    rows: u64,
    /// Partitions of the topic
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    partitions: u16,
    /// Consumers of the peer, each with a thread of its own if there are several
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    peer_consumers: u16,
    /// Only ours over Kafka, or only embedded: for profiles
    #[arg(long, value_enum)]
    only: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Side {
    Kafka,
    Embedded,
    Peer,
}

/// What one turn came to.
#[derive(Debug, Clone, Copy)]
struct Turn {
    rows_per_s: f64,
    /// Microseconds per row, metering and engine together.
    cpu_us: f64,
    /// The engine's part of it.
    engine_us: f64,
}

/// What is watched during a turn.
struct Watch<'s> {
    stage: &'s Stage,
    table: &'static str,
    rows: u64,
    began: Instant,
    engine: Duration,
    own_ns: u64,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let rows = if common.smoke { SMOKE_ROWS } else { options.rows };
    let rounds = if common.smoke { 1 } else { common.rounds };
    let words = Words::new(Sizes::default());
    // Their hour has not ended, so that nothing is closed meanwhile.
    let begin = record::Time(now().0 - AGE_MS as i64);
    let span = Span { rows, begin, length: AGE_MS };
    let stage = Stage::start()?;
    peer::prepare(&stage)?;
    let sides: Vec<Side> = match options.only {
        Some(side) => vec![side],
        None => vec![Side::Kafka, Side::Peer, Side::Embedded],
    };
    let topic = match options.only {
        Some(Side::Embedded) => None,
        _ => Some(Topic::fill(&words, span, options.partitions)?),
    };
    let mut number = 0;
    let done = turns(rounds, sides.len(), |side| {
        number += 1;
        let topic = || topic.as_ref().context("a topic");
        let turn = match sides[side] {
            Side::Kafka => ours::turn(&stage, topic()?, rows, number),
            Side::Peer => peer::turn(&stage, topic()?, rows, number, options.peer_consumers),
            Side::Embedded => embedded::turn(&stage, &words, span),
        }?;
        eprintln!("{:?}: {turn:?}", sides[side]);
        Ok(turn)
    })?;
    let mut report = Report::new("metering");
    report.about(format!(
        "{rows} records wait in a topic of {} partitions, or in a spool; {rounds} rounds.",
        options.partitions
    ));
    if let [kafka, peer, embedded] = done.as_slice() {
        add_rows(&mut report, kafka, peer, embedded);
    }
    Ok(report)
}

fn add_rows(report: &mut Report, kafka: &[Turn], peer: &[Turn], embedded: &[Turn]) {
    const PEER: &str = "Kafka engine";
    let rate = |turns: &[Turn]| turns.iter().map(|turn| turn.rows_per_s).collect::<Vec<_>>();
    let cpu = |turns: &[Turn]| turns.iter().map(|turn| turn.cpu_us).collect::<Vec<_>>();
    let part = |turns: &[Turn]| {
        let sum: f64 = turns.iter().map(|turn| turn.engine_us).sum();
        format!("of it the engine's: {:.2}", sum / turns.len() as f64)
    };
    report.row(
        Row::new("from Kafka", "rows/s")
            .paired(&rate(kafka), PEER, &rate(peer))
            .must(Bound::RatioAtLeast(3.0))
            .aim(Bound::RatioAtLeast(5.0)),
    );
    report.row(
        Row::new("from Kafka, metering and engine", "µs CPU/row")
            .paired(&cpu(kafka), PEER, &cpu(peer))
            .must(Bound::RatioAtMost(0.5))
            .aim(Bound::RatioAtMost(0.333))
            .note(part(kafka)),
    );
    report.row(
        Row::new("embedded, from the spool", "rows/s")
            .paired(&rate(embedded), "ours from Kafka", &rate(kafka))
            .must(Bound::RatioAtLeast(1.0)),
    );
    report.row(
        Row::new("embedded, metering and engine", "µs CPU/row")
            .paired(&cpu(embedded), "ours from Kafka", &cpu(kafka))
            .note(part(embedded)),
    );
}

// === impl Watch ===

impl<'s> Watch<'s> {
    /// From here on time and CPU count.
    fn begin(stage: &'s Stage, table: &'static str, rows: u64) -> Result<Self> {
        let engine = stage.engine_cpu()?;
        Ok(Self { stage, table, rows, began: Instant::now(), engine, own_ns: cpu_ns() })
    }

    /// Returns when all rows are there; `ended` says that nothing more will come.
    fn end(self, mut ended: impl FnMut() -> Option<String>) -> Result<Turn> {
        let sql = format!("SELECT count() AS number FROM {}", self.table);
        let most = TURN_MAX.max(TURN_MAX_PER_MILLION.mul_f64(self.rows as f64 / 1e6));
        let mut rate = None;
        loop {
            let there = self.stage.number(sql.as_str())?;
            let took = self.began.elapsed();
            if rate.is_none() && there * 100 >= self.rows * 95 {
                rate = Some(there as f64 / took.as_secs_f64());
            }
            if there >= self.rows {
                break;
            }
            let ended = ended();
            ensure!(ended.is_none(), "it ended at {there} rows: {}", ended.unwrap_or_default());
            ensure!(took < most, "{there} of {} rows after {took:?}", self.rows);
            thread::park_timeout(LOOK);
        }
        let engine = self.stage.engine_cpu()?.saturating_sub(self.engine);
        let own = Duration::from_nanos(cpu_ns().saturating_sub(self.own_ns));
        let per_row = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.rows as f64;
        Ok(Turn {
            rows_per_s: rate.context("a rate")?,
            cpu_us: per_row(engine + own),
            engine_us: per_row(engine),
        })
    }
}

/// Every number is there once, and every row is judged by RULE-1.
fn check(stage: &Stage, table: &str, rows: u64) -> Result<()> {
    let counted = |what: &str| stage.number(format!("SELECT {what} AS number FROM {table}"));
    let numbers = counted("uniqExact(gateway, epoch, worker, seq)")?;
    ensure!(numbers == rows && counted("count()")? == rows, "{numbers} of {rows} are there once");
    let wrong = "countIf(billable != (part = 'final' AND (rsp_st = 200 OR ups_st != '')))";
    ensure!(counted(wrong)? == 0, "rows are judged wrongly");
    ensure!(counted("countIf(billable)")? > 0, "no row is billable");
    Ok(())
}
