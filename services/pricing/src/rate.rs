//! Rating one hour: use in, lines out.

use crate::book::Book;
use crate::line::Line;
use crate::money::{Money, MoneyError};
use crate::usage::{HourUsage, MonthUse};

/// What an hour costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// By item, region, direction, instance type and tier; none has quantity 0.
    pub lines: Vec<Line>,
    /// Where the month stands after the hour.
    pub after: MonthUse,
    /// The exact sum of the lines.
    pub total: Money,
}

/// Why an hour can not be rated: the account's bill is held until a person acts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Billable traffic in a region that the book does not price.
    #[error("price book `{book}` has no price for traffic of region `{region}`")]
    UnknownRegion {
        /// The region of the records.
        region: String,
        /// The book's id.
        book: String,
    },
    /// An amount or quantity is beyond what is kept exactly.
    #[error("failed to rate {what}")]
    Money {
        /// Which use.
        what: String,
        /// What was wrong with it.
        #[source]
        source: MoneyError,
    },
}

/// Rates the use of one hour that begins where the month stands at `before`.
///
/// # Errors
/// An unknown region, or numbers beyond any real use.
pub fn rate(book: &Book, before: &MonthUse, usage: &HourUsage) -> Result<Rated, RateError> {
    let (_, _, _) = (book, before, usage);
    Err(RateError::Money { what: "an hour".to_owned(), source: MoneyError::TooLarge })
}
