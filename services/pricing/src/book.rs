//! The price book: what each item costs from which hour on.
//!
//! A book is a YAML text. It is immutable once used: the SHA-256 of its text stands on every
//! line that it priced, and a change is a new version with a later `effective_from`.

use std::collections::BTreeMap;

use record::Hour;
use settings::Sink;

use crate::money::{Currency, Gb};
use crate::month::Zone;
use crate::tiers::Tiers;

/// One version of a price book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Its name; versions of one book share it.
    pub id: String,
    /// SHA-256 of the text, 64 lower-case hex digits.
    pub sha256: String,
    /// The text as it was read.
    pub text: String,
    /// The currency of all its prices.
    pub currency: Currency,
    /// Where its calendar month begins.
    pub zone: Zone,
    /// The first hour that it prices.
    pub effective_from: Hour,
    /// Tiers of calls of shared instances; a step is one call.
    pub calls: Tiers,
    /// Tiers of traffic by region; a step is 0.0001 GB.
    pub traffic: BTreeMap<String, Tiers>,
    /// What an account gets for nothing each month.
    pub free_tier: Option<FreeTier>,
}

/// What an account gets for nothing each month; what is left does not carry over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeTier {
    /// Calls of shared instances.
    pub calls: u64,
    /// Traffic, all regions together.
    pub traffic: Gb,
    /// For how many calendar months, from the account's first one on; none: for ever.
    pub months: Option<u32>,
}

impl Book {
    /// Reads a price book. All mistakes go to `sink`, under the name `file`.
    pub fn read(_file: &str, _text: &str, _sink: &Sink) -> Option<Self> {
        None
    }
}

/// The text of a bundled book: `published` or `tiered`.
pub fn bundled(_name: &str) -> Option<&'static str> {
    None
}
