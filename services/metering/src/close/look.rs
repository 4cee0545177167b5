//! Looking at the store: everything that the assessment of one hour needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use record::{Hour, Life, PreviousLife, Stream, Time};
use serde::Deserialize;
use store::{Limits, QueryError, Scope, Span, Sql, Store};

use super::seen::{Beyond, Carry, LifeRow, Seen};
use crate::ranges::Ranges;

mod sql;

/// How long an insert may take from when its rows are stamped until they are seen, and how far
/// clocks of replicas may differ. Rows stamped earlier than this before the look of the hour before
/// were seen by that look, and are frozen in a cut. An insert ends within minutes; the rest is for
/// clocks.
pub(super) const STAMP_MARGIN: Duration = Duration::from_secs(3600);

/// Answers over all streams of an hour, or of all late hours.
const LIMITS: Limits =
    Limits { rows: 1_000_000, bytes: 256 << 20, time: Duration::from_secs(300), threads: 0 };

/// Names of streams that one query is given: they travel in its URL.
const NAMES_AT_ONCE: usize = 100;

/// Later than every row, ms since 1970.
const EVER_MS: i64 = 4_294_967_295_000;

#[derive(Deserialize)]
struct BeyondRow {
    gateway: String,
    epoch: u64,
    worker: u16,
    first: u64,
    last: u64,
    hour_s: i64,
}

#[derive(Deserialize)]
struct LifeRowText {
    gateway: String,
    epoch: u64,
    worker: u16,
    seq: u64,
    hour_s: i64,
    ends: u8,
    life: String,
}

#[derive(Deserialize)]
struct CutBeforeRow {
    gateway: String,
    epoch: u64,
    worker: u16,
    last: u64,
}

#[derive(Deserialize)]
struct FileRow {
    gateway: String,
    epoch: u64,
    worker: u16,
    stored_ms: i64,
}

#[derive(Deserialize)]
struct FirstHourRow {
    rows: u64,
    hour_s: i64,
}

/// The text of a `life` column.
#[derive(Deserialize)]
struct LifeText {
    workers: u16,
    previous: Option<PreviousText>,
    retires: bool,
}

#[derive(Deserialize)]
struct PreviousText {
    epoch: u64,
    last: Vec<Option<u64>>,
}

/// The clock that stamps rows. Rows are stamped by the store, so no other clock is asked.
pub(crate) async fn clock(store: &Store) -> Result<Time, QueryError> {
    #[derive(Deserialize)]
    struct Row {
        now_ms: i64,
    }
    let sql = Sql::new("SELECT toUnixTimestamp64Milli(now64(3)) AS now_ms");
    let rows: Vec<Row> = store.query(&sql).await?;
    Ok(Time(rows.first().map_or(0, |row| row.now_ms)))
}

/// Looks at everything that concerns `hour`. `looked_before`: when the cut of the hour before was
/// looked at, by the store's clock; none when there is no cut, so that nothing is late.
pub(crate) async fn look(
    store: &Store,
    hour: Hour,
    carry: &Carry,
    looked_before: Option<Time>,
) -> Result<Seen, QueryError> {
    let start = hour.start().0;
    let margin = i64::try_from(STAMP_MARGIN.as_millis()).unwrap_or(i64::MAX);
    let floor = looked_before.map(|at| at.0.saturating_sub(margin).max(0));
    let lives = Sql::new(sql::LIVES)
        .limits(LIMITS)
        .param("start", start)
        // Without a cut, only rows of this hour on are looked at.
        .param("floor", floor.unwrap_or(EVER_MS));
    let beyond = Sql::new(sql::BEYOND).limits(LIMITS).param("end", hour.end().0 / 1000);
    let (inside, dead, beyond, lives) = tokio::try_join!(
        store.stored_ranges(Scope::Everything, Span::hour(hour)),
        store.dead_ranges(Scope::Everything),
        store.query::<BeyondRow>(&beyond),
        store.query::<LifeRowText>(&lives),
    )?;
    let late = match floor {
        Some(floor) => late(store, hour, floor).await?,
        None => BTreeMap::new(),
    };
    let mut seen = Seen {
        inside: ranges(inside),
        beyond: beyond.into_iter().map(BeyondRow::read).collect(),
        late,
        dead: ranges(dead),
        lives: lives.into_iter().filter_map(LifeRowText::read).collect(),
        cut_before: BTreeMap::new(),
    };
    seen.cut_before = cut_before(store, &seen, carry).await?;
    Ok(seen)
}

/// The hour of the earliest record, if there is any.
pub(crate) async fn first_hour(store: &Store) -> Result<Option<Hour>, QueryError> {
    let rows: Vec<FirstHourRow> = store.query(&Sql::new(sql::FIRST_HOUR)).await?;
    Ok(rows.first().filter(|row| row.rows > 0).map(|row| hour_of(row.hour_s)))
}

/// When the latest row of each file was stored.
pub(crate) async fn files(store: &Store) -> Result<BTreeMap<Stream, Time>, QueryError> {
    let rows: Vec<FileRow> = store.query(&Sql::new(sql::FILES).limits(LIMITS)).await?;
    let read = |FileRow { gateway, epoch, worker, stored_ms }| {
        (Stream { gateway, epoch, worker }, Time(stored_ms))
    };
    Ok(rows.into_iter().map(read).collect())
}

type Late = BTreeMap<Hour, BTreeMap<Stream, Ranges>>;

async fn late(store: &Store, hour: Hour, floor: i64) -> Result<Late, QueryError> {
    let start = hour.start().0;
    let first = Sql::new(sql::LATE_FROM).param("start", start).param("floor", floor);
    let rows: Vec<FirstHourRow> = store.query(&first).await?;
    let Some(from) = rows.first().filter(|row| row.rows > 0) else { return Ok(Late::new()) };
    let late = Sql::new(sql::LATE)
        .limits(LIMITS)
        .param("start", start)
        .param("floor", floor)
        .param("from", from.hour_s);
    let mut found = Late::new();
    for row in store.query::<BeyondRow>(&late).await? {
        let BeyondRow { gateway, epoch, worker, first, last, hour_s } = row;
        let streams = found.entry(hour_of(hour_s)).or_default();
        streams.entry(Stream { gateway, epoch, worker }).or_default().insert(first, last);
    }
    Ok(found)
}

/// Where the shares of those streams stand that are here without being handed on.
async fn cut_before(
    store: &Store,
    seen: &Seen,
    carry: &Carry,
) -> Result<BTreeMap<Stream, u64>, QueryError> {
    let living: BTreeSet<&Stream> = carry.living.iter().map(|living| &living.stream).collect();
    // What begins with 0 here was in no share before.
    let inside = seen.inside.iter().filter(|(_, ranges)| ranges.min() != Some(0));
    let late = seen.late.values().flatten();
    let streams: BTreeSet<&Stream> =
        inside.chain(late).map(|(stream, _)| stream).filter(|s| !living.contains(s)).collect();
    let names: Vec<String> = streams.into_iter().map(ToString::to_string).collect();
    let mut found = BTreeMap::new();
    for some in names.chunks(NAMES_AT_ONCE) {
        let sql = Sql::new(sql::CUT_BEFORE).limits(LIMITS).param("streams", some.to_vec());
        for row in store.query::<CutBeforeRow>(&sql).await? {
            let CutBeforeRow { gateway, epoch, worker, last } = row;
            found.insert(Stream { gateway, epoch, worker }, last);
        }
    }
    Ok(found)
}

// === impl BeyondRow ===

impl BeyondRow {
    fn read(self) -> (Stream, Beyond) {
        let Self { gateway, epoch, worker, first, last, hour_s } = self;
        (Stream { gateway, epoch, worker }, Beyond { first, last, hour: hour_of(hour_s) })
    }
}

// === impl LifeRowText ===

impl LifeRowText {
    /// None for a text that no program of ours wrote; the record itself is in the proof.
    fn read(self) -> Option<LifeRow> {
        let Self { gateway, epoch, worker, seq, hour_s, ends, life } = self;
        let Ok(life) = serde_json::from_str::<LifeText>(&life) else {
            tracing::warn!(gateway, epoch, worker, seq, "the life of a record can not be read");
            return None;
        };
        let LifeText { workers, previous, retires } = life;
        let previous = previous.map(|PreviousText { epoch, last }| PreviousLife { epoch, last });
        Some(LifeRow {
            stream: Stream { gateway, epoch, worker },
            seq,
            hour: hour_of(hour_s),
            ends: ends == 1,
            life: Life { workers, previous, retires, ..Life::default() },
        })
    }
}

fn ranges(map: BTreeMap<Stream, store::Ranges>) -> BTreeMap<Stream, Ranges> {
    map.into_iter().map(|(stream, spans)| (stream, spans.into_iter().collect())).collect()
}

/// An hour from the seconds of its start.
pub(crate) fn hour_of(seconds: i64) -> Hour {
    Time(seconds.saturating_mul(1000)).hour()
}
