//! Records that are old go: those that are billed, and no others.
//!
//! - A part of a day goes when the day is closed, the last of its rows was stored longer ago than
//!   records are kept, and long enough before the last look that this look has seen them: then each
//!   of its rows is in a cut. ClickHouse's own time to live knows none of this, and would take hours
//!   that are still open after a long absence.
//! - A day with held use stays until it is released: its rows are still to be rated.
//! - A part is dropped by its name. What was stored meanwhile is in another part; a part that was
//!   merged away is not there any more, and its successor's turn comes.

use std::time::Duration;

use record::{Hour, Time};
use serde::Deserialize;
use store::{Limits, Sql, Store};

use super::error::CloseError;
use super::look::{STAMP_MARGIN, clock};
use super::{held, stored};

/// Hours of a day.
const DAY_HOURS: i64 = 24;

/// Parts of old days; a day has some dozens.
const LIMITS: Limits =
    Limits { rows: 100_000, bytes: 64 << 20, time: Duration::from_secs(300), threads: 1 };

/// The days that begin before a time.
const DAYS_SQL: &str = "\
SELECT DISTINCT toInt64(toUnixTimestamp(toDateTime(toDate(partition), 'UTC'))) AS day_s
FROM system.parts
WHERE database = currentDatabase()
  AND table = 'records'
  AND active
  AND toUnixTimestamp(toDateTime(toDate(partition), 'UTC')) < {before:Int64}
ORDER BY day_s";

/// The parts of a day, and when the last row of each was stored.
const PARTS_SQL: &str = "\
SELECT
    _part AS part,
    count() AS rows
FROM records
WHERE time >= fromUnixTimestamp64Milli({start:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Milli({end:Int64}, 'UTC')
GROUP BY part
HAVING max(stored_at) < fromUnixTimestamp64Milli({floor:Int64}, 'UTC')
ORDER BY part";

#[derive(Deserialize)]
struct DayRow {
    day_s: i64,
}

#[derive(Deserialize)]
struct PartRow {
    part: String,
    rows: u64,
}

/// Drops what is older than `kept`; how many rows that were.
pub(super) async fn drop_old(store: &Store, kept: Duration) -> Result<u64, CloseError> {
    let Some(closed) = stored::last_closed(store).await? else { return Ok(0) };
    let cuts = stored::cuts(store, closed, closed).await?;
    let Some(cut) = cuts.get(&closed) else { return Ok(0) };
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let seen = cut.looked_at.0.saturating_sub(ms(STAMP_MARGIN));
    let floor = clock(store).await?.0.saturating_sub(ms(kept)).min(seen);
    let waiting = held::held(store).await?;
    let sql = Sql::new(DAYS_SQL).limits(LIMITS).param("before", floor / 1000);
    let days: Vec<DayRow> = store.query(&sql).await?;
    let mut dropped = 0;
    for DayRow { day_s } in days {
        let first = Time(day_s.saturating_mul(1000)).hour();
        let past = Hour(first.0 + DAY_HOURS);
        let held = waiting.iter().any(|held| (first..past).contains(&held.hour));
        if past <= closed.next() && !held {
            dropped += drop_day(store, first, past, floor).await?;
        }
    }
    Ok(dropped)
}

async fn drop_day(store: &Store, first: Hour, past: Hour, floor: i64) -> Result<u64, CloseError> {
    let sql = Sql::new(PARTS_SQL)
        .limits(LIMITS)
        .param("start", first.start().0)
        .param("end", past.start().0)
        .param("floor", floor);
    let mut dropped = 0;
    for PartRow { part, rows } in store.query(&sql).await? {
        let known = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if !known {
            tracing::warn!(part, "a part of an old day has a name that is not known");
            continue;
        }
        match store.execute(&Sql::new(format!("ALTER TABLE records DROP PART '{part}'"))).await {
            Ok(()) => {
                tracing::info!(day = %first, part, rows, "records older than the retention are gone");
                dropped += rows;
            }
            // Merged meanwhile, or the store is away: the next time.
            Err(error) => tracing::info!(part, %error, "an old part is not dropped yet"),
        }
    }
    Ok(dropped)
}
