//! One record by its id alone, and the newest of an account, through the HTTP API.
//!
//! - Ids are of any rows, and each is asked for once. Warm: after as many others were asked for.
//!   Cold: the engine's caches and the system's copies of its files are dropped before each.
//! - The newest 100 of the account that has a tenth of all records, with a filter that one in
//!   10,000 passes: all its days have to be searched, from the end.
//! - How it grows with the table: the same again once the table has three times as many rows.

mod api;
mod table;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use record::Time;

use crate::Common;
use crate::product;
use crate::report::{Bound, Report, Row};
use crate::rows::{RARE, Span, Words};
use crate::stage::{Program, Stage, last_hour, rank};
use api::Api;
use table::{COPIES, FIRST_HAS, Table};

const SMOKE_ROWS: u64 = 30_000;
const DAY_MS: i64 = 86_400_000;
/// How many times as large the table becomes.
const GROWTH: u64 = 3;
/// What a page holds.
const PAGE: u64 = 100;

/// `bench lookup`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records; they are spread over 30 days
    #[arg(long, default_value_t = 20_000_000)]
    rows: u64,
    /// Ids that are asked for
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    asks: u64,
    /// Ids that are asked for with cold caches, and searches
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    few: u64,
    /// Days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=30))]
    days: u64,
    /// The table is measured once, not again when it is three times as large
    #[arg(long)]
    no_growth: bool,
}

/// Milliseconds of each ask.
type Times = Vec<f64>;

/// What a table of one size was asked for.
struct Measured {
    warm: Times,
    cold: Times,
    newest: Times,
    /// Records of a page of the newest.
    found: usize,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let program = product::find(common)?;
    let smoke = common.smoke;
    let rows = if smoke { SMOKE_ROWS } else { options.rows };
    let (asks, few) = if smoke { (20, 3) } else { (options.asks, options.few) };
    let stage = Stage::start()?;
    let end = last_hour().end();
    let length = options.days * DAY_MS as u64;
    let span = Span { rows, begin: Time(end.0 - length as i64), length };
    let mut table = Table::fill(&stage, span)?;
    let query = serve(&stage, &program)?;
    // Connected anew for each table: the service closes a connection that waits while one grows.
    let measured = |table: &Table<'_>| {
        let mut api = Api::connect(query.word("/url")?, query.word("/token")?)?;
        measure(&stage, table, &mut api, (span, end), (asks, few))
    };
    let small = measured(&table)?;
    eprintln!("of {}: {}", table.rows(), ranks(&small.warm));
    let mut report = Report::new("lookup");
    report.about(format!(
        "{rows} records over {} days, of 1,000 accounts; {asks} ids; {few} ids with cold caches; \
         {few} searches.",
        options.days
    ));
    report.row(times("by id alone, warm, p99", &small.warm).must(Bound::OursAtMost(10.0)));
    report.row(times("by id alone, cold, p99", &small.cold));
    report.row(
        times("newest 100 of one account, one in 10,000 fits, p99", &small.newest)
            .must(Bound::OursAtMost(100.0))
            .note(format!("{} found in {FIRST_HAS} % of all records", small.found)),
    );
    if !options.no_growth {
        table.grow(COPIES * GROWTH)?;
        let large = measured(&table)?;
        let than = format!("of {rows}");
        report.row(
            grown("by id alone, warm, p99", table.rows(), &large.warm)
                .paired(&[rank(&large.warm, 990)], &than, &[rank(&small.warm, 990)])
                .aim(Bound::RatioAtMost(1.2)),
        );
        report.row(grown("newest 100, p99", table.rows(), &large.newest).paired(
            &[rank(&large.newest, 990)],
            &than,
            &[rank(&small.newest, 990)],
        ));
    }
    Ok(report)
}

fn measure(
    stage: &Stage,
    table: &Table<'_>,
    api: &mut Api,
    (span, end): (Span, Time),
    (asks, few): (u64, u64),
) -> Result<Measured> {
    let ids = table.ids(asks * 2 + few)?;
    let mut ids = ids.iter();
    let mut ask = |count: u64, cold: bool| -> Result<Times> {
        (0..count)
            .map(|_| {
                if cold {
                    stage.forget()?;
                }
                let id = ids.next().map_or("", String::as_str);
                let (ms, answer) = api.get(&format!("/v1/logs/{id}"))?;
                let found = answer.pointer("/record/req_id").and_then(|found| found.as_str());
                ensure!(found == Some(id), "the record of {id} was asked for: {answer}");
                Ok(ms)
            })
            .collect()
    };
    ask(asks, false)?;
    let warm = ask(asks, false)?;
    let cold = ask(few, true)?;
    let span = Span { rows: table.rows(), ..span };
    let (newest, found) = search(api, span, end, few)?;
    Ok(Measured { warm, cold, newest, found })
}

fn times(name: &str, times: &[f64]) -> Row {
    Row::new(name, "ms").ours(&[rank(times, 990)]).note(ranks(times))
}

/// Without its figures yet.
fn grown(name: &str, rows: u64, times: &[f64]) -> Row {
    Row::new(format!("{name}, of {rows} records"), "ms").note(ranks(times))
}

fn ranks(times: &[f64]) -> String {
    format!("p50 {:.2}, most {:.2}", rank(times, 500), rank(times, 1000))
}

/// The query service on the stage's engine.
fn serve(stage: &Stage, program: &Path) -> Result<Program> {
    let configuration = format!(
        "data: data\n\
         gateway: {{name: bench, region: ap-guangzhou, operator_account: \"1250000000\"}}\n\
         prices: {{books: [\"bundled:published\"]}}\n\
         query: {{listen: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}}\n\
         services: [{{id: s, account: a, hosts: [h.example.test], environments: [release], \
         apis: [{{id: i, path: /, auth: none, backend: {{mock: {{}}}}}}]}}]\n\
         {}",
        stage.store_section()
    );
    Program::start(program, stage.folder().join("query"), "query", &configuration)
}

/// How long the searches took, and how many records the last one found.
fn search(api: &mut Api, span: Span, end: Time, count: u64) -> Result<(Times, usize)> {
    let filter =
        format!("account%20%3D%20{}%20AND%20rsp_st%20%3D%20{}", Words::first_account(), RARE.1);
    let path = format!(
        "/v1/logs?from={}&to={}&limit={PAGE}&filter={filter}",
        span.begin.to_rfc3339(),
        end.to_rfc3339()
    );
    // The first one warms up.
    api.get(&path)?;
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..count {
        let (ms, answer) = api.get(&path)?;
        let logs = answer.pointer("/logs").and_then(|logs| logs.as_array());
        found = logs.map_or(0, Vec::len);
        ensure!(logs.is_some(), "a page of records was asked for: {answer}");
        times.push(ms);
    }
    let expected = span.rows * FIRST_HAS / 100 / RARE.0;
    ensure!(expected < 20 || found > 0, "about {expected} records fit, and none was found");
    Ok((times, found))
}
