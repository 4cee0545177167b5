//! Dead letters: to look at, and to try again.
//!
//! A retry takes the letter's bytes through a pipeline of its own, whose source is [`SOURCE`]. It may
//! store what the owner of the partition may not: a number that stands in a letter. The owner never
//! stores such a number, and retries are fenced against each other; so nothing is stored twice. The
//! letter stays, as what it was; what is stored now, is stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bus::{Bounds, Memory, Place};
use record::Stream;
use serde::Deserialize;
use store::{Limits, QueryError, Sql, Store};
use thiserror::Error;

use crate::config::Config;
use crate::counters::Counters;
use crate::intake::{IntakeError, Pipeline};

/// The source of retries, in claims.
const SOURCE: &str = "deadletters";

/// The most letters of one list, and of one retry.
pub const LETTERS_MAX: u64 = 1_000;

/// The bytes of the letters of one retry. They are held in memory.
const BYTES_MAX: u64 = 256 << 20;

/// They travel as hex digits.
const BODIES_MAX: usize = 768 << 20;

const COLUMNS: &str = "\
    lower(hex(sipHash64(source, part, position))) AS id,
    source,
    part,
    position,
    gateway,
    epoch,
    worker,
    seq,
    reason,
    length(bytes) AS size,
    formatDateTimeInJodaSyntax(stored_at, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC') AS at";

/// A message that could not become a row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadLetter {
    /// Names it: 16 hex digits.
    pub id: String,
    /// Where it came from.
    pub source: String,
    /// The partition.
    pub part: u32,
    /// Its position there, with a hash of its bytes.
    pub position: String,
    /// Its stream; empty when not even that is known.
    pub gateway: String,
    /// See `gateway`.
    pub epoch: u64,
    /// See `gateway`.
    pub worker: u16,
    /// The number that is dead with it.
    pub seq: Option<u64>,
    /// Why, for a person.
    pub reason: String,
    /// Its bytes.
    pub size: u64,
    /// When it was put down, RFC 3339.
    pub at: String,
}

/// What became of a retry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// Letters that were tried.
    pub tried: u64,
    /// Stored now.
    pub stored: u64,
    /// Stored already, earlier.
    pub stood: u64,
    /// As dead as before.
    pub dead: u64,
}

/// Why letters were not tried.
#[derive(Debug, Error)]
pub enum RetryError {
    /// No such letter.
    #[error("there is no dead letter `{0}`")]
    Unknown(String),
    /// Too much at once.
    #[error("these letters hold {bytes} bytes, more than {BYTES_MAX}: try fewer at once")]
    TooMuch {
        /// What they hold.
        bytes: u64,
    },
    /// The store does not answer.
    #[error("failed to read dead letters")]
    Query(#[from] QueryError),
    /// Somebody else retries at this moment.
    #[error("another retry is at work")]
    Intake(#[from] IntakeError),
}

#[derive(Deserialize)]
struct Body {
    id: String,
    gateway: String,
    epoch: u64,
    worker: u16,
    seq: Option<u64>,
    hex: String,
}

/// The newest letters first, `limit` of them at most ([`LETTERS_MAX`]).
///
/// # Errors
/// [`QueryError`]
pub async fn dead_letters(store: &Store, limit: u64) -> Result<Vec<DeadLetter>, QueryError> {
    let limit = limit.min(LETTERS_MAX);
    let text = format!(
        "SELECT\n{COLUMNS}\nFROM dead_letters\nORDER BY stored_at DESC, id\nLIMIT {{limit:UInt64}}"
    );
    store.query(&Sql::new(text).param("limit", limit)).await
}

/// One letter, with its bytes.
///
/// # Errors
/// [`RetryError::Unknown`], or the store does not answer.
pub async fn dead_letter(store: &Store, id: &str) -> Result<(DeadLetter, Vec<u8>), RetryError> {
    let text = format!("SELECT\n{COLUMNS}\nFROM dead_letters\nWHERE id = {{id:String}}\nLIMIT 1");
    let rows: Vec<DeadLetter> = store.query(&Sql::new(text).param("id", id)).await?;
    let letter = rows.into_iter().next().ok_or_else(|| RetryError::Unknown(id.to_owned()))?;
    let body = bodies(store, &[id.to_owned()]).await?.pop();
    Ok((letter, body.map(|body| unhex(&body.hex)).unwrap_or_default()))
}

/// Tries letters again, by their ids.
///
/// # Errors
/// [`RetryError`]
pub async fn retry(store: &Store, ids: &[String], owner: &str) -> Result<Retried, RetryError> {
    #[derive(Deserialize)]
    struct Sum {
        bytes: u64,
    }
    let text = "SELECT sum(length(bytes)) AS bytes FROM dead_letters \
                WHERE lower(hex(sipHash64(source, part, position))) IN {ids:Array(String)}";
    let sums: Vec<Sum> = store.query(&Sql::new(text).param("ids", ids.to_vec())).await?;
    let bytes = sums.first().map_or(0, |sum| sum.bytes);
    if bytes > BYTES_MAX {
        return Err(RetryError::TooMuch { bytes });
    }
    let bodies = bodies(store, ids).await?;
    if let Some(id) = ids.iter().find(|id| !bodies.iter().any(|body| body.id == **id)) {
        return Err(RetryError::Unknown(id.clone()));
    }
    let tried = bodies.len() as u64;
    let messages: Vec<(Option<Place>, Vec<u8>)> = bodies.iter().map(message).collect();
    let counters = Arc::new(Counters::default());
    let config = Config { revive: true, owner: owner.to_owned(), ..Config::default() };
    let source = Memory::new(SOURCE, messages, Bounds::default());
    let (pipeline, handle) = Pipeline::new(source, store.clone(), config, Arc::clone(&counters));
    pipeline.run(async move { handle.catch_up().await.unwrap_or(()) }).await?;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Retried {
        tried,
        stored: count(&counters.stored),
        stood: count(&counters.duplicates),
        dead: count(&counters.dead) + count(&counters.collisions),
    })
}

async fn bodies(store: &Store, ids: &[String]) -> Result<Vec<Body>, QueryError> {
    let text = "\
SELECT
    lower(hex(sipHash64(source, part, position))) AS id,
    gateway,
    epoch,
    worker,
    seq,
    hex(bytes) AS hex
FROM dead_letters
WHERE id IN {ids:Array(String)}
ORDER BY gateway, epoch, worker, seq
LIMIT 1 BY id";
    let limits = Limits { bytes: BODIES_MAX, ..Limits::default() };
    store.query(&Sql::new(text).limits(limits).param("ids", ids.to_vec())).await
}

fn message(body: &Body) -> (Option<Place>, Vec<u8>) {
    let Body { gateway, epoch, worker, .. } = body;
    let stream = || Stream { gateway: gateway.clone(), epoch: *epoch, worker: *worker };
    let place = body.seq.map(|seq| Place { stream: Arc::new(stream()), seq });
    (place, unhex(&body.hex))
}

/// Hex digits as the database writes them.
fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default();
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap_or_default();
    hex.as_bytes().chunks_exact(2).map(byte).collect()
}
