//! One record by its id alone, and the newest of an account, through the HTTP API.
//!
//! - Ids are spread evenly over all days, and each is asked for once. Warm: after as many others
//!   were asked for. Cold: the engine's caches and the system's copies of its files are dropped
//!   before each.
//! - The newest 100 of the account that has a tenth of all records, with a filter that one in
//!   10,000 passes: all its days have to be searched, from the end.
//! - How it grows with the table: the same with another `--rows`.

mod api;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use record::Time;

use crate::Common;
use crate::product;
use crate::report::{Bound, Report, Row};
use crate::rows::{RARE, Random, Rows, Sizes, Span, Words};
use crate::stage::{Program, Stage, last_hour, rank};
use api::Api;

const SMOKE_ROWS: u64 = 30_000;
const DAY_MS: i64 = 86_400_000;
/// Of a hundred records, so many are of the account whose newest are asked for.
const FIRST_HAS: u64 = 10;
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
}

/// Milliseconds of each ask.
type Times = Vec<f64>;

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let program = product::find(common)?;
    let smoke = common.smoke;
    let rows = if smoke { SMOKE_ROWS } else { options.rows };
    let (asks, few) = if smoke { (20, 3) } else { (options.asks, options.few) };
    let stage = Stage::start()?;
    let end = last_hour().end();
    let length = options.days * DAY_MS as u64;
    let span = Span { rows, begin: Time(end.0 - length as i64), length };
    let ids = fill(&stage, span, asks * 2 + few)?;
    let query = serve(&stage, &program)?;
    let mut api = Api::connect(query.word("/url")?, query.word("/token")?)?;
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
    let (newest, found) = search(&mut api, span, end, few)?;
    let mut report = Report::new("lookup");
    report.about(format!(
        "{rows} records over {} days, of 1,000 accounts; {asks} ids; {few} ids with cold caches; \
         {few} searches.",
        options.days
    ));
    report.row(times("by id alone, warm, p99", &warm).must(Bound::OursAtMost(10.0)));
    report.row(times("by id alone, cold, p99", &cold));
    let account = format!("{found} found in {FIRST_HAS} % of all records");
    report.row(
        times("newest 100 of one account, one in 10,000 fits, p99", &newest)
            .must(Bound::OursAtMost(100.0))
            .note(account),
    );
    Ok(report)
}

fn times(name: &str, times: &[f64]) -> Row {
    let note = format!("p50 {:.2}, most {:.2}", rank(times, 500), rank(times, 1000));
    Row::new(name, "ms").ours(&[rank(times, 990)]).note(note)
}

/// Fills the table; gives so many ids in a random order.
fn fill(stage: &Stage, span: Span, ids: u64) -> Result<Vec<String>> {
    let words = Words::new(Sizes { first_has: FIRST_HAS, ..Sizes::default() });
    let step = (span.rows / ids).max(1);
    let (mut kept, mut made) = (Vec::new(), 0_u64);
    let mut rows = Rows::new(&words, span, span.begin.0 as u64);
    stage.fill(&mut rows, |record| {
        if made.is_multiple_of(step) {
            kept.push(record.req_id.to_string());
        }
        made += 1;
    })?;
    stage.settle()?;
    ensure!(kept.len() as u64 >= ids, "{} records are too few for {ids} ids", span.rows);
    let mut random = Random::new(ids);
    for place in (1..kept.len()).rev() {
        kept.swap(place, random.below(place as u64 + 1) as usize);
    }
    Ok(kept)
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
