//! The `records` table as Rust sees it, and the encoder of its blocks.
//!
//! - [`columns`] is the one list of its columns; `DESCRIBE TABLE` is compared with it by a test.
//! - A block is sent as `Native`, column by column, in the order of the table's key: a fifth of
//!   what the server spends on unordered rows, a tenth of what it spends on JSON.
//! - `LowCardinality` columns travel as `String`; the server makes their dictionaries.

mod columns;
mod life;
mod native;
mod stored;

use std::collections::HashMap;

use bytes::Bytes;
use record::{Hour, Record, Time, Verdict};

use crate::block::{Block, Format, ROWS_END};
use crate::tables::Table;
use columns::{COLUMNS, TRAVELLING};
use native::{Row, encode};

pub use stored::{StoredError, StoredRecord};

/// The most bytes that a block grows to before it has no more room. The block is held twice while
/// it is encoded, and once by the server.
const BYTES_MAX: usize = 256 << 20;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// What a block of records is written to.
static RECORDS: Table = Table { name: "records", columns: &TRAVELLING, key: &[] };

/// A UTC day, counted from 1970-01-01: one partition of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

/// Collects records of one day for one insert.
#[derive(Debug)]
pub struct RecordBlock {
    day: Day,
    /// The rows one after the other, each with its values in the order of the columns.
    rows: Vec<u8>,
    keys: Vec<Key>,
    /// Each account's number in `keys`.
    accounts: HashMap<String, u32>,
}

/// Where a row stands in the order of the table's key (hour, account, time), and in `rows`.
#[derive(Debug, Clone, Copy)]
struct Key {
    hour: Hour,
    account: u32,
    time: i64,
    start: usize,
}

/// Name and type of each column, but for `stored_at`, which the server sets.
pub fn stored_columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.iter().map(|column| (column.name, column.stored))
}

// === impl Day ===

impl Day {
    /// The day of a record's time. `None` when the table can not hold it: before 1970 or after
    /// 2106-02-06 (its `hour` is 32 bits of seconds). Such a record is a dead letter.
    pub fn of(time: Time) -> Option<Self> {
        let day = u32::try_from(time.0.div_euclid(DAY_MS)).ok()?;
        (day < u32::MAX / 86_400).then_some(Self(day))
    }
}

// === impl RecordBlock ===

impl RecordBlock {
    /// An empty one.
    pub fn new(day: Day) -> Self {
        Self { day, rows: Vec::new(), keys: Vec::new(), accounts: HashMap::new() }
    }

    /// The day of all its records.
    pub fn day(&self) -> Day {
        self.day
    }

    /// Whether there is room for one more record.
    pub fn has_room(&self) -> bool {
        self.rows() + 1 < ROWS_END && self.rows.len() < BYTES_MAX
    }

    /// Adds one record with its verdict.
    ///
    /// # Panics
    /// When the record is of another day, or there is no room ([`has_room`](Self::has_room)).
    pub fn push(&mut self, record: &Record<'_>, verdict: Verdict) {
        assert_eq!(Day::of(record.time), Some(self.day), "a block holds records of one day");
        assert!(self.has_room(), "a block has an end");
        let (time, start) = (record.time.0, self.rows.len());
        let account = self.account(&record.account);
        self.keys.push(Key { hour: record.time.hour(), account, time, start });
        let mut row = Row(&mut self.rows);
        for column in &COLUMNS {
            (column.put)(&mut row, record, verdict);
        }
    }

    /// How many records were added.
    pub fn rows(&self) -> u64 {
        self.keys.len() as u64
    }

    /// About how many bytes the block will have.
    pub fn bytes(&self) -> usize {
        self.rows.len()
    }

    /// Sorts and encodes; `None` when nothing was added.
    pub fn finish(mut self) -> Option<Block> {
        if self.keys.is_empty() {
            return None;
        }
        let ranks = self.ranks();
        let rank = |key: &Key| ranks.get(key.account as usize).copied();
        self.keys.sort_by_key(|key| (key.hour, rank(key), key.time));
        let rows = self.rows();
        let starts = self.keys.iter().map(|key| key.start);
        let pieces = encode(&self.rows, starts).into_iter().map(Bytes::from).collect();
        Some(Block { table: &RECORDS, format: Format::Native, rows, pieces })
    }

    fn account(&mut self, account: &str) -> u32 {
        if let Some(number) = self.accounts.get(account) {
            return *number;
        }
        let number = self.accounts.len() as u32;
        self.accounts.insert(account.to_owned(), number);
        number
    }

    /// By an account's number: its place among the accounts in order of their bytes, which is
    /// ClickHouse's order of texts.
    fn ranks(&self) -> Vec<u32> {
        let mut accounts: Vec<_> = self.accounts.iter().collect();
        accounts.sort_unstable();
        let mut ranks = vec![0; accounts.len()];
        for (rank, (_, number)) in accounts.into_iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        ranks
    }
}
