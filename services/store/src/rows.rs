//! Few rows at a time, as JSON: dead letters, gaps, cuts, bills, closings.
//!
//! One call is one insert and one part: all its rows are written, or none.

use bytes::Bytes;
use serde::{Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

use crate::block::{Block, Format};
use crate::claim::Claim;
use crate::endpoint::Store;
use crate::insert::{FENCE, InsertError, Statement};
use crate::sql::Param;
use crate::tables::Table;

/// The most rows of one call. They travel as JSON, and are compared with what stands.
pub const ROWS_MAX: u64 = 10_000;

/// The most bytes of one call: a proof or a price book is some hundred kilobytes.
pub const BYTES_MAX: usize = 32 << 20;

/// Rows for one table; each is a JSON object whose keys are the table's columns.
#[derive(Debug, Clone)]
pub struct Rows {
    table: &'static Table,
    /// Column and escaped value.
    within: Option<(&'static str, String)>,
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
    /// Its keys are not the table's columns.
    #[error("a row of `{table}` has the columns {found}, not {expected}")]
    Columns {
        /// The table.
        table: &'static str,
        /// The row's keys, sorted.
        found: String,
        /// The table's columns, sorted.
        expected: String,
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

/// Any bytes as the value of a `bytes` column: hex digits on the way.
#[derive(Debug, Clone, Copy)]
pub struct Hex<'a>(pub &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        let hex: String =
            self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&hex)
    }
}

// === impl Rows ===

impl Rows {
    /// No rows yet.
    pub fn new(table: &'static Table) -> Self {
        Self { table, within: None, body: Vec::new(), rows: 0 }
    }

    /// Says that all rows have this value in this column, so that only such rows of the table are
    /// searched for those that stand already. For tables that grow for ever: `hour` of a bill.
    ///
    /// # Panics
    /// When the table has no such column, or the value is an array.
    #[must_use]
    pub fn within(mut self, column: &'static str, value: impl Into<Param>) -> Self {
        assert!(self.table.stored(column).is_some(), "`{}` has no `{column}`", self.table.name);
        self.within = Some((column, value.into().escaped().expect("not an array")));
        self
    }

    /// Adds a row: something that becomes a JSON object with exactly the table's columns. Times
    /// are RFC 3339, decimals are texts, [`Hex`] for bytes.
    ///
    /// # Errors
    /// [`RowsError`]; the rows before it are kept.
    pub fn push(&mut self, row: &impl Serialize) -> Result<(), RowsError> {
        let table = self.table.name;
        let encode = |source| RowsError::Encode { table, source };
        let value = serde_json::to_value(row).map_err(encode)?;
        self.check_columns(&value)?;
        let mut line = serde_json::to_vec(&value).map_err(encode)?;
        line.push(b'\n');
        if self.rows == ROWS_MAX || self.body.len() + line.len() > BYTES_MAX {
            return Err(RowsError::Full { table, rows: ROWS_MAX, bytes: BYTES_MAX });
        }
        self.body.append(&mut line);
        self.rows += 1;
        Ok(())
    }

    /// A column that is left out would silently get an empty value.
    fn check_columns(&self, row: &serde_json::Value) -> Result<(), RowsError> {
        let mut found: Vec<&str> =
            row.as_object().map(|row| row.keys().map(String::as_str).collect()).unwrap_or_default();
        let mut expected: Vec<&str> = self.table.columns.iter().map(|(name, _)| *name).collect();
        found.sort_unstable();
        expected.sort_unstable();
        if found == expected {
            return Ok(());
        }
        let table = self.table.name;
        Err(RowsError::Columns { table, found: found.join(", "), expected: expected.join(", ") })
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    fn block(&self) -> Block {
        let pieces = vec![Bytes::copy_from_slice(&self.body)];
        Block { table: self.table, format: Format::JsonEachRow, rows: self.rows, pieces }
    }

    /// `INSERT … SELECT … FROM input(…) WHERE {conditions} {tail} FORMAT JSONEachRow`
    fn insert_sql(&self, conditions: &[String], tail: &str) -> String {
        let table = self.table;
        let conditions = match conditions {
            [] => String::new(),
            some => format!(" WHERE {}", some.join(" AND ")),
        };
        format!(
            "INSERT INTO {name} ({names}) SELECT {taken} FROM input('{structure}')\
             {conditions}{tail} FORMAT JSONEachRow",
            name = table.name,
            names = table.names(),
            taken = table.taken(),
            structure = table.structure(),
        )
    }

    /// Holds for a row whose key does not stand yet.
    fn absent(&self) -> String {
        let key = self.table.key.join(", ");
        let name = self.table.name;
        let within = match &self.within {
            Some((column, _)) => {
                let stored = self.table.stored(column).unwrap_or("String");
                format!(" WHERE {column} = {{within:{stored}}}")
            }
            None => String::new(),
        };
        format!("({key}) NOT IN (SELECT {key} FROM {name}{within})")
    }
}

// === impl Store ===

impl Store {
    /// Writes, fenced by the claim, those rows whose key does not stand yet: all of them or none.
    /// Of rows with the same key in one call, one is written.
    ///
    /// There is no lock but the claim: two owners can not both write, since the older one is
    /// fenced. `Ok`: every key stands now.
    ///
    /// # Errors
    /// [`InsertError`]
    ///
    /// # Panics
    /// When the table has no key.
    pub async fn insert_absent(&self, claim: &Claim, rows: &Rows) -> Result<Placed, InsertError> {
        let table = rows.table;
        assert!(!table.key.is_empty(), "rows of `{}` can not be told apart", table.name);
        if rows.is_empty() {
            return Ok(Placed { written: 0, stood: 0 });
        }
        let tail = format!(" LIMIT 1 BY {}", table.key.join(", "));
        let sql = rows.insert_sql(&[FENCE.to_owned(), rows.absent()], &tail);
        let mut params = claim.params();
        if let Some((_, value)) = &rows.within {
            params.push(("within", value.clone()));
        }
        let (block, query_id) = (rows.block(), self.query_id(claim));
        let written = self.send(Statement { sql, params, block: &block, query_id }).await?;
        if written > rows.rows {
            let reason = format!("{written} of {} rows are said to be written", rows.rows);
            return Err(InsertError::Unknown { table: table.name, reason });
        }
        if written == 0 {
            self.still_holds(claim, table).await?;
        }
        Ok(Placed { written, stood: rows.rows - written })
    }

    /// No row written: because of the fence, or because all stood? Claims only rise, so a claim
    /// that is the greatest now was so when the insert began.
    async fn still_holds(&self, claim: &Claim, table: &'static Table) -> Result<(), InsertError> {
        match self.holds(claim).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(claim.fenced()),
            Err(error) => {
                let reason = format!("no row was written, and the claim can not be read: {error}");
                Err(InsertError::Unknown { table: table.name, reason })
            }
        }
    }

    /// Writes rows that belong to no partition: tokens, the access log.
    ///
    /// # Errors
    /// [`InsertError::Unknown`] and [`InsertError::Refused`]
    pub async fn append(&self, rows: &Rows) -> Result<(), InsertError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (sql, block) = (rows.insert_sql(&[], ""), rows.block());
        let query_id = format!("tollgate-append:{}", Uuid::new_v4().simple());
        let statement = Statement { sql, params: Vec::new(), block: &block, query_id };
        let written = self.send(statement).await?;
        if written == rows.rows {
            return Ok(());
        }
        let reason = format!("{written} of {} rows are said to be written", rows.rows);
        Err(InsertError::Unknown { table: rows.table.name, reason })
    }
}
