//! Closing one full hour: from the look at it to its closing row, against the one aggregate query
//! that its bills need, run bare.
//!
//! Both sides take turns on the same rows; before each closing, what the one before left is
//! removed. The hour's streams have not ended, so it is closed at its deadline. Where the time goes
//! is told by the steps of a closing.
//!
//! A closing reads sums that stand with the rows; the aggregate alone reads the rows. So what an
//! insert pays for the sums has a row of its own: the same rows copied into a table with them, and
//! into one without, CPU of the engine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use metering::{Closer, Config, Counters, Step};
use record::{Hour, Time};
use serde_json::Value;

use crate::Common;
use crate::report::{Bound, Report, Row, Spread, turns};
use crate::rows::{Rows, Sizes, Span, Words};
use crate::stage::{Stage, last_hour, prices};

/// Rows that are copied to see what the sums cost.
const COPIED: u64 = 1_200_000;
/// The table of records with its sums, and one without them.
const COPIES: [&str; 2] = ["with_sums", "without_sums"];

const SMOKE_ROWS: u64 = 20_000;
const HOUR_MS: u64 = 3_600_000;
/// What a closing leaves.
const TABLES: [&str; 4] = ["cuts", "bills", "closings", "held"];
/// The steps of a closing whose ends are told.
const STEPS: [(Step, &str); 5] = [
    (Step::BeforeCut, "look"),
    (Step::AfterCut, "cut"),
    (Step::BeforeBills, "use, bills, figures of the proof"),
    (Step::AfterBills, "write bills"),
    (Step::AfterClosing, "proof, closing row"),
];

/// `bench close`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records of the hour
    #[arg(long, default_value_t = 3_600_000)]
    rows: u64,
    /// Accounts that they are of
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
    accounts: u64,
}

/// When a closing came to which step.
type Seen = Arc<Mutex<Vec<(Step, Instant)>>>;

/// One turn, milliseconds; of a closing also its steps.
struct Turn {
    ms: f64,
    steps: Vec<f64>,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let rows = if common.smoke { SMOKE_ROWS } else { options.rows };
    let rounds = if common.smoke { 1 } else { common.rounds };
    let stage = Stage::start()?;
    let words = Words::new(Sizes { accounts: options.accounts, ..Sizes::default() });
    let hour = last_hour().prev();
    let span = Span { rows, begin: hour.start(), length: HOUR_MS };
    stage.fill(&mut Rows::new(&words, span, hour.start().0 as u64), |_| {})?;
    stage.settle()?;
    // Neither side is the first to read the rows.
    bare(&stage, hour)?;
    let done =
        turns(rounds, 2, |side| if side == 0 { close(&stage, hour) } else { bare(&stage, hour) })?;
    let bills = stage.number("SELECT count() AS number FROM bills")?;
    ensure!(bills == options.accounts.min(rows), "{bills} accounts have a bill");
    let [ours, peer] = done.as_slice() else { anyhow::bail!("two sides") };
    let ms = |turns: &[Turn]| turns.iter().map(|turn| turn.ms).collect::<Vec<_>>();
    let mut report = Report::new("close");
    report.about(format!(
        "An hour of {rows} records of {} accounts, in 8 streams; {rounds} rounds.",
        options.accounts
    ));
    report.row(
        Row::new("close the hour", "ms")
            .paired(&ms(ours), "the aggregate alone", &ms(peer))
            .must(Bound::RatioAtMost(1.5))
            .aim(Bound::RatioAtMost(1.2))
            .note(steps(ours)),
    );
    report.row(sums(&stage, rows, rounds)?);
    Ok(report)
}

/// What the sums that stand with the rows cost an insert.
fn sums(stage: &Stage, rows: u64, rounds: u32) -> Result<Row> {
    for copy in COPIES {
        stage.run(format!("CREATE TABLE {copy} AS records"))?;
        // Who merges meanwhile is not the insert.
        stage.run(format!("SYSTEM STOP MERGES {copy}"))?;
    }
    for sums in ["by_stream", "by_account"] {
        stage.run(format!("ALTER TABLE {} DROP PROJECTION {sums}", COPIES[1]))?;
    }
    let copied = rows.min(COPIED);
    let done = turns(rounds, 2, |side| {
        let before = stage.engine_cpu()?;
        stage.run(format!(
            "INSERT INTO {} SELECT * FROM records LIMIT {copied} SETTINGS max_threads = 1, \
             max_insert_threads = 1, max_block_size = 200000, min_insert_block_size_rows = 200000, \
             min_insert_block_size_bytes = 0",
            COPIES[side]
        ))?;
        let cpu = stage.engine_cpu()?.saturating_sub(before);
        stage.empty(&COPIES)?;
        Ok(cpu.as_secs_f64() * 1e6 / copied as f64)
    })?;
    let [with, without] = done.as_slice() else { anyhow::bail!("two sides") };
    Ok(Row::new("rows copied, their sums kept", "µs CPU/row").paired(with, "no sums", without))
}

/// `look 12, cut 3, …`, medians in milliseconds.
fn steps(turns: &[Turn]) -> String {
    let median = |step: usize| {
        let figures: Vec<f64> = turns.iter().map(|turn| turn.steps[step]).collect();
        Spread::of(&figures).map_or(0.0, |spread| spread.median)
    };
    let told = STEPS.iter().enumerate().map(|(at, (_, name))| format!("{name} {:.0}", median(at)));
    told.collect::<Vec<_>>().join(", ")
}

/// The sums that the bills of an hour are made of.
fn bare(stage: &Stage, hour: Hour) -> Result<Turn> {
    let (start, end) = (hour.start().0, hour.end().0);
    let sql = format!(
        "SELECT account, region, instance_type, countIf(billable AND part = 'final') AS calls, \
         toString(sumIf(toUInt128(rsp_len), net = 'public')) AS response_bytes, \
         toString(sumIf(toUInt128(ups_req_len), ups_net = 'public')) AS backend_bytes \
         FROM records WHERE time >= fromUnixTimestamp64Milli({start}, 'UTC') \
         AND time < fromUnixTimestamp64Milli({end}, 'UTC') \
         GROUP BY account, region, instance_type ORDER BY account, region, instance_type \
         SETTINGS optimize_use_projections = 0"
    );
    let began = Instant::now();
    let sums: Vec<Value> = stage.rows(sql)?;
    let turn = Turn { ms: began.elapsed().as_secs_f64() * 1e3, steps: Vec::new() };
    ensure!(!sums.is_empty(), "the hour has sums");
    Ok(turn)
}

fn close(stage: &Stage, hour: Hour) -> Result<Turn> {
    stage.empty(&TABLES)?;
    let seen = Seen::default();
    let told = Arc::clone(&seen);
    let config = Config {
        on_step: Some(Arc::new(move |step| {
            told.lock().unwrap_or_else(PoisonError::into_inner).push((step, Instant::now()));
        })),
        ..Config::default()
    };
    let now = Time(hour.end().0 + HOUR_MS as i64 - 1);
    let closer = stage.runtime.block_on(Closer::start(
        stage.store.clone(),
        config,
        Arc::new(Counters::default()),
        Some(prices()?),
        Vec::new(),
        Arc::new(move || now),
    ));
    let mut closer = closer?;
    let began = Instant::now();
    let round = stage.runtime.block_on(closer.round())?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    ensure!(round.closed == [hour], "{hour} is to be closed, and {round:?}");
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut before = began;
    let mut steps = Vec::new();
    for (step, _) in STEPS {
        let at = seen.iter().find(|(seen, _)| *seen == step).context("a step was left out")?.1;
        steps.push(at.duration_since(before).as_secs_f64() * 1e3);
        before = at;
    }
    Ok(Turn { ms, steps })
}
