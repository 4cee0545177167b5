//! Which `seq` of a stream are stored: the reading back after a claim, and the islands of a cut.
//!
//! The database counts by chunks of [`CHUNK`] numbers, and what comes back is one row per chunk:
//! first, last, and how many different ones. A chunk without holes is a range as it is; only for
//! chunks with holes the islands themselves are asked for. So a stream of 100 million records is
//! 1,500 rows, and a row stored twice can not hide a hole (it is one number).
//!
//! Of records these counts are kept with the rows (the projection `by_stream`): the texts here are
//! those of `schemas/clickhouse/0014_records_by_stream.sql`, letter by letter.

use std::collections::BTreeMap;
use std::time::Duration;

use record::{Hour, Stream};
use serde::Deserialize;

use crate::endpoint::Store;
use crate::query::QueryError;
use crate::sql::{Limits, Sql};

/// Numbers per chunk. One bitmap of the database holds as many in 8 KiB; larger chunks would make
/// the answer about holes longer, smaller ones the first answer.
const CHUNK: u64 = 65_536;

/// Chunks with holes that are asked for in one query: at worst every second number is there, and
/// 16 chunks are half a million ranges, about 20 MB of answer.
const CHUNKS_AT_ONCE: usize = 16;

/// All streams of all gateways of the days since the last cut; a bound against runaways only.
const LIMITS: Limits =
    Limits { rows: 1_000_000, bytes: 128 << 20, time: Duration::from_secs(300), threads: 0 };

/// Ranges of `seq` of one stream, both ends included, ascending, never touching each other.
pub type Ranges = Vec<(u64, u64)>;

/// Which streams are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One stream.
    Stream(&'a Stream),
    /// All streams of one gateway.
    Gateway(&'a str),
    /// All streams.
    Everything,
}

/// Which hours are asked for: `[from, to)`, each end open when it is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// The first hour.
    pub from: Option<Hour>,
    /// The first hour that is not in it any more.
    pub to: Option<Hour>,
}

/// Where the numbers are looked for.
#[derive(Clone, Copy)]
struct Place<'a> {
    table: &'static str,
    /// The number of a row: it may be null in the table, and is not where it is asked for.
    seq: &'static str,
    scope: Scope<'a>,
    span: Span,
}

#[derive(Deserialize)]
struct Chunk {
    gateway: String,
    epoch: u64,
    worker: u16,
    chunk: u64,
    first: u64,
    last: u64,
    numbers: u64,
}

#[derive(Deserialize)]
struct Island {
    first: u64,
    last: u64,
}

// === impl Span ===

impl Span {
    /// One hour.
    pub fn hour(hour: Hour) -> Self {
        Self { from: Some(hour), to: Some(hour.next()) }
    }

    /// An hour and all after it.
    pub fn since(hour: Hour) -> Self {
        Self { from: Some(hour), to: None }
    }
}

// === impl Place ===

impl Place<'_> {
    /// A query over the place: `select … FROM … WHERE … {more}`.
    fn sql(&self, select: &str, more: &str) -> Sql {
        let mut conditions = vec!["1".to_owned()];
        if self.seq != "seq" {
            conditions.push("seq IS NOT NULL".to_owned());
        }
        match self.scope {
            Scope::Stream(_) => conditions.push(
                "gateway = {gateway:String} AND epoch = {epoch:UInt64} AND worker = {worker:UInt16}"
                    .to_owned(),
            ),
            Scope::Gateway(_) => conditions.push("gateway = {gateway:String}".to_owned()),
            Scope::Everything => {}
        }
        if self.span.from.is_some() {
            conditions.push("toStartOfHour(time) >= toDateTime({from:Int64}, 'UTC')".to_owned());
        }
        if self.span.to.is_some() {
            conditions.push("toStartOfHour(time) < toDateTime({to:Int64}, 'UTC')".to_owned());
        }
        let mut sql = Sql::new(format!(
            "SELECT {select} FROM {} WHERE {}{more}",
            self.table,
            conditions.join(" AND ")
        ))
        .limits(LIMITS);
        match self.scope {
            Scope::Stream(stream) => {
                sql = sql
                    .param("gateway", stream.gateway.as_str())
                    .param("epoch", stream.epoch)
                    .param("worker", stream.worker);
            }
            Scope::Gateway(gateway) => sql = sql.param("gateway", gateway),
            Scope::Everything => {}
        }
        if let Some(from) = self.span.from {
            sql = sql.param("from", from.start().0 / 1000);
        }
        if let Some(to) = self.span.to {
            sql = sql.param("to", to.start().0 / 1000);
        }
        sql
    }

    fn chunks(&self) -> Sql {
        let seq = self.seq;
        let select = format!(
            "gateway, epoch, worker, intDiv({seq}, {CHUNK}) AS chunk, min({seq}) AS first, \
             max({seq}) AS last, groupBitmap({seq}) AS numbers"
        );
        self.sql(
            &select,
            " GROUP BY gateway, epoch, worker, chunk ORDER BY gateway, epoch, worker, chunk",
        )
    }

    /// The islands of some chunks of one stream. An island begins where the step from the number
    /// before is not 1, and ends where the step to the next is not 1.
    fn islands(&self, chunks: Vec<u64>) -> Sql {
        let seq = self.seq;
        let select = format!(
            "arraySort(groupUniqArray({seq})) AS numbers, \
             arrayDifference(numbers) AS steps, \
             arrayFilter((n, step) -> step != 1, numbers, steps) AS firsts, \
             arrayFilter((n, step) -> step != 1, numbers, \
             arrayPushBack(arrayPopFront(steps), 0)) AS lasts, \
             arrayJoin(arrayZip(firsts, lasts)) AS island, \
             intDiv({seq}, {CHUNK}) AS chunk"
        );
        let sql = self.sql(&select, " AND has({chunks:Array(UInt64)}, chunk) GROUP BY chunk");
        let text = format!(
            "SELECT island.1 AS first, island.2 AS last FROM ({}) ORDER BY first",
            sql.text()
        );
        Sql { text, ..sql }.param("chunks", chunks)
    }
}

// === impl Store ===

impl Store {
    /// The stored `seq` of each stream in scope whose rows lie in the hours of `span`. Streams
    /// without a row are absent.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn stored_ranges(
        &self,
        scope: Scope<'_>,
        span: Span,
    ) -> Result<BTreeMap<Stream, Ranges>, QueryError> {
        self.ranges(Place { table: "records", seq: "seq", scope, span }).await
    }

    /// The `seq` of each stream in scope that ended as dead letters. They have no hour.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn dead_ranges(
        &self,
        scope: Scope<'_>,
    ) -> Result<BTreeMap<Stream, Ranges>, QueryError> {
        let (table, seq, span) = ("dead_letters", "assumeNotNull(seq)", Span::default());
        self.ranges(Place { table, seq, scope, span }).await
    }

    async fn ranges(&self, place: Place<'_>) -> Result<BTreeMap<Stream, Ranges>, QueryError> {
        let mut found: BTreeMap<Stream, Ranges> = BTreeMap::new();
        let mut holed: BTreeMap<Stream, Vec<u64>> = BTreeMap::new();
        for row in self.query::<Chunk>(&place.chunks()).await? {
            let stream = Stream { gateway: row.gateway, epoch: row.epoch, worker: row.worker };
            if row.numbers == row.last - row.first + 1 {
                found.entry(stream).or_default().push((row.first, row.last));
            } else {
                holed.entry(stream).or_default().push(row.chunk);
            }
        }
        for (stream, chunks) in holed {
            let place = Place { scope: Scope::Stream(&stream), ..place };
            let mut islands = Vec::new();
            for some in chunks.chunks(CHUNKS_AT_ONCE) {
                let rows = self.query::<Island>(&place.islands(some.to_vec())).await?;
                islands.extend(rows.into_iter().map(|row| (row.first, row.last)));
            }
            found.entry(stream).or_default().append(&mut islands);
        }
        Ok(found.into_iter().map(|(stream, ranges)| (stream, joined(ranges))).collect())
    }
}

/// Ascending, with ranges that touch made one.
fn joined(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut joined: Ranges = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// The statement behind [`Store::stored_ranges`].
#[cfg(test)]
pub(crate) fn chunks_of_records(scope: Scope<'_>, span: Span) -> Sql {
    Place { table: "records", seq: "seq", scope, span }.chunks()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        assert_eq!(joined(vec![]), []);
        assert_eq!(joined(vec![(5, 9), (0, 3)]), [(0, 3), (5, 9)]);
        assert_eq!(joined(vec![(4, 9), (0, 3)]), [(0, 9)]);
        let end = u64::MAX;
        assert_eq!(joined(vec![(0, 0), (end, end)]), [(0, 0), (end, end)]);
        assert_eq!(joined(vec![(0, 5), (2, 3), (6, end)]), [(0, end)]);
    }
}
