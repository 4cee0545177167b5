//! One line of a bill: what was used, at which price, and what it costs.

use std::fmt;

use record::{Hour, InstanceType};
use rust_decimal::Decimal;

use crate::usage::Direction;

/// What is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// Billable calls of shared instances, one price everywhere.
    Calls,
    /// Traffic that leaves over the public network, priced by region.
    Traffic,
}

/// Which tier of the book a line is priced at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TierName {
    /// Covered by the free tier.
    Free,
    /// The n-th tier of the book, from 1.
    Nth(u16),
}

/// Which line of which hour a correction changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Corrects {
    /// The closed hour.
    pub hour: Hour,
    /// The id of the line there (it may be a line that the hour did not have so far).
    pub line: String,
}

/// One line of a bill. Corrections carry a sign in `quantity` and `amount`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Unique in its bill and the same at each computation, like `calls:t2`,
    /// `traffic:ap-singapore:response:shared:t1`,
    /// `correction:2026-11-20T13:00:00Z:calls:t2`.
    pub id: String,
    /// What is charged.
    pub item: Item,
    /// The region of the traffic; empty for calls.
    pub region: String,
    /// The direction of the traffic; none for calls.
    pub direction: Option<Direction>,
    /// The kind of instance; calls are those of shared ones.
    pub instance_type: InstanceType,
    /// The tier of the book.
    pub tier: TierName,
    /// Calls (no decimals) or GB (4 decimals).
    pub quantity: Decimal,
    /// The price of one call or one GB, in the book's currency, without trailing zeros.
    pub unit_price: Decimal,
    /// 8 decimals. `line_amount(quantity, unit_price)`; of a correction, the difference of two
    /// such amounts.
    pub amount: Decimal,
    /// SHA-256 of the price book's text, 64 hex digits.
    pub price_book: String,
    /// The price book's id.
    pub price_book_id: String,
    /// Set in corrections only.
    pub corrects: Option<Corrects>,
}

// === impl Item ===

impl Item {
    /// `calls` or `traffic`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Traffic => "traffic",
        }
    }

    /// The other way.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "calls" => Some(Self::Calls),
            "traffic" => Some(Self::Traffic),
            _ => None,
        }
    }

    /// What quantities are counted in: `call` or `GB` (1024^3 bytes).
    pub fn unit(self) -> &'static str {
        match self {
            Self::Calls => "call",
            Self::Traffic => "GB",
        }
    }
}

// === impl TierName ===

impl TierName {
    /// `free`, or the number from 1 on.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "free" {
            return Some(Self::Free);
        }
        let number = text.parse().ok().filter(|&number: &u16| number > 0)?;
        (number.to_string() == text).then_some(Self::Nth(number))
    }
}

impl fmt::Display for TierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.write_str("free"),
            Self::Nth(number) => write!(f, "{number}"),
        }
    }
}

// === impl Line ===

impl Line {
    /// The order of lines within an hour. Lines of one hour that are equal in it are the same
    /// line, billed and corrected.
    pub(crate) fn order(&self) -> (Item, &str, Option<Direction>, InstanceType, TierName) {
        (self.item, &self.region, self.direction, self.instance_type, self.tier)
    }
}

/// The id of the line that an hour has at this place, without regard to corrections.
pub(crate) fn line_id(line: &Line) -> String {
    let tier = match line.tier {
        TierName::Free => "free".to_owned(),
        TierName::Nth(number) => format!("t{number}"),
    };
    let Line { item, region, direction, instance_type, .. } = line;
    match direction {
        None => format!("{}:{tier}", item.as_str()),
        Some(direction) => {
            let (item, direction) = (item.as_str(), direction.as_str());
            format!("{item}:{region}:{direction}:{}:{tier}", instance_type.as_str())
        }
    }
}
