//! What metering counts, and the names under which it is shown.
//!
//! Counters only rise; gauges say what is now. Labels are none: how a source is called is not for
//! a metric, and one process has few.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use record::Time;

/// Shown for each number: its name, its kind, and one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name as Prometheus knows it.
    pub name: &'static str,
    /// A gauge may fall.
    pub gauge: bool,
    /// One sentence.
    pub help: &'static str,
    /// The value now.
    pub value: i64,
}

/// Everything that is counted, by all pipelines and the closer of one process.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages taken from sources. LOSS-1 and DUP-1: the sum of the four outcomes below.
    pub read: AtomicU64,
    /// Messages that became a row.
    pub stored: AtomicU64,
    /// Messages whose record was stored before.
    pub duplicates: AtomicU64,
    /// Messages that became dead letters.
    pub dead: AtomicU64,
    /// Messages that claimed the number of another record. Alarm.
    pub collisions: AtomicU64,
    /// Jumps in the numbers of a stream. Alarm.
    pub gaps: AtomicU64,
    /// Numbers that came after they had been skipped.
    pub filled: AtomicU64,
    /// Inserts that were done over, because their outcome was unknown or refused. Alarm when it
    /// goes on rising.
    pub retries: AtomicU64,
    /// The latest `time` of a stored record, ms since 1970.
    pub newest_ms: AtomicI64,
    /// Batches that wait to be stored now.
    pub pending: AtomicU64,
    /// Hours that were closed.
    pub closed: AtomicU64,
    /// The end of the latest closed hour, ms since 1970.
    pub closed_until_ms: AtomicI64,
    /// 1 while an hour is past its deadline and not closed. Alarm.
    pub overdue: AtomicU64,
    /// Hours that were closed with missing or dead numbers, or a silent stream. Alarm.
    pub incomplete: AtomicU64,
    /// Accounts whose bills are held back now. Alarm.
    pub held: AtomicU64,
    /// Closings that failed and were begun again. Alarm when it goes on rising.
    pub close_failures: AtomicU64,
    /// 1 while the topic is not fit to be consumed. An alarm.
    pub refused: AtomicU64,
}

/// `read`
pub const READ: &str = "metering_messages_read_total";
/// `stored`
pub const STORED: &str = "metering_records_stored_total";
/// `duplicates`
pub const DUPLICATES: &str = "metering_duplicates_total";
/// `dead`
pub const DEAD: &str = "metering_dead_letters_total";
/// `collisions`
pub const COLLISIONS: &str = "metering_collisions_total";
/// `gaps`
pub const GAPS: &str = "metering_gaps_total";
/// `filled`
pub const FILLED: &str = "metering_gaps_filled_total";
/// `retries`
pub const RETRIES: &str = "metering_insert_retries_total";
/// `newest_ms`
pub const NEWEST: &str = "metering_newest_record_ms";
/// `pending`
pub const PENDING: &str = "metering_pending_batches";
/// `closed`
pub const CLOSED: &str = "metering_hours_closed_total";
/// `closed_until_ms`
pub const CLOSED_UNTIL: &str = "metering_closed_until_ms";
/// `overdue`
pub const OVERDUE: &str = "metering_close_overdue";
/// `incomplete`
pub const INCOMPLETE: &str = "metering_hours_incomplete_total";
/// `held`
pub const HELD: &str = "metering_accounts_held";
/// `close_failures`
pub const CLOSE_FAILURES: &str = "metering_close_failures_total";
/// Name of [`Counters::refused`].
pub const REFUSED: &str = "metering_topic_refused";

// === impl Counters ===

impl Counters {
    /// All numbers as they are now.
    pub fn metrics(&self) -> Vec<Metric> {
        let of = |counter: &AtomicU64| {
            i64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
        };
        let total = |name, counter, help| Metric { name, gauge: false, help, value: of(counter) };
        let gauge = |name, counter, help| Metric { name, gauge: true, help, value: of(counter) };
        let time = |name, at: &AtomicI64, help| Metric {
            name,
            gauge: true,
            help,
            value: at.load(Ordering::Relaxed),
        };
        vec![
            total(READ, &self.read, "messages taken from sources"),
            total(STORED, &self.stored, "messages that became a row"),
            total(DUPLICATES, &self.duplicates, "messages whose record was stored before"),
            total(DEAD, &self.dead, "messages that became dead letters"),
            total(COLLISIONS, &self.collisions, "messages with the number of another record"),
            total(GAPS, &self.gaps, "jumps in the numbers of a stream"),
            total(FILLED, &self.filled, "numbers that came after they had been skipped"),
            total(RETRIES, &self.retries, "inserts that were done over"),
            time(NEWEST, &self.newest_ms, "latest time of a stored record, ms since 1970"),
            gauge(PENDING, &self.pending, "batches that wait to be stored"),
            total(CLOSED, &self.closed, "hours that were closed"),
            time(CLOSED_UNTIL, &self.closed_until_ms, "end of the latest closed hour, ms"),
            gauge(OVERDUE, &self.overdue, "1 while an hour is past its deadline and not closed"),
            total(INCOMPLETE, &self.incomplete, "hours closed with something missing or dead"),
            gauge(HELD, &self.held, "accounts whose bills are held back"),
            gauge(REFUSED, &self.refused, "1 while the topic can not be consumed"),
            total(CLOSE_FAILURES, &self.close_failures, "closings that were begun again"),
        ]
    }

    /// Another process closes hours: what was said of them here is no longer so.
    pub(crate) fn no_longer_closing(&self) {
        for gauge in [&self.overdue, &self.held] {
            gauge.store(0, Ordering::Relaxed);
        }
    }

    /// The latest `time` of a stored record; 1970 when none was stored yet.
    pub fn newest(&self) -> Time {
        Time(self.newest_ms.load(Ordering::Relaxed))
    }
}

/// Adds to a counter. Relaxed: no other memory depends on it.
pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}
