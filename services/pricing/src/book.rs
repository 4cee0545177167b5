//! The price book: what each item costs from which hour on.
//!
//! A book is a YAML text. It is immutable once used: the SHA-256 of its text stands on every
//! line that it priced, and a change is a new version with a later `effective_from`.
//!
//! - The price of one call has at most 8 decimals, as amounts have. So amounts of calls are
//!   exact, and a month costs the same however it is sliced into hours.
//! - Each item names its model. `graduated` is the only one so far; `volume`, `package` and
//!   `flat` are other ways to turn a quantity into parts, and have their place beside `tiers`.

mod read;
mod scalars;

use std::collections::BTreeMap;

use record::Hour;
use settings::{Document, Sink};

use crate::money::{Currency, Gb};
use crate::month::{Month, Zone};
use crate::tiers::Tiers;
use crate::usage::MonthUse;

/// Books that come with Tollgate, by name.
const BUNDLED: [(&str, &str); 2] = [
    ("published", include_str!("../books/published.yaml")),
    ("tiered", include_str!("../books/tiered.yaml")),
];

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

// === impl Book ===

impl Book {
    /// Reads a price book. All mistakes go to `sink`, under the name `file`. A book that comes
    /// out is whole only when the sink is empty: ask [`Sink::finish`].
    pub fn read(file: &str, text: &str, sink: &Sink) -> Option<Self> {
        let document = Document::parse(file, text, sink)?;
        read::book(&document.root(sink), text)
    }

    /// What is free in the month of an account, if anything is.
    pub(crate) fn allowance(&self, use_so_far: &MonthUse) -> Option<FreeTier> {
        let MonthUse { month, since, .. } = *use_so_far;
        self.free_tier.filter(|free| free.holds(month, since))
    }
}

// === impl FreeTier ===

impl FreeTier {
    /// True when an account that began in `since` has it in `month`. An account whose first
    /// month nobody stated has none that is limited in months.
    pub fn holds(self, month: Month, since: Option<Month>) -> bool {
        match (self.months, since) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(months), Some(since)) => {
                let age = u32::try_from(month.months_since(since));
                age.is_ok_and(|age| age < months)
            }
        }
    }
}

/// The text of a bundled book: `published` or `tiered`.
pub fn bundled(name: &str) -> Option<&'static str> {
    let book = BUNDLED.iter().find(|(known, _)| *known == name);
    book.map(|&(_, text)| text)
}

/// The names that [`bundled`] knows.
pub(crate) fn bundled_names() -> [&'static str; 2] {
    BUNDLED.map(|(name, _)| name)
}
