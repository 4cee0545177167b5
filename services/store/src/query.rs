//! Runs statements: rows in as `JSONEachRow`, every answer bounded.
//!
//! Forms of values in the JSON, chosen so that nothing loses a digit:
//! - 64-bit integers are bare numbers (`output_format_json_quote_64bit_integers = 0`): serde_json
//!   reads them into `u64` and `i64` exactly. A type that reads them as floats would not, and no
//!   type of ours does.
//! - Decimals are texts (`output_format_json_quote_decimals = 1`).
//! - Times are RFC 3339 in UTC: `DateTime` as `2026-11-20T13:00:00Z`, `DateTime64(3)` with three
//!   decimals. The same forms are taken in parameters and in rows that are inserted.

use clickhouse::Client;
use clickhouse::query::BytesCursor;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::time::timeout;

use crate::endpoint::Store;
use crate::sql::{ANSWER_GRACE, Sql};

/// Why a statement has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The server answered with an error.
    #[error("the store refused the query (code {code}): {message}")]
    Server {
        /// ClickHouse's error code; 0 when the answer named none.
        code: u32,
        /// ClickHouse's message. For the log, never for a client.
        message: String,
    },
    /// No connection, or it broke. A statement that writes may have been carried out.
    #[error("failed to reach the store at {authority}")]
    Unreachable {
        /// `host:port`
        authority: String,
        /// What broke.
        #[source]
        source: clickhouse::error::Error,
    },
    /// It ran longer than its limit.
    #[error("the query ran longer than {limit_ms} ms")]
    TooSlow {
        /// The limit, milliseconds.
        limit_ms: u128,
    },
    /// The answer has more rows or bytes than its limits allow.
    #[error("the answer is larger than {rows} rows or {bytes} bytes")]
    TooLarge {
        /// The limit of rows.
        rows: u64,
        /// The limit of bytes.
        bytes: usize,
    },
    /// A row is not of the asked type.
    #[error("failed to read row {row} of the answer")]
    Row {
        /// Counted from 0.
        row: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// `TIMEOUT_EXCEEDED`, `TOO_SLOW`
const CODES_SLOW: [u32; 2] = [159, 160];
/// `TOO_MANY_ROWS_OR_BYTES`
const CODES_LARGE: [u32; 1] = [396];

// === impl Store ===

impl Store {
    /// Runs a query and reads all its rows.
    ///
    /// # Errors
    /// [`QueryError`]; beyond a limit it fails, an answer is never cut.
    pub async fn query<T: DeserializeOwned>(&self, sql: &Sql) -> Result<Vec<T>, QueryError> {
        let bytes = self.run(&self.inner.client, sql).await?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = lines.enumerate().map(|(row, line)| {
            serde_json::from_slice(line).map_err(|source| QueryError::Row { row, source })
        });
        rows.collect()
    }

    /// Runs a statement whose answer has no rows.
    ///
    /// # Errors
    /// [`QueryError`]. After `Unreachable` and `TooSlow` it may have been carried out.
    pub async fn execute(&self, sql: &Sql) -> Result<(), QueryError> {
        self.run(&self.inner.client, sql).await.map(drop)
    }

    /// Like [`execute`](Self::execute), while our database may not be there yet.
    pub(crate) async fn execute_anywhere(&self, sql: &Sql) -> Result<(), QueryError> {
        let client = self.inner.client.clone().with_database("system");
        self.run(&client, sql).await.map(drop)
    }

    /// Whether the server answers and lets us in.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn ping(&self) -> Result<(), QueryError> {
        self.execute(&Sql::new("SELECT 1")).await
    }

    async fn run(&self, client: &Client, sql: &Sql) -> Result<Vec<u8>, QueryError> {
        let limit = sql.limits.time.saturating_add(ANSWER_GRACE);
        match timeout(limit, self.collect(client, sql)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(QueryError::TooSlow { limit_ms: sql.limits.time.as_millis() }),
        }
    }

    async fn collect(&self, client: &Client, sql: &Sql) -> Result<Vec<u8>, QueryError> {
        let mut cursor = start(client, sql).map_err(|error| self.error(sql, error))?;
        let mut answer = Vec::new();
        while let Some(chunk) = cursor.next().await.map_err(|error| self.error(sql, error))? {
            if answer.len() + chunk.len() > sql.limits.bytes {
                return Err(too_large(sql));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    fn error(&self, sql: &Sql, error: clickhouse::error::Error) -> QueryError {
        match error {
            clickhouse::error::Error::BadResponse(message) => {
                let code = code_of(&message);
                if CODES_SLOW.contains(&code) {
                    QueryError::TooSlow { limit_ms: sql.limits.time.as_millis() }
                } else if CODES_LARGE.contains(&code) {
                    too_large(sql)
                } else {
                    QueryError::Server { code, message }
                }
            }
            source => QueryError::Unreachable { authority: self.inner.authority.clone(), source },
        }
    }
}

fn start(client: &Client, sql: &Sql) -> Result<BytesCursor, clickhouse::error::Error> {
    let limits = sql.limits;
    let seconds = limits.time.as_secs().max(1).to_string();
    let mut query = client
        .query_raw(&sql.text)
        // On by default; an insert would be answered with others', not when it is done.
        .with_setting("async_insert", "0")
        .with_setting("output_format_json_quote_64bit_integers", "0")
        .with_setting("output_format_json_quote_decimals", "1")
        .with_setting("date_time_output_format", "iso")
        .with_setting("date_time_input_format", "best_effort")
        .with_setting("max_result_rows", limits.rows.to_string())
        .with_setting("result_overflow_mode", "throw")
        .with_setting("max_execution_time", seconds)
        .with_setting("timeout_overflow_mode", "throw");
    if limits.threads > 0 {
        query = query.with_setting("max_threads", limits.threads.to_string());
    }
    for (name, value) in &sql.params {
        query = query.param(name, value);
    }
    query.fetch_bytes("JSONEachRow")
}

fn too_large(sql: &Sql) -> QueryError {
    QueryError::TooLarge { rows: sql.limits.rows, bytes: sql.limits.bytes }
}

/// The code of `Code: 60. DB::Exception: …`; 0 without one.
pub(crate) fn code_of(message: &str) -> u32 {
    let digits = message.split_once("Code: ").map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|code| code.parse().ok()).unwrap_or(0)
}
