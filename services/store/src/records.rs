//! The `records` table as Rust sees it, and the encoder of its blocks.

use record::{Record, Time, Verdict};

use crate::block::Block;

/// A UTC day, counted from 1970-01-01: one partition of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day of a record's time. `None` when the table can not hold it: before 1970 or after
    /// 2106-02-06 (its `hour` is 32 bits of seconds). Such a record is a dead letter.
    pub fn of(time: Time) -> Option<Self> {
        let day = u32::try_from(time.0.div_euclid(86_400_000)).ok()?;
        (day < u32::MAX / 86_400).then_some(Self(day))
    }
}

/// Collects records of one day for one insert.
#[derive(Debug)]
pub struct RecordBlock {
    day: Day,
    rows: u64,
}

impl RecordBlock {
    /// An empty one.
    pub fn new(day: Day) -> Self {
        Self { day, rows: 0 }
    }

    /// The day of all its records.
    pub fn day(&self) -> Day {
        self.day
    }

    /// Whether there is room for one more record.
    pub fn has_room(&self) -> bool {
        true
    }

    /// Adds one record with its verdict.
    ///
    /// # Panics
    /// When the record is of another day, or there is no room ([`has_room`](Self::has_room)).
    pub fn push(&mut self, record: &Record<'_>, verdict: Verdict) {
        assert_eq!(Day::of(record.time), Some(self.day), "a block holds records of one day");
        let _ = verdict;
        self.rows += 1;
    }

    /// How many records were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// About how many bytes the block will have.
    pub fn bytes(&self) -> usize {
        0
    }

    /// Sorts and encodes; `None` when nothing was added.
    pub fn finish(self) -> Option<Block> {
        None
    }
}
