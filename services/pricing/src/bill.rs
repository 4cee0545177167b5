//! The bill of one account and hour, and its canonical JSON.

mod json;

use record::Hour;

use crate::correct::Corrected;
use crate::json::JsonError;
use crate::line::Line;
use crate::money::{Currency, Money, MoneyError, sum};
use crate::rate::Rated;
use crate::usage::HourUsage;

/// How final a bill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The hour has not ended.
    Open,
    /// It has ended; records may still arrive.
    Provisional,
    /// It never changes again.
    Closed,
}

/// What one account owes for one hour: its use, and corrections of earlier hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The hour.
    pub hour: Hour,
    /// The account.
    pub account: String,
    /// How final it is.
    pub state: State,
    /// The hour's lines in the order of [`crate::rate`], then corrections by hour.
    pub lines: Vec<Line>,
    /// The exact sum of all lines, in the bill's currency.
    pub total: Money,
    /// What was used in the hour, exactly.
    pub usage: HourUsage,
}

/// Why lines do not make a bill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// Corrections in another currency than the hour's.
    #[error("the hour is billed in {hour}, the corrections in {corrections}")]
    Currencies {
        /// The currency of the hour's book.
        hour: Currency,
        /// The currency of the corrected hours.
        corrections: Currency,
    },
    /// The total is beyond what is kept exactly.
    #[error("failed to sum the lines")]
    Total(#[source] MoneyError),
}

// === impl Bill ===

impl Bill {
    /// The bill of an hour: what it costs itself, and corrections of earlier ones.
    ///
    /// # Errors
    /// Two currencies, or a total beyond 10^20.
    pub fn new(
        account: &str,
        hour: Hour,
        state: State,
        usage: &HourUsage,
        rated: &Rated,
        corrections: &[Corrected],
    ) -> Result<Self, BillError> {
        let currency = rated.total.currency;
        let mut lines = rated.lines.clone();
        for corrected in corrections {
            let other = corrected.currency.filter(|&other| other != currency);
            if let Some(other) = other.filter(|_| !corrected.lines.is_empty()) {
                return Err(BillError::Currencies { hour: currency, corrections: other });
            }
            lines.extend(corrected.lines.iter().cloned());
        }
        let amount = sum(lines.iter().map(|line| line.amount)).map_err(BillError::Total)?;
        let (account, total) = (account.to_owned(), Money { amount, currency });
        Ok(Self { hour, account, state, lines, total, usage: usage.clone() })
    }

    /// Canonical JSON: fixed order of keys, no spaces, decimals as texts of fixed scale.
    pub fn to_json(&self) -> String {
        json::to_json(self)
    }

    /// Reads what [`Bill::to_json`] wrote.
    ///
    /// # Errors
    /// Text that is not of this form, or lines that do not sum to the total.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        json::from_json(text)
    }
}

// === impl State ===

impl State {
    /// `open`, `provisional` or `closed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Provisional => "provisional",
            Self::Closed => "closed",
        }
    }

    /// The other way.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Provisional, Self::Closed].into_iter().find(|s| s.as_str() == text)
    }
}
