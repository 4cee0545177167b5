//! Which order and which indexes suit the `records` table.
//!
//! The same records, one optimised part a day, in tables that differ in nothing but their layout.
//! Each layout is asked what the product asks: one record by its id, the newest of an account,
//! the sums and the islands of an hour. Medians over many runs; layouts take turns, so that a
//! noisy minute of the machine falls on all of them.

mod candidates;
mod data;
mod measure;
mod table;

use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use engine::{Config, Engine, Program, Sources};
use record::judge;
use store::records::{Day, RecordBlock};
use store::{Claim, Endpoint, Store};

use crate::Common;
use crate::report::Report;
use candidates::{CANDIDATES, check_chosen};
use data::{Generator, Sample};

/// Enough for the mark cache and for merges of a day.
const MEMORY_MAX: u64 = 4 << 30;

/// Rows per insert: about what a second of a busy gateway is.
const BLOCK_ROWS: u64 = 200_000;

/// `bench layout`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records in each table
    #[arg(long, default_value_t = 3_000_000)]
    rows: u64,
    /// Over how many hours they are spread: fewer hours are a busier gateway
    #[arg(long, default_value_t = 720)]
    hours: u64,
    /// How often each question is asked
    #[arg(long, default_value_t = 64)]
    runs: usize,
}

/// Of a smoke run.
const SMOKE: Options = Options { rows: 20_000, hours: 2, runs: 2 };

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let options = if common.smoke { &SMOKE } else { options };
    let folder = tempfile::tempdir().context("failed to make a folder")?;
    let config = Config {
        data_dir: folder.path().join("engine"),
        cache_dir: engine::cache_dir(|name| std::env::var_os(name)).context("no cache folder")?,
        sources: Sources::new(|name| std::env::var_os(name)),
        memory_max: MEMORY_MAX,
        database: "tollgate".to_owned(),
        program: Program::this().context("failed to find this executable")?,
    };
    let engine = Engine::start(&config, &mut *engine::progress_on_stderr())?;
    let engine::Endpoint { url, header, user, password } = engine.endpoint().clone();
    let database = "tollgate_bench".to_owned();
    let store = Store::new(Endpoint { url, user, password, header: Some(header), database })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(all(&store, options))
}

async fn all(store: &Store, options: &Options) -> Result<Report> {
    store.migrate().await?;
    let (sample, line) = fill(store, options).await?;
    for candidate in &CANDIDATES {
        candidate.fill(store).await.with_context(|| format!("layout {}", candidate.name))?;
    }
    check_chosen(store).await?;
    let nothing = measure::nothing(store, options.runs).await?;
    let figures = measure::all(store, &sample, options.runs).await?;
    let mut report = Report::new("layout");
    report.about(format!(
        "{} rows over {} hours, {} runs.",
        options.rows, options.hours, options.runs
    ));
    report.about(format!("{line}; SELECT 1 takes {nothing} µs."));
    report.text = table::render(&figures);
    Ok(report)
}

/// Fills `records` as metering would; what to ask for, and a line about the speed.
async fn fill(store: &Store, options: &Options) -> Result<(Sample, String)> {
    let claim = store.claim("bench", 0, "bench").await?;
    let mut generator = Generator::new(options.rows, options.hours);
    let (mut encode, mut insert) = (0, 0);
    let mut block: Option<RecordBlock> = None;
    loop {
        let begin = Instant::now();
        let next = generator.next_record();
        let day = next.as_ref().and_then(|record| Day::of(record.time));
        let full = |block: &mut RecordBlock| {
            Some(block.day()) != day || block.rows() == BLOCK_ROWS || !block.has_room()
        };
        if let Some(full) = block.take_if(full) {
            encode += begin.elapsed().as_micros();
            insert += send(store, &claim, full).await?;
            eprint!("\rfilling records: {} rows", generator.made());
        }
        let (Some(record), Some(day)) = (next, day) else { break };
        block.get_or_insert_with(|| RecordBlock::new(day)).push(&record, judge(&record));
        encode += begin.elapsed().as_micros();
    }
    eprintln!();
    let per_row = |micros: u128| micros * 1000 / u128::from(options.rows.max(1));
    let line = format!(
        "per row: {} ns to make and to gather, {} ns to sort, encode and insert",
        per_row(encode),
        per_row(insert)
    );
    Ok((generator.sample(), line))
}

/// Microseconds of sorting, encoding and inserting.
async fn send(store: &Store, claim: &Claim, block: RecordBlock) -> Result<u128> {
    let begin = Instant::now();
    let block = block.finish().context("a block without rows")?;
    store.insert(claim, &block).await?;
    Ok(begin.elapsed().as_micros())
}
