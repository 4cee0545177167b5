//! Money, price books, tiers, rounding, rating: what an hour of use costs, and why.
//!
//! Pure: values in, values out. No clock, no IO, no binary float.
//! - Counts, bytes and quantities are integers (one call, 0.0001 GB); money is a decimal.
//! - Each rounding happens in one named function, once, half away from zero:
//!   [`billed_gb`] (bytes to GB at 4 decimals) and [`line_amount`] (an amount at 8 decimals).
//! - BILL-3: lines sum exactly to their total, quantities exactly to the use. Always asserted.
//! - BILL-1: the same input gives the same lines in the same order, and the same bytes of JSON.
//! - BILL-2: what comes late is [`correct`]ed by signed lines; what was billed is never touched.
//!
//! The way of an hour: [`Prices`] says which [`Book`] holds for the account and the hour,
//! [`rate`] turns [`HourUsage`] into [`Line`]s from where the month stands ([`MonthUse`]),
//! [`Bill`] is what is stored and read back.
//!
//! Not here: resource packs, the ledger, statements. A book states the model of each item, and
//! `graduated` is the only one so far; other models get a module beside `tiers`.

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

mod bill;
mod book;
mod correct;
mod json;
mod line;
mod money;
mod month;
mod prices;
mod rate;
mod tiers;
mod usage;

pub use bill::{Bill, BillError, State};
pub use book::{Book, FreeTier, bundled};
pub use correct::{CorrectError, Corrected, KnownHour, billed_for, correct};
pub use json::JsonError;
pub use line::{Corrects, Item, Line, TierName};
pub use money::{Currency, Gb, Money, MoneyError, billed_gb, line_amount};
pub use month::{Month, Zone};
pub use prices::Prices;
pub use rate::{RateError, Rated, rate};
pub use tiers::{Part, Tier, Tiers};
pub use usage::{CallsKey, Direction, HourUsage, MonthUse, TrafficKey};
