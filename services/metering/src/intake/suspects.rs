//! Messages whose number is stored: the same record again, or another one with its number?
//!
//! Their `req_id` tells, where the row still stands. Where retention has dropped it, only the cut
//! knows the number: then it is a duplicate.

use std::collections::BTreeMap;

use record::{Stream, Time};
use serde::Deserialize;
use store::{Limits, QueryError, Sql, Store};

/// Numbers that one query looks at.
const WINDOW: u64 = 50_000;

/// Rows with these numbers.
const ROWS_SQL: &str = "\
SELECT seq, req_id
FROM records
WHERE gateway = {gateway:String}
  AND epoch = {epoch:UInt64}
  AND worker = {worker:UInt16}
  AND seq BETWEEN {first:UInt64} AND {last:UInt64}
  AND time BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC')
               AND fromUnixTimestamp64Milli({to:Int64}, 'UTC')";

/// The times that a table of records can hold, ms since 1970.
const EVER: (Time, Time) = (Time(0), Time(4_294_967_295_000));

/// A message whose number is stored.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) seq: u64,
    pub(super) time: Time,
    pub(super) req_id: String,
    /// Its batch and its message there.
    pub(super) at: (usize, usize),
}

#[derive(Deserialize)]
struct Row {
    seq: u64,
    req_id: String,
}

/// Those that are another record than the one stored.
pub(super) async fn impostors(
    store: &Store,
    stream: &Stream,
    mut suspects: Vec<Suspect>,
) -> Result<Vec<Suspect>, QueryError> {
    suspects.sort_by_key(|suspect| suspect.seq);
    let mut found = Vec::new();
    let mut rest = suspects.into_iter().peekable();
    while let Some(first) = rest.next() {
        let end = first.seq.saturating_add(WINDOW);
        let mut window = vec![first];
        while let Some(suspect) = rest.next_if(|suspect| suspect.seq < end) {
            window.push(suspect);
        }
        let times = || window.iter().map(|suspect| suspect.time);
        let span = (times().min().unwrap_or(EVER.0), times().max().unwrap_or(EVER.1));
        let mut ids = ids(store, stream, &window, span).await?;
        if window.iter().any(|suspect| !ids.contains_key(&suspect.seq)) {
            // An impostor has its own time; or the rows are gone.
            ids = self::ids(store, stream, &window, EVER).await?;
        }
        let differs = |suspect: &Suspect| {
            ids.get(&suspect.seq).is_some_and(|req_id| *req_id != suspect.req_id)
        };
        found.extend(window.into_iter().filter(differs));
    }
    Ok(found)
}

async fn ids(
    store: &Store,
    stream: &Stream,
    window: &[Suspect],
    (from, to): (Time, Time),
) -> Result<BTreeMap<u64, String>, QueryError> {
    let (Some(first), Some(last)) = (window.first(), window.last()) else {
        return Ok(BTreeMap::new());
    };
    let sql = Sql::new(ROWS_SQL)
        .limits(Limits { rows: WINDOW + 1, ..Limits::default() })
        .param("gateway", stream.gateway.as_str())
        .param("epoch", stream.epoch)
        .param("worker", stream.worker)
        .param("first", first.seq)
        .param("last", last.seq)
        .param("from", from.0)
        .param("to", to.0);
    let rows: Vec<Row> = store.query(&sql).await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.req_id)).collect())
}
