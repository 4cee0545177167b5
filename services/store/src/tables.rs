//! The tables that are written row by row: names, columns and keys as they stand in
//! `schemas/clickhouse`. `records` has a module of its own ([`crate::records`]).

/// One table, as far as writing to it needs to know it.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that are written, with their types; the others have defaults (`stored_at`).
    pub columns: &'static [(&'static str, &'static str)],
    /// The columns that tell its rows apart: [`insert_absent`](crate::Store::insert_absent) writes
    /// a row only when no row has the same ones.
    pub key: &'static [&'static str],
}

// === impl Table ===

impl Table {
    /// `a, b, c`
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// What stands behind `INSERT INTO t (…) SELECT`: each column as it is taken from the input.
    pub(crate) fn taken(&self) -> String {
        let taken = self.columns.iter().map(|(name, stored)| match *stored {
            BYTES => format!("unhex({name}) AS {name}"),
            _ => (*name).to_owned(),
        });
        taken.collect::<Vec<_>>().join(", ")
    }

    /// `a UInt64, b String`, for `input('…')`; quotes inside are doubled.
    pub(crate) fn structure(&self) -> String {
        let columns = self.columns.iter().map(|(name, stored)| match *stored {
            BYTES => format!("{name} String"),
            stored => format!("{name} {}", stored.replace('\'', "''")),
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The type of a column.
    pub(crate) fn stored(&self, column: &str) -> Option<&'static str> {
        self.columns.iter().find(|(name, _)| *name == column).map(|(_, stored)| *stored)
    }
}

/// A `String` that holds any bytes. JSON can not carry them, so they travel as hex digits: write
/// them as [`Hex`](crate::Hex), read them as `hex(column)`.
pub(crate) const BYTES: &str = "bytes";

/// Messages that could not be decoded or stored, with their place.
pub const DEAD_LETTERS: Table = Table {
    name: "dead_letters",
    columns: &[
        ("source", "String"),
        ("part", "UInt32"),
        ("position", "String"),
        ("gateway", "String"),
        ("epoch", "UInt64"),
        ("worker", "UInt16"),
        ("seq", "Nullable(UInt64)"),
        ("reason", "String"),
        ("bytes", BYTES),
        ("hash", "UInt64"),
    ],
    key: &["source", "part", "position"],
};

/// Jumps in the `seq` of a stream, as they were seen.
pub const GAPS: Table = Table {
    name: "gaps",
    columns: &[
        ("source", "String"),
        ("part", "UInt32"),
        ("gateway", "String"),
        ("epoch", "UInt64"),
        ("worker", "UInt16"),
        ("first", "UInt64"),
        ("last", "UInt64"),
        ("seen_at", "DateTime64(3, 'UTC')"),
    ],
    key: &["gateway", "epoch", "worker", "first", "last"],
};

/// What belongs to an hour, frozen. One row per hour.
pub const CUTS: Table = Table {
    name: "cuts",
    columns: &[("hour", "DateTime('UTC')"), ("cut", "String"), ("hash", "String")],
    key: &["hour"],
};

/// One bill per hour and account.
pub const BILLS: Table = Table {
    name: "bills",
    columns: &[
        ("hour", "DateTime('UTC')"),
        ("account", "String"),
        ("bill", "String"),
        ("use_after", "String"),
        ("total", "Decimal(38, 8)"),
        ("currency", "String"),
    ],
    key: &["hour", "account"],
};

/// Use that could not be rated. `hour` is the hour of the use, `cut` the one whose cut froze it, `at`
/// the one whose closing held it back.
pub const HELD: Table = Table {
    name: "held",
    columns: &[
        ("at", "DateTime('UTC')"),
        ("cut", "DateTime('UTC')"),
        ("hour", "DateTime('UTC')"),
        ("account", "String"),
        ("reason", "String"),
    ],
    key: &["at", "cut", "hour", "account"],
};

/// The closing row of an hour: it comes last, and makes the hour closed.
pub const CLOSINGS: Table = Table {
    name: "closings",
    columns: &[("hour", "DateTime('UTC')"), ("proof", "String")],
    key: &["hour"],
};

/// The price books that bills were made with, whole.
pub const PRICE_BOOKS: Table = Table {
    name: "price_books",
    columns: &[("sha256", "String"), ("id", "String"), ("text", "String")],
    key: &["sha256"],
};

/// Bearer tokens, by the hash of their text.
pub const TOKENS: Table = Table {
    name: "tokens",
    columns: &[
        ("hash", "String"),
        ("name", "String"),
        ("role", "String"),
        ("account", "String"),
        ("created_at", "DateTime64(3, 'UTC')"),
        ("expires_at", "Nullable(DateTime64(3, 'UTC'))"),
    ],
    key: &["hash"],
};

/// Reads that were made with tokens for all accounts.
pub const ACCESS_LOG: Table = Table {
    name: "access_log",
    columns: &[
        ("at", "DateTime64(3, 'UTC')"),
        ("token_name", "String"),
        ("role", "String"),
        ("account", "String"),
        ("what", "String"),
    ],
    key: &[],
};
