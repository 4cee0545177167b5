//! The questions, and how long each layout takes for them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use record::Time;
use serde::Deserialize;
use store::{Limits, Sql, Store};

use super::candidates::CANDIDATES;
use super::data::{Asked, Sample};

const HOUR_MS: i64 = 3_600_000;

/// How long after its arrival a record is looked for at first.
const AFTER_ARRIVAL_MS: i64 = 600_000;

/// How many of the newest are asked for.
const NEWEST: usize = 100;

/// Aggregates are slow and steady: fewer runs suffice.
const AGGREGATE_SHARE: usize = 8;

/// One row of the table, all but the last in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) found: Vec<u64>,
    /// The same question once more: what the first one cost for being the first.
    pub(crate) again: Vec<u64>,
    pub(crate) missed: Vec<u64>,
    pub(crate) client: Vec<u64>,
    /// Of a large, a middle, a small account.
    pub(crate) newest: [Vec<u64>; 3],
    pub(crate) hour: Vec<u64>,
    pub(crate) islands: Vec<u64>,
    pub(crate) window: Vec<u64>,
    /// On disk, hundredths of bytes per row.
    pub(crate) bytes: u64,
}

#[derive(Deserialize)]
struct Row {
    req_id: String,
}

#[derive(Deserialize)]
struct Ignored {}

#[derive(Deserialize)]
struct Size {
    bytes: u64,
    rows: u64,
}

pub(crate) async fn all(store: &Store, sample: &Sample, runs: usize) -> Result<Vec<Figures>> {
    let mut figures: Vec<Figures> = CANDIDATES
        .iter()
        .map(|candidate| Figures {
            name: candidate.name,
            label: candidate.label,
            ..Figures::default()
        })
        .collect();
    for run in 0..runs {
        eprint!("\rasking: run {} of {runs}", run + 1);
        for figures in &mut figures {
            ask(store, sample, run, figures).await.with_context(|| figures.name)?;
        }
    }
    eprintln!();
    for figures in &mut figures {
        figures.bytes = size(store, figures.name).await?;
    }
    Ok(figures)
}

/// Microseconds of a query that does nothing: what the way there and back costs.
pub(crate) async fn nothing(store: &Store, runs: usize) -> Result<u64> {
    let mut took = Vec::new();
    for _ in 0..runs.max(1) {
        took.push(timed(store, Sql::new("SELECT 1 AS one")).await?.0);
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

async fn ask(store: &Store, sample: &Sample, run: usize, figures: &mut Figures) -> Result<()> {
    let table = figures.name;
    let asked = &sample.records[run * 7919 % sample.records.len()];
    let (took, rows) = timed(store, lookup(table, asked, "req_id", &asked.req_id)).await?;
    ensure!(rows == 1, "an id is found once, not {rows} times");
    figures.found.push(took);
    figures.again.push(timed(store, lookup(table, asked, "req_id", &asked.req_id)).await?.0);
    let missing = asked.req_id.replace(['0', '1'], "2");
    figures.missed.push(timed(store, lookup(table, asked, "req_id", &missing)).await?.0);
    for (account, newest) in sample.accounts.iter().zip(&mut figures.newest) {
        newest.push(walk(store, table, account, sample).await?);
    }
    if run.is_multiple_of(AGGREGATE_SHARE) {
        let hours = (sample.end.0 - sample.begin.0) / HOUR_MS;
        let hour = Time(sample.begin.0 + run as i64 * 17 % hours * HOUR_MS);
        figures.hour.push(timed(store, aggregate(table, hour)).await?.0);
        figures.window.push(timed(store, window(table, asked)).await?.0);
        figures.islands.push(timed(store, islands(table, hour)).await?.0);
        if let Some(asked) =
            sample.records.iter().filter(|asked| !asked.client_req_id.is_empty()).nth(run % 50)
        {
            let (took, rows) = timed(store, by_client(table, asked)).await?;
            ensure!(rows == 1, "a client's id is found once, not {rows} times");
            figures.client.push(took);
        }
    }
    Ok(())
}

/// Microseconds and rows.
async fn timed(store: &Store, sql: Sql) -> Result<(u64, usize)> {
    let begin = Instant::now();
    let rows: Vec<Ignored> = store.query(&sql).await?;
    Ok((begin.elapsed().as_micros() as u64, rows.len()))
}

/// A small question is not worth the waking of a second thread.
fn small(text: String) -> Sql {
    Sql::new(text).limits(Limits { threads: 1, ..Limits::default() })
}

fn between(sql: Sql, from: i64, to: i64) -> Sql {
    sql.param("from", Time(from)).param("to", Time(to))
}

const BETWEEN: &str = "time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}";

fn lookup(table: &str, asked: &Asked, column: &str, id: &str) -> Sql {
    let sql = small(format!(
        "SELECT * FROM {table} WHERE {column} = {{id:String}} AND {BETWEEN} LIMIT 1"
    ));
    // The arrival stands in the id; here it is the record's time, which is later by its duration.
    let arrival = asked.time.0 - 1000;
    between(sql, arrival, arrival + AFTER_ARRIVAL_MS).param("id", id)
}

/// A client's id says nothing of the time: a day is searched.
fn by_client(table: &str, asked: &Asked) -> Sql {
    let sql = small(format!(
        "SELECT * FROM {table} WHERE client_req_id = {{id:String}} AND {BETWEEN} LIMIT 1"
    ));
    let half_day = 12 * HOUR_MS;
    between(sql, asked.time.0 - half_day, asked.time.0 + half_day)
        .param("id", asked.client_req_id.as_str())
}

/// The newest records of an account: an hour back from the end, then ever wider spans before it,
/// until there are enough.
async fn walk(store: &Store, table: &str, account: &str, sample: &Sample) -> Result<u64> {
    let sql = small(format!(
        "SELECT * FROM {table} WHERE account = {{account:String}} AND {BETWEEN} \
         ORDER BY time DESC LIMIT {{limit:UInt64}}"
    ));
    let begin = Instant::now();
    let (mut to, mut span, mut found) = (sample.end.0, HOUR_MS, 0);
    while found < NEWEST && to > sample.begin.0 {
        let from = to - span;
        let left = (NEWEST - found) as u64;
        let sql = between(sql.clone(), from, to).param("account", account).param("limit", left);
        let rows: Vec<Row> = store.query(&sql).await?;
        ensure!(rows.iter().all(|row| !row.req_id.is_empty()), "rows are whole");
        found += rows.len();
        (to, span) = (from, span * 4);
    }
    Ok(begin.elapsed().as_micros() as u64)
}

fn aggregate(table: &str, hour: Time) -> Sql {
    let sql = Sql::new(format!(
        "SELECT account, region, instance_type, net, ups_net, billable, count() AS calls, \
         sum(rsp_len) AS sent, sum(ups_req_len) AS sent_back FROM {table} WHERE {BETWEEN} \
         GROUP BY account, region, instance_type, net, ups_net, billable"
    ));
    between(sql, hour.0, hour.0 + HOUR_MS)
}

fn islands(table: &str, hour: Time) -> Sql {
    let sql = Sql::new(format!(
        "SELECT gateway, epoch, worker, intDiv(seq, 65536) AS chunk, min(seq) AS first, \
         max(seq) AS last, groupBitmap(seq) AS numbers FROM {table} WHERE {BETWEEN} \
         GROUP BY gateway, epoch, worker, chunk"
    ));
    between(sql, hour.0, hour.0 + HOUR_MS)
}

/// Some numbers of one stream, with no word about their time.
fn window(table: &str, asked: &Asked) -> Sql {
    let sql = Sql::new(format!(
        "SELECT seq, req_id FROM {table} WHERE gateway = {{gateway:String}} \
         AND epoch = {{epoch:UInt64}} AND worker = {{worker:UInt16}} \
         AND seq BETWEEN {{first:UInt64}} AND {{last:UInt64}}"
    ));
    let stream = &asked.stream;
    sql.param("gateway", stream.gateway.as_str())
        .param("epoch", stream.epoch)
        .param("worker", stream.worker)
        .param("first", asked.seq)
        .param("last", asked.seq + 1000)
}

/// Hundredths of bytes per row, indexes and projections included.
async fn size(store: &Store, table: &str) -> Result<u64> {
    let sql = Sql::new(
        "SELECT sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts \
         WHERE database = currentDatabase() AND table = {table:String} AND active",
    );
    let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
    let sizes: Vec<Size> = store.query(&sql.param("table", table).limits(limits)).await?;
    let size = sizes.first().context("a table has a size")?;
    Ok(size.bytes * 100 / size.rows.max(1))
}
