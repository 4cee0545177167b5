//! What a closing looks at: what the cut before hands on, and what the store says now.
//!
//! Plain values. They come from SQL in the product and from tables of text in tests.

use std::collections::BTreeMap;

use record::{Hour, Life, Stream};

use crate::ranges::Ranges;

/// Streams of this kind are files: they live only in the hours of their rows, and nobody expects
/// their gateway in other hours.
const INGEST: &str = "ingest:";

/// What the cut of the hour before hands on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carry {
    /// Streams that have not ended.
    pub living: Vec<Living>,
    /// Every gateway that was ever seen, by name, without `ingest:` ones.
    pub gateways: BTreeMap<String, Gateway>,
}

/// A stream that goes on after an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Living {
    /// The stream.
    pub stream: Stream,
    /// Where its share of the next hour begins.
    pub next: u64,
    /// One past its last number, when that is known already.
    pub end: Option<u64>,
}

/// A gateway, as far as it is known at the end of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its latest life. Streams of this life and of earlier ones that are not living are done.
    pub epoch: u64,
    /// It said that it retires: it is not expected until it is heard again.
    pub retired: bool,
}

/// What stands in the store, as far as one hour is concerned.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Stored rows of the hour.
    pub inside: BTreeMap<Stream, Ranges>,
    /// Rows of later hours.
    pub beyond: BTreeMap<Stream, Beyond>,
    /// Stored rows of earlier hours that stand in no cut.
    pub late: BTreeMap<Hour, BTreeMap<Stream, Ranges>>,
    /// Numbers that ended as dead letters. They have no hour.
    pub dead: BTreeMap<Stream, Ranges>,
    /// The `start` and `end` records of this hour and later ones, and late ones.
    pub lives: Vec<LifeRow>,
    /// Last numbers in earlier cuts, of streams that have rows here without being handed on.
    pub cut_before: BTreeMap<Stream, u64>,
}

/// The rows of a stream after the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond {
    /// The least number.
    pub first: u64,
    /// The greatest number.
    pub last: u64,
    /// The hour of the earliest one.
    pub hour: Hour,
}

/// A `start` or `end` record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRow {
    /// Its stream.
    pub stream: Stream,
    /// Its number.
    pub seq: u64,
    /// Its hour.
    pub hour: Hour,
    /// An `end`; otherwise a `start`.
    pub ends: bool,
    /// What it says.
    pub life: Life,
}

// === impl Seen ===

impl Seen {
    /// The earliest hour after this one in which anything stands.
    pub fn next_hour(&self) -> Option<Hour> {
        self.beyond.values().map(|beyond| beyond.hour).min()
    }

    /// All late rows of one stream, whatever their hour.
    pub fn late_of(&self, stream: &Stream) -> Ranges {
        let spans = self.late.values().filter_map(|streams| streams.get(stream));
        spans.flat_map(|ranges| ranges.spans().iter().copied()).collect()
    }
}

/// Whether a gateway's name is that of a file that was taken in.
pub fn is_ingest(gateway: &str) -> bool {
    gateway.starts_with(INGEST)
}
