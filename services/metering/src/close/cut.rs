//! The cut: one row that freezes what belongs to an hour.
//!
//! - Everything after it is computed from it alone (and from bills that stand, which never change):
//!   so whoever repeats a step computes the same.
//! - A record is in the hour's bills exactly when its hour is the cut's and its number lies in the
//!   ranges of its stream. Rows of earlier hours that stand in no cut are frozen here too, as
//!   `late`: they become corrections in this hour's bills. Under the cut's own hour `late` holds
//!   its strays: rows of this hour that fill holes of earlier shares; they are in its bills.
//! - So every row that stood when the hour was looked at is in some cut, and none is in two.
//! - The text is canonical: fixed order of keys, streams ascending, no spaces.

use std::collections::BTreeMap;

use pricing::MonthUse;
use record::{Hour, Stream, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::assess::Share;
use super::seen::Carry;
use crate::ranges::Ranges;

mod wire;

/// What is frozen of one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) hour: Hour,
    /// When the store was looked at, by its own clock: rows stamped later may be in no cut yet.
    pub(crate) looked_at: Time,
    /// RULE-1, in this version.
    pub(crate) rule: u16,
    /// Nothing was waited for when it was made: neither a stream nor a gateway.
    pub(crate) settled: bool,
    /// Who was still waited for, as text: streams and gateways.
    pub(crate) silent: Vec<String>,
    /// The price books in force, for those who read the cut.
    pub(crate) books: Vec<BookName>,
    pub(crate) streams: Vec<Share>,
    pub(crate) late: BTreeMap<Hour, BTreeMap<Stream, Ranges>>,
    pub(crate) carry: Carry,
    /// How far each source was consumed when the cut was made.
    pub(crate) ends: Vec<SourceEnd>,
    /// By account: what its bill is made with.
    pub(crate) terms: BTreeMap<String, Terms>,
    /// Held use of earlier cuts that a person has released.
    pub(crate) released: Vec<Released>,
}

/// A price book.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BookName {
    pub(crate) id: String,
    pub(crate) sha256: String,
}

/// The last position of a partition that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceEnd {
    pub(crate) source: String,
    pub(crate) part: u32,
    pub(crate) position: u64,
}

/// What an account's bill is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The price book of this hour and of each late one, by its SHA-256; none where no book is in
    /// force.
    pub(crate) books: BTreeMap<Hour, Option<String>>,
    /// Where each month of those hours begins.
    pub(crate) openings: Vec<MonthUse>,
}

/// What becomes of use that was held back, as a person decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Released {
    /// Of the decision.
    pub(crate) id: String,
    /// Whose cut froze the use.
    pub(crate) cut: Hour,
    /// The hour of the use.
    pub(crate) of: Hour,
    pub(crate) account: String,
    pub(crate) how: Release,
}

/// How held use is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// It is rated after all.
    Rate {
        /// The price book, by its SHA-256, for an hour in which none was in force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        book: Option<String>,
        /// Regions that the price book does not know → regions that it knows.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        regions: BTreeMap<String, String>,
    },
    /// It is not billed.
    Waive,
}

/// A cut's text can not be read: it was altered, or written by a newer program.
#[derive(Debug, thiserror::Error)]
#[error("the cut of an hour can not be read")]
pub struct CutError(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

// === impl Cut ===

impl Cut {
    /// The canonical text.
    pub(crate) fn to_json(&self) -> String {
        wire::write(self)
    }

    /// Reads what [`Cut::to_json`] wrote.
    pub(crate) fn from_json(text: &str) -> Result<Self, CutError> {
        wire::read(text).map_err(CutError)
    }

    /// Nothing missing, nothing dead, nobody silent.
    pub(crate) fn complete(&self) -> bool {
        let whole = |share: &Share| share.missing() == 0 && share.dead.is_empty();
        self.settled && self.streams.iter().all(whole)
    }

    /// The hours of the rows that it freezes, ascending: its own is the last.
    pub(crate) fn hours(&self) -> Vec<Hour> {
        let earlier = self.late.keys().copied().filter(|&hour| hour != self.hour);
        earlier.chain([self.hour]).collect()
    }
}

/// SHA-256 as 64 lower-case hex digits.
pub(crate) fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
