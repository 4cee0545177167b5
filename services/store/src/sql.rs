//! SQL text with its bound parameters and the bounds of its answer.
//!
//! Values never become part of the text: a query names `{name:Type}`, and the server puts the
//! parameter there after it has parsed the query.

use std::time::Duration;

use record::{Hour, Time};
use serde::{Serialize, Serializer};

/// One statement, its parameters and its bounds.
#[derive(Debug, Clone)]
pub struct Sql {
    pub(crate) text: String,
    pub(crate) params: Vec<(String, Param)>,
    pub(crate) limits: Limits,
}

/// The value of a parameter. Its ClickHouse type stands in the SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// A text; also for decimals, which the server parses.
    Text(String),
    /// A whole number from 0.
    Unsigned(u64),
    /// A whole number.
    Signed(i64),
    /// For `Array(String)`.
    Texts(Vec<String>),
    /// For `Array(UInt64)`.
    Numbers(Vec<u64>),
}

/// How large and how slow an answer may be. Beyond a bound the query fails; it is never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most rows of the answer.
    pub rows: u64,
    /// The most bytes of the answer as JSON.
    pub bytes: usize,
    /// The longest run time on the server. The client waits [`ANSWER_GRACE`] longer.
    pub time: Duration,
    /// Threads on the server; 0 leaves it to the server. 1 is quickest for a lookup by id: the
    /// work is less than the waking of a second thread.
    pub threads: u16,
}

/// How much longer than the query's own limit the client waits for an answer: the server checks
/// its clock between blocks. Without it a query that ends at the limit would look like a broken
/// connection.
pub(crate) const ANSWER_GRACE: Duration = Duration::from_secs(5);

// === impl Limits ===

impl Default for Limits {
    /// For queries about a page or a bill: 100,000 rows, 64 MiB, 30 s.
    fn default() -> Self {
        Self { rows: 100_000, bytes: 64 << 20, time: Duration::from_secs(30), threads: 0 }
    }
}

// === impl Sql ===

impl Sql {
    /// A statement without parameters, with the default [`Limits`]. No `FORMAT` clause.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), params: Vec::new(), limits: Limits::default() }
    }

    /// Gives the parameter that the text calls `{name:Type}`. Letters, digits and `_`.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Param>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Replaces the bounds of the answer.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The text, for messages and golden tests.
    pub fn text(&self) -> &str {
        &self.text
    }
}

// === impl Param ===

impl Serialize for Param {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Numbers(numbers) => numbers.serialize(serializer),
        }
    }
}

impl Param {
    /// As a parameter in a URL: the server reads a text as a field of a tab-separated line.
    /// `None` for arrays, whose elements would have to be quoted besides.
    pub(crate) fn escaped(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(escape(text)),
            Self::Unsigned(number) => Some(number.to_string()),
            Self::Signed(number) => Some(number.to_string()),
            Self::Texts(_) | Self::Numbers(_) => None,
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            c => out.push(c),
        }
    }
    out
}

/// For `DateTime('UTC')`. Parameters take no `Z`; that it is UTC stands in the type.
impl From<Hour> for Param {
    fn from(hour: Hour) -> Self {
        Self::Text(hour.to_string().trim_end_matches('Z').to_owned())
    }
}

/// For `DateTime64(3, 'UTC')`, likewise.
impl From<Time> for Param {
    fn from(time: Time) -> Self {
        Self::Text(time.to_string().trim_end_matches('Z').to_owned())
    }
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Param {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u32> for Param {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<u16> for Param {
    fn from(number: u16) -> Self {
        Self::Unsigned(number.into())
    }
}

impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self::Signed(number)
    }
}

impl From<Vec<String>> for Param {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<Vec<u64>> for Param {
    fn from(numbers: Vec<u64>) -> Self {
        Self::Numbers(numbers)
    }
}
