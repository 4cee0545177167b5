//! The log record: its types, its request id, its verdict, its forms.
//!
//! One record is made per request, by the gateway, and is what everything else counts.
//! This crate knows what a record is and how it is written; it does no IO and asks no clock.
//! - An empty text is the absent value; `-` in a form that is read means the same.
//! - Times are whole milliseconds, durations whole milliseconds, `tcp_rtt` whole
//!   microseconds. No float is ever made, not even while a number is being read.
//! - Bytes from outside end in a record or in an error that names the key; never in a panic.
//! - [`encode`] and [`decode`] are the one codec: what is in the spool, in Kafka and in the API.
//!
//! [`judge`] says whether a record is billed, [`bracket`] is the provider's published text
//! form, [`mask_query`] keeps secrets out, [`RequestIds`] makes the ids.

#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

pub mod bracket;
mod cap;
mod ids;
mod json;
mod key;
mod life;
mod mask;
mod names;
mod record;
#[cfg(test)]
mod samples;
mod stream;
mod time;
mod verdict;

pub use cap::CAP_MIN;
pub use ids::{ID_MAX, RequestId, RequestIds, arrival, normalize_id};
pub use json::{DECODE_MAX, DecodeError, decode, encode};
pub use key::keys;
pub use life::{Life, PreviousLife};
pub use mask::mask_query;
pub use names::{Fault, InstanceType, Net, Part};
pub use record::Record;
pub use stream::{EPOCH_END, GATEWAY_MAX, Stream};
pub use time::{Hour, Millis, Time};
pub use verdict::{RULE_VERSION, Reason, Verdict, judge};
