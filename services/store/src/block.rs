//! The bytes of one insert.
//!
//! One block becomes one part of its table, so it is stored as a whole or not at all: it has fewer
//! rows than [`ROWS_END`], all of one partition of the table.

use bytes::Bytes;

use crate::tables::Table;

/// An insert has fewer rows than this. The server cuts an insert at [`ROWS_SERVER`] rows, and each
/// cut is a part of its own: above it an insert could be stored in half.
pub(crate) const ROWS_END: u64 = 1_000_000;

/// `max_insert_block_size`, rows: ClickHouse's default, sent along with each insert so that no
/// profile makes it smaller.
pub(crate) const ROWS_SERVER: u64 = 1_048_449;

/// Encoded rows, kept as they are so that they can be sent again byte for byte.
#[derive(Debug, Clone)]
pub struct Block {
    pub(crate) table: &'static Table,
    pub(crate) format: Format,
    pub(crate) rows: u64,
    /// The body, in pieces; sent one after the other.
    pub(crate) pieces: Vec<Bytes>,
}

/// ClickHouse's name of the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Native,
    JsonEachRow,
}

impl Block {
    /// How many rows it holds; never 0.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Size on the wire, bytes.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// The table it is for.
    pub fn table(&self) -> &'static str {
        self.table.name
    }
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Native => "Native",
            Self::JsonEachRow => "JSONEachRow",
        }
    }
}
