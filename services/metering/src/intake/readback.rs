//! What of a stream is stored, as the store says.
//!
//! The rows that stand now, and the ranges in cuts: those are kept for ever, so that an old spool
//! whose rows retention has dropped bills nothing twice.

use record::{Hour, Stream, Time};
use serde::Deserialize;
use store::{QueryError, Scope, Span, Sql, Store};

use crate::close::seen::is_ingest;
use crate::known::Known;
use crate::ranges::Ranges;

/// Cuts older than a stream's epoch by this many hours do not know it. The epoch is the clock at
/// the start of the stream's life; a clock that is set back by more than a month in one life is
/// not foreseen. It spares a busy year of cuts to be read for each stream. An epoch that lies in the
/// future is no clock: epochs only grow, so after one bad clock they run ahead for ever.
const CUTS_BEFORE_EPOCH_HOURS: i64 = 31 * 24;

/// All ranges of one stream in cuts, own and late.
const CUT_RANGES_SQL: &str = "\
SELECT
    span.1 AS first,
    span.2 AS last
FROM
(
    SELECT arrayJoin(JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS span
    FROM
    (
        SELECT arrayJoin(arrayConcat(
            JSONExtractArrayRaw(cut, 'streams'),
            arrayFlatten(arrayMap(
                late -> JSONExtractArrayRaw(late, 'streams'),
                JSONExtractArrayRaw(cut, 'late'))))) AS share
        FROM cuts
        WHERE {from:Int64} > toUnixTimestamp(now())
           OR hour >= toDateTime({from:Int64}, 'UTC')
    )
    WHERE JSONExtractString(share, 'gateway') = {gateway:String}
      AND JSONExtractUInt(share, 'epoch') = {epoch:UInt64}
      AND JSONExtractUInt(share, 'worker') = {worker:UInt16}
)
ORDER BY first";

#[derive(Deserialize)]
struct Row {
    first: u64,
    last: u64,
}

/// Reads back one stream. The caller holds a fresh claim on its partition.
pub(super) async fn read_back(store: &Store, stream: &Stream) -> Result<Known, QueryError> {
    let scope = Scope::Stream(stream);
    let rows = store.stored_ranges(scope, Span::default()).await?;
    let dead = store.dead_ranges(scope).await?;
    let cuts: Vec<Row> = store.query(&cut_ranges(stream)).await?;
    let stored = rows.into_values().flatten().chain(cuts.iter().map(|row| (row.first, row.last)));
    let dead: Ranges = dead.into_values().flatten().collect();
    Ok(Known::new(stored.collect(), &dead))
}

fn cut_ranges(stream: &Stream) -> Sql {
    Sql::new(CUT_RANGES_SQL)
        .param("gateway", stream.gateway.as_str())
        .param("epoch", stream.epoch)
        .param("worker", stream.worker)
        .param("from", first_cut(stream).start().0 / 1000)
}

/// The earliest cut that may know the stream. A file's epoch is no time.
fn first_cut(stream: &Stream) -> Hour {
    if is_ingest(&stream.gateway) {
        return Hour(0);
    }
    let epoch = i64::try_from(stream.epoch).unwrap_or(i64::MAX);
    Hour(Time(epoch).hour().0.saturating_sub(CUTS_BEFORE_EPOCH_HOURS).max(0))
}
