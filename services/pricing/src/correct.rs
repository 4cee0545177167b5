//! BILL-2: a closed hour never changes; what came late is billed by signed lines elsewhere.
//!
//! - A correction is a difference of whole hours: all use known now is summed and rounded as one
//!   hour, less what was billed. So ten late records of 30,000 bytes are 300,000 bytes.
//! - The tier position is that of the corrected hour. Later hours of the month are rated again
//!   too, and corrected where the tiers moved under them.
//! - What was billed, plus its corrections, is what the hour would have cost if everything had
//!   been known in time: line by line, quantity and amount.

use std::collections::BTreeMap;

use record::Hour;
use rust_decimal::Decimal;

use crate::bill::Bill;
use crate::book::Book;
use crate::line::{Corrects, Line, line_id};
use crate::money::{Currency, MoneyError, negated, sum};
use crate::month::Month;
use crate::rate::{RateError, rate};
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
    /// A line is given as billed for this hour, but corrects another one.
    #[error("line `{line}` was not billed for the closed hour {hour}")]
    OtherHour {
        /// The hour.
        hour: Hour,
        /// Id of the line.
        line: String,
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
    let mut corrected = Corrected { lines: Vec::new(), after: before.clone(), currency: None };
    let mut last = None;
    for known in hours {
        let hour = known.hour;
        if last.is_some_and(|last| hour <= last) {
            return Err(CorrectError::Order { hour });
        }
        last = Some(hour);
        check(before.month, known, corrected.currency)?;
        let rated = rate(known.book, &corrected.after, &known.usage)
            .map_err(|source| CorrectError::Rate { hour, source })?;
        let lines = differences(hour, &rated.lines, &known.billed)
            .map_err(|source| CorrectError::Money { hour, source })?;
        corrected.lines.extend(lines);
        corrected.after = rated.after;
        corrected.currency = Some(known.book.currency);
    }
    Ok(corrected)
}

/// All lines that billed an hour: its own ones, and the corrections that name it.
pub fn billed_for<'b>(hour: Hour, bills: impl IntoIterator<Item = &'b Bill>) -> Vec<Line> {
    let of_hour = |bill: &'b Bill| {
        bill.lines.iter().filter(move |line| match &line.corrects {
            None => bill.hour == hour,
            Some(corrects) => corrects.hour == hour,
        })
    };
    bills.into_iter().flat_map(of_hour).cloned().collect()
}

fn check(
    month: Month,
    known: &KnownHour<'_>,
    currency: Option<Currency>,
) -> Result<(), CorrectError> {
    let (hour, book) = (known.hour, known.book);
    if book.zone.month_of(hour) != Some(month) {
        return Err(CorrectError::OtherMonth { hour, month });
    }
    if let Some(expected) = currency.filter(|&currency| currency != book.currency) {
        return Err(CorrectError::OtherCurrency { hour, found: book.currency, expected });
    }
    for line in &known.billed {
        if line.price_book != book.sha256 {
            let (billed, given) = (line.price_book.clone(), book.sha256.clone());
            return Err(CorrectError::OtherBook { hour, billed, given });
        }
        if line.corrects.as_ref().is_some_and(|corrects| corrects.hour != hour) {
            return Err(CorrectError::OtherHour { hour, line: line.id.clone() });
        }
    }
    Ok(())
}

/// What the hour costs now less what was billed, line by line, in the order of lines.
fn differences(hour: Hour, now: &[Line], billed: &[Line]) -> Result<Vec<Line>, MoneyError> {
    let mut by_place: BTreeMap<_, (Option<&Line>, Vec<&Line>)> = BTreeMap::new();
    for line in now {
        by_place.entry(line.order()).or_default().0 = Some(line);
    }
    for line in billed {
        by_place.entry(line.order()).or_default().1.push(line);
    }
    let mut lines = Vec::new();
    for (now, billed) in by_place.into_values() {
        let mut line = now.or(billed.first().copied()).expect("a place comes from a line").clone();
        let (mut quantity, mut amounts) = (Decimal::ZERO, Vec::new());
        if let Some(now) = now {
            quantity = now.quantity;
            amounts.push(now.amount);
        }
        for billed in billed {
            quantity = quantity.checked_sub(billed.quantity).ok_or(MoneyError::TooLarge)?;
            amounts.push(negated(billed.amount)?);
        }
        line.quantity = quantity;
        line.amount = sum(amounts)?;
        if line.quantity.is_zero() && line.amount.is_zero() {
            continue;
        }
        let place = line_id(&line);
        line.id = format!("correction:{hour}:{place}");
        line.corrects = Some(Corrects { hour, line: place });
        lines.push(line);
    }
    Ok(lines)
}
