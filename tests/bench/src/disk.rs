//! Bytes on disk per record in `records`, all columns and indexes, against its JSON.
//!
//! Values are independent of each other ([`crate::rows`]). The table is measured as it lies there
//! for most of its time: each day merged.

use anyhow::Result;
use clap::Args;
use serde::Deserialize;

use crate::Common;
use crate::report::{Bound, Report, Row};
use crate::rows::{Rows, Sizes, Span, Words};
use crate::stage::{Stage, last_hour};

const SMOKE_ROWS: u64 = 20_000;
const HOUR_MS: u64 = 3_600_000;
/// Columns that the report names.
const NAMED: usize = 12;

/// `bench disk`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records
    #[arg(long, default_value_t = 3_600_000)]
    rows: u64,
    /// Over how many hours they are spread
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=720))]
    hours: u64,
}

#[derive(Deserialize)]
struct Column {
    column: String,
    bytes: u64,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let rows = if common.smoke { SMOKE_ROWS } else { options.rows };
    let stage = Stage::start()?;
    let words = Words::new(Sizes::default());
    let begin = last_hour().end().0 - (options.hours * HOUR_MS) as i64;
    let span = Span { rows, begin: record::Time(begin), length: options.hours * HOUR_MS };
    let (mut json, mut buffer) = (0_u64, Vec::new());
    let mut records = Rows::new(&words, span, 1);
    let filled = stage.fill(&mut records, |record| {
        buffer.clear();
        record::encode(record, &mut buffer);
        json += buffer.len() as u64;
    })?;
    stage.run("OPTIMIZE TABLE records FINAL")?;
    stage.settle()?;
    let parts = "FROM system.parts WHERE database = currentDatabase() AND table = 'records' \
                 AND active";
    let bytes = stage.number(format!("SELECT sum(bytes_on_disk) AS number {parts}"))?;
    let stored = stage.number(format!("SELECT sum(rows) AS number {parts}"))?;
    anyhow::ensure!(stored == rows && filled == rows, "{stored} of {rows} rows are stored");
    let per_row = |bytes: u64| bytes as f64 / rows as f64;
    let mut report = Report::new("disk");
    report.about(format!(
        "{rows} records over {} hours, of 1,000 accounts, 20,000 APIs, 300,000 addresses; each day \
         merged.",
        options.hours
    ));
    if let Some(columns) = largest(&stage, rows)? {
        report.about(format!("The largest columns, bytes per record: {columns}."));
    }
    report.row(
        Row::new("a record, all columns and indexes", "bytes")
            .ours(&[per_row(bytes)])
            .must(Bound::OursAtMost(70.0))
            .aim(Bound::OursAtMost(55.0)),
    );
    report.row(
        Row::new("the same against its JSON", "bytes")
            .paired(&[per_row(bytes)], "JSON", &[per_row(json)])
            .must(Bound::RatioAtMost(1.0 / 9.0)),
    );
    Ok(report)
}

/// `req_id 18.0, trace_id 9.7, …`; none while parts are small, whose columns share one file.
fn largest(stage: &Stage, rows: u64) -> Result<Option<String>> {
    let columns: Vec<Column> = stage.rows(
        "SELECT column, sum(column_data_compressed_bytes) AS bytes FROM system.parts_columns \
         WHERE database = currentDatabase() AND table = 'records' AND active \
         GROUP BY column ORDER BY bytes DESC",
    )?;
    let known = columns.first().is_some_and(|column| column.bytes > 0);
    let text =
        |column: &Column| format!("{} {:.1}", column.column, column.bytes as f64 / rows as f64);
    let named = columns.iter().take(NAMED).map(text).collect::<Vec<_>>().join(", ");
    Ok(known.then_some(named))
}
