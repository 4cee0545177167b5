//! The fenced insert, and what may be concluded from its answer.
//!
//! The fence stands in the SQL: the rows pass only while the claim is the greatest. The server
//! reads the claims when the insert begins, so a later claimer also has to end what began before
//! ([`Store::claim`](crate::Store::claim) does).
//!
//! What an answer proves:
//! - Good, and as many rows written as were sent: stored.
//! - Good, and no row written: the fence held. (An insert is one block, so it is all or nothing.)
//! - An error that can only arise before the one block of the insert is handed to the table: see
//!   [`CERTAIN`]. Nothing is stored, and the same bytes get the same answer until a person changes
//!   something.
//! - Everything else proves nothing: no answer, half an answer, a time-out, a killed query, and
//!   also errors such as memory, disk or too many parts. Those can strike after the part was
//!   published (while the answer is made), and mostly pass; claiming anew and reading back is
//!   right for them in any case.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use crate::block::{Block, ROWS_SERVER};
use crate::claim::Claim;
use crate::endpoint::Store;
use crate::post::{Answer, post};

/// The longest wait for an insert. A full block takes about 2 s on two cores; an insert that waits
/// for a disk longer than this is not worth waiting for, its outcome is read back later.
const INSERT_TIME: Duration = Duration::from_secs(120);

/// Errors after which certainly nothing was written, by code and ClickHouse's name.
///
/// The first group is raised while the statement is parsed and analysed, before a row is read.
/// The second is raised while the rows are read: they are one block, and a block that can not be
/// read whole is not handed on.
pub(crate) const CERTAIN: [(u32, &str); 28] = [
    (10, "NOT_FOUND_COLUMN_IN_BLOCK"),
    (16, "NO_SUCH_COLUMN_IN_TABLE"),
    (20, "NUMBER_OF_COLUMNS_DOESNT_MATCH"),
    (42, "NUMBER_OF_ARGUMENTS_DOESNT_MATCH"),
    (43, "ILLEGAL_TYPE_OF_ARGUMENT"),
    (46, "UNKNOWN_FUNCTION"),
    (47, "UNKNOWN_IDENTIFIER"),
    (50, "UNKNOWN_TYPE"),
    (60, "UNKNOWN_TABLE"),
    (62, "SYNTAX_ERROR"),
    (73, "UNKNOWN_FORMAT"),
    (81, "UNKNOWN_DATABASE"),
    (115, "UNKNOWN_SETTING"),
    (164, "READONLY"),
    (192, "UNKNOWN_USER"),
    (497, "ACCESS_DENIED"),
    (516, "AUTHENTICATION_FAILED"),
    //
    (6, "CANNOT_PARSE_TEXT"),
    (26, "CANNOT_PARSE_QUOTED_STRING"),
    (27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED"),
    (32, "ATTEMPT_TO_READ_AFTER_EOF"),
    (33, "CANNOT_READ_ALL_DATA"),
    (38, "CANNOT_PARSE_DATE"),
    (41, "CANNOT_PARSE_DATETIME"),
    (53, "TYPE_MISMATCH"),
    (72, "CANNOT_PARSE_NUMBER"),
    (117, "INCORRECT_DATA"),
    (349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN"),
];

/// Why an insert is not known to be written.
#[derive(Debug, Error)]
pub enum InsertError {
    /// Nothing was written: somebody claimed above. The owner stops; it does not claim again.
    #[error("somebody claimed {source_name}/{part} above {counter}")]
    Fenced {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// Our counter.
        counter: u64,
    },
    /// It may or may not have been written: claim anew, read back, send what is missing.
    #[error("whether the insert into `{table}` was written is unknown: {reason}")]
    Unknown {
        /// The table.
        table: &'static str,
        /// What happened. For the log.
        reason: String,
    },
    /// Nothing was written, and the same bytes will not do better until somebody changes
    /// something: the tables, the rights of our user, this program.
    #[error("the store refused the insert into `{table}` (code {code}): {message}")]
    Refused {
        /// The table.
        table: &'static str,
        /// ClickHouse's error code.
        code: u32,
        /// ClickHouse's message. For the log.
        message: String,
    },
}

/// One insert as it is sent: the statement, its parameters, the rows.
pub(crate) struct Statement<'a> {
    pub(crate) sql: String,
    /// Escaped values ([`Param::escaped`](crate::Param)).
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) block: &'a Block,
    pub(crate) query_id: String,
}

/// `WHERE` condition that holds while the claim is the greatest. Of no claims at all the greatest
/// is `(0, 0)`, which is nobody's.
pub(crate) const FENCE: &str = "{counter:UInt64} > 0 \
     AND ({counter:UInt64}, {nonce:UInt64}) = (\
     SELECT max((counter, nonce)) FROM claims \
     WHERE source = {source:String} AND part = {part:UInt32})";

// === impl Store ===

impl Store {
    /// Writes the block on behalf of the claim's owner. `Ok`: all its rows are stored, once.
    ///
    /// Dropping the future leaves the outcome unknown.
    ///
    /// # Errors
    /// [`InsertError`]; see there what to do after each.
    pub async fn insert(&self, claim: &Claim, block: &Block) -> Result<(), InsertError> {
        let table = block.table();
        let written = self.send(self.statement(claim, block)).await?;
        match written {
            0 => Err(claim.fenced()),
            rows if rows == block.rows => Ok(()),
            rows => {
                let reason = format!("{rows} of {} rows are said to be written", block.rows);
                Err(InsertError::Unknown { table, reason })
            }
        }
    }

    pub(crate) fn statement<'a>(&self, claim: &Claim, block: &'a Block) -> Statement<'a> {
        let sql = format!(
            "INSERT INTO {name} ({names}) SELECT {names} FROM input('{structure}') \
             WHERE {FENCE} FORMAT {format}",
            name = block.table.name,
            names = block.table.names(),
            structure = block.table.structure(),
            format = block.format.as_str(),
        );
        Statement { sql, params: claim.params(), block, query_id: self.query_id(claim) }
    }

    /// Sends an insert; how many rows the server wrote.
    pub(crate) async fn send(&self, statement: Statement<'_>) -> Result<u64, InsertError> {
        let table = statement.block.table();
        let path = self.path(&statement);
        let answer = post(&self.inner, &path, statement.block.pieces.clone());
        match timeout(INSERT_TIME, answer).await {
            Ok(answer) => conclude(table, answer),
            Err(_elapsed) => {
                let reason = format!("no answer within {} s", INSERT_TIME.as_secs());
                Err(InsertError::Unknown { table, reason })
            }
        }
    }

    /// Names the insert so that the next owner finds it. Unique: the nonce is of this claim alone.
    pub(crate) fn query_id(&self, claim: &Claim) -> String {
        let number = self.inner.inserts.fetch_add(1, Ordering::Relaxed);
        format!("{}{number}", self.query_prefix(claim))
    }

    pub(crate) fn path(&self, statement: &Statement<'_>) -> String {
        let rows_server = ROWS_SERVER.to_string();
        let settings = [
            ("query", statement.sql.as_str()),
            ("query_id", &statement.query_id),
            ("database", self.database()),
            // The answer comes when all is done, and its head then has the final summary.
            ("wait_end_of_query", "1"),
            // On by default; it would mix rows of several inserts and answer before they stand.
            ("async_insert", "0"),
            // With a token or a hash of the block the server may drop an insert as a repetition.
            ("insert_deduplicate", "0"),
            ("deduplicate_insert", "disable"),
            ("deduplicate_insert_select", "disable"),
            // One block, one part.
            ("max_insert_block_size", &rows_server),
            ("max_insert_threads", "1"),
            ("input_format_parallel_parsing", "0"),
            ("date_time_input_format", "best_effort"),
        ];
        let mut path = String::from("/?");
        for (name, value) in settings {
            push_pair(&mut path, "", name, value);
        }
        for (name, value) in &statement.params {
            push_pair(&mut path, "param_", name, value);
        }
        path.pop();
        path
    }
}

/// What an answer proves; see the module's text.
fn conclude(table: &'static str, answer: Result<Answer, String>) -> Result<u64, InsertError> {
    let answer = answer.map_err(|reason| InsertError::Unknown { table, reason })?;
    let Answer { good, code, written, message } = answer;
    if good {
        let reason = "the answer has no summary".to_owned();
        return written.ok_or(InsertError::Unknown { table, reason });
    }
    if CERTAIN.iter().any(|(certain, _)| *certain == code) {
        return Err(InsertError::Refused { table, code, message });
    }
    Err(InsertError::Unknown { table, reason: message })
}

/// Appends `{prefix}{name}={value}&`, percent-encoded.
fn push_pair(path: &mut String, prefix: &str, name: &str, value: &str) {
    path.push_str(prefix);
    path.push_str(name);
    path.push('=');
    push_encoded(path, value);
    path.push('&');
}

/// Percent-encodes all but letters, digits, `-`, `.`, `_`.
pub(crate) fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => out.push(byte.into()),
            _ => write!(out, "%{byte:02X}").expect("a String takes all that is written"),
        }
    }
}
