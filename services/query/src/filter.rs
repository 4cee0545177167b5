//! The filter language of log search: what a person writes, as a tree, and as SQL.
//!
//! ```text
//! rsp_st >= 500 AND err_msg : "timeout" AND NOT ups_st = - AND req_t > 1.5 AND ip in 10.0.0.0/8
//! ```
//!
//! - Pure: text in, tree out, SQL with parameters out. No value of a person becomes part of the SQL.
//! - A field takes the operators and values of its kind ([`field`]); a wrong one is refused with the
//!   column at which it stands and what was expected there.
//! - What is empty (`-`) equals only empty. It is not greater, less, or holding anything; so `a != b`
//!   is always the same as `NOT a = b`, and of `X` and `NOT X` exactly one holds for each record.
//! - A tree that is shown ([`std::fmt::Display`]) and read again is the same tree.

mod field;
mod parse;
mod show;
mod sql;
mod value;

use ipnet::IpNet;
use record::Time;

pub(crate) use field::{Field, Kind};
pub use parse::FilterError;
pub(crate) use parse::parse;
pub(crate) use sql::compile;

/// Longest filter, bytes: written into an address with three characters for each byte it still
/// fits the head of a request.
pub(crate) const BYTES_MAX: usize = 2048;

/// Deepest nesting of parentheses and NOT: reading is recursive, and nobody reads more.
pub(crate) const DEPTH_MAX: usize = 16;

/// Most comparisons, each value of a list counted: each is computed for each record of the span.
pub(crate) const TERMS_MAX: usize = 100;

/// Which records are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All of these hold: at least two, joined by AND.
    All(Vec<Filter>),
    /// One of these holds: at least two, joined by OR.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A comparison.
    Term(Term),
}

/// One field compared with a value; with several only for [`Op::In`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) field: &'static Field,
    pub(crate) op: Op,
    pub(crate) values: Vec<Value>,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Unequal,
    Holds,
    AtLeast,
    AtMost,
    Greater,
    Less,
    In,
}

/// A value, read as its field demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// `-`
    Empty,
    /// A text, never empty.
    Text(String),
    /// In the unit of the column: milliseconds, microseconds, bytes, or a plain number.
    Number(u64),
    /// A point in time.
    Time(Time),
    /// Addresses with one beginning; a single one has its full length.
    Range(IpNet),
    /// A word of a closed list.
    Word(&'static str),
    /// `true` or `false`.
    Flag(bool),
}

/// A filter as it is shown again, whatever its spaces, units and needless parentheses were; for
/// tools and fuzzing.
///
/// # Errors
/// Where it can not be read, and what was expected there.
pub fn canonical_filter(text: &str) -> Result<String, FilterError> {
    parse(text).map(|filter| filter.to_string())
}

/// A filter as SQL and the names of its parameters in their order, for tools and fuzzing.
///
/// # Errors
/// Where it can not be read, and what was expected there.
pub fn filter_sql(text: &str) -> Result<(String, Vec<String>), FilterError> {
    let (sql, params) = compile(&parse(text)?);
    Ok((sql, params.into_iter().map(|(name, _)| name).collect()))
}

// === impl Filter ===

impl Filter {
    /// Whether any comparison is of such a field.
    pub(crate) fn names(&self, which: fn(&Field) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.names(which)),
            Self::Not(part) => part.names(which),
            Self::Term(term) => which(term.field),
        }
    }
}

// === impl Op ===

impl Op {
    /// As it is written. A longer one stands before the one it begins with.
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("!=", Self::Unequal),
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("=", Self::Equal),
        (":", Self::Holds),
        (">", Self::Greater),
        ("<", Self::Less),
        ("in", Self::In),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, op)| *op == self);
        found.map_or("", |(text, _)| text)
    }
}

#[cfg(test)]
mod tests;
