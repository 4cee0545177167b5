//! The JSON form, both ways: one object, keys as in [`Record`](crate::Record).
//!
//! - Written: fixed order of keys, empty values absent, so the same record gives the same
//!   bytes. Times are RFC 3339 with milliseconds in UTC, durations seconds with 3 decimals.
//! - Read: any order, unknown keys passed over, absent and `null` and `-` are the empty value.
//!   A key that stands twice, a word or a number out of its range is an error.

mod decode;
mod encode;
mod escape;
mod member;
mod value;

use crate::Part;

pub use decode::{DECODE_MAX, decode};
pub use encode::encode;
pub(crate) use escape::escaped_len;

/// Why bytes are no record. Its text becomes the dead letter's reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`DECODE_MAX`].
    #[error("record of {bytes} bytes is longer than {DECODE_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("byte {at} is not UTF-8")]
    NoText {
        /// The first byte that is wrong, from 0.
        at: usize,
    },
    /// Not one JSON object.
    #[error("not one JSON object: {text}")]
    Json {
        /// What was wrong, and where.
        text: String,
    },
    /// A key that must be there is absent or empty.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key stands twice, perhaps under its other name.
    #[error("`{key}` stands twice")]
    Twice {
        /// The key.
        key: &'static str,
    },
    /// A value of another kind, or out of its range.
    #[error("`{key}` is not {expected}")]
    Unexpected {
        /// The key.
        key: &'static str,
        /// What is accepted.
        expected: &'static str,
    },
    /// A text that is too long.
    #[error("`{key}` is longer than {max} bytes")]
    LongText {
        /// The key.
        key: &'static str,
        /// Its limit.
        max: usize,
    },
    /// `life` in a record that says nothing of its gateway's life.
    #[error("`life` stands in a record of part `{part}`")]
    StrayLife {
        /// The part.
        part: Part,
    },
}

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
