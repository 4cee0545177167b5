//! Use that is held back, and what a person decides about it.
//!
//! - What can not be rated (a region or an hour without a price) is frozen in a cut like all use,
//!   and stands in `held` until it is released: so it is never lost, and never billed by guess.
//! - A release is taken up by the next cut, which names it: so it takes effect once, and bills are
//!   still computed from cuts alone. Held again, the use waits for another release.
//! - One release of an hour and account at a time: what is billed is not outstanding any more, and
//!   further releases of it are left alone.

use record::Hour;
use serde::{Deserialize, Serialize};
use store::tables::HELD;
use store::{Claim, Limits, QueryError, Sql, Store};
use thiserror::Error;
use uuid::Uuid;

use super::cut::{Release, Released};
use super::error::CloseError;
use super::look::hour_of;
use super::proof::Held;
use super::stored;
use crate::owner::Trouble;

/// Accounts × hours that wait for a person.
const LIMITS: Limits =
    Limits { rows: 100_000, bytes: 64 << 20, time: std::time::Duration::from_secs(60), threads: 0 };

/// What was held and not released since. A release that was in vain is held at its own hour.
const OUTSTANDING: &str = "\
    outstanding AS
    (
        SELECT
            h.cut AS cut,
            h.hour AS hour,
            h.account AS account,
            h.at AS at,
            h.reason AS reason
        FROM
        (
            SELECT cut, hour, account, max(held.at) AS at, argMax(reason, held.at) AS reason
            FROM held
            GROUP BY cut, hour, account
        ) AS h
        LEFT JOIN
        (
            SELECT
                parseDateTimeBestEffort(JSONExtractString(entry, 'cut'), 'UTC') AS cut,
                parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC') AS hour,
                JSONExtractString(entry, 'account') AS account,
                max(by) AS at
            FROM taken
            GROUP BY cut, hour, account
        ) AS t
            ON h.cut = t.cut AND h.hour = t.hour AND h.account = t.account
        WHERE t.at <= h.at
    )";

/// The releases that cuts have taken up.
const TAKEN: &str = "\
    taken AS
    (
        SELECT
            hour AS by,
            arrayJoin(JSONExtractArrayRaw(cut, 'released')) AS entry
        FROM cuts
        WHERE hour > (SELECT min(at) FROM held)
          AND (SELECT count() FROM held) > 0
          AND position(cut, '\"released\":[{') > 0
    )";

/// One hour's use of one account that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldUse {
    /// The hour whose cut froze it.
    pub cut: Hour,
    /// The hour of the use.
    pub hour: Hour,
    /// The account.
    pub account: String,
    /// The hour whose closing held it back the last time.
    pub at: Hour,
    /// Why, for a person.
    pub reason: String,
}

/// Why use is not released.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// Nothing of the account is held in that hour.
    #[error("no use of account `{account}` in {hour} is held back")]
    NotHeld {
        /// The account.
        account: String,
        /// The hour.
        hour: Hour,
    },
    /// No such price book is stored.
    #[error("price book `{book}` is not among those that were ever in use here")]
    NoBook {
        /// Its id or SHA-256, as it was asked for.
        book: String,
    },
    /// The store does not answer.
    #[error("failed to ask the store about held use")]
    Query(#[from] QueryError),
    /// What stands can not be read.
    #[error(transparent)]
    Close(#[from] CloseError),
}

#[derive(Deserialize)]
struct Row {
    cut_s: i64,
    hour_s: i64,
    account: String,
    at_s: i64,
    reason: String,
}

#[derive(Deserialize)]
struct ReleaseRow {
    id: String,
    cut_s: i64,
    hour_s: i64,
    account: String,
    how: String,
}

/// All use that waits for a decision, by hour and account.
///
/// # Errors
/// [`QueryError`]
pub async fn held(store: &Store) -> Result<Vec<HeldUse>, QueryError> {
    let text = format!(
        "WITH\n{TAKEN},\n{OUTSTANDING}\n\
         SELECT toUnixTimestamp(cut) AS cut_s, toUnixTimestamp(hour) AS hour_s, account, \
         toUnixTimestamp(at) AS at_s, reason\n\
         FROM outstanding\n\
         ORDER BY hour, account, cut"
    );
    let rows: Vec<Row> = store.query(&Sql::new(text).limits(LIMITS)).await?;
    let read = |Row { cut_s, hour_s, account, at_s, reason }| HeldUse {
        cut: hour_of(cut_s),
        hour: hour_of(hour_s),
        account,
        at: hour_of(at_s),
        reason,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Releases what is held of an account's use in an hour. The next hour that closes bills it, as
/// what comes late, or leaves it be. How many pieces that are: late use of one hour may be frozen in
/// several cuts.
///
/// A price book is named by id or SHA-256. `decided_by` says who it was.
///
/// # Errors
/// [`ReleaseError`]
pub async fn release(
    store: &Store,
    hour: Hour,
    account: &str,
    how: Release,
    decided_by: &str,
) -> Result<usize, ReleaseError> {
    let how = with_sha256(store, how).await?;
    let mut pieces = held(store).await?;
    pieces.retain(|held| held.hour == hour && held.account == account);
    if pieces.is_empty() {
        return Err(ReleaseError::NotHeld { account: account.to_owned(), hour });
    }
    for piece in &pieces {
        let sql = Sql::new(
            "INSERT INTO releases (id, cut, hour, account, how, decided_by) \
             SELECT {id:String}, toDateTime({cut:Int64}, 'UTC'), toDateTime({hour:Int64}, 'UTC'), \
             {account:String}, {how:String}, {by:String}",
        );
        let sql = sql
            .param("id", Uuid::new_v4().simple().to_string())
            .param("cut", piece.cut.start().0 / 1000)
            .param("hour", hour.start().0 / 1000)
            .param("account", account)
            .param("how", serde_json::to_string(&how).expect("texts become JSON"))
            .param("by", decided_by);
        store.execute(&sql).await?;
    }
    Ok(pieces.len())
}

async fn with_sha256(store: &Store, how: Release) -> Result<Release, ReleaseError> {
    let Release::Rate { book: Some(name), regions } = how else { return Ok(how) };
    let books = stored::books(store).await?;
    let mut named = books.values().filter(|book| book.sha256 == name || book.id == name);
    match named.next_back() {
        Some(book) => Ok(Release::Rate { book: Some(book.sha256.clone()), regions }),
        None => Err(ReleaseError::NoBook { book: name }),
    }
}

/// The releases that the next cut takes up: the latest one of each piece.
pub(super) async fn released(store: &Store) -> Result<Vec<Released>, CloseError> {
    let text = format!(
        "WITH\n{TAKEN},\n{OUTSTANDING}\n\
         SELECT argMax(r.id, r.stored_at) AS id, toUnixTimestamp(r.cut) AS cut_s, \
         toUnixTimestamp(r.hour) AS hour_s, r.account AS account, \
         argMax(r.how, r.stored_at) AS how\n\
         FROM releases AS r\n\
         INNER JOIN outstanding AS o\n    \
         ON r.cut = o.cut AND r.hour = o.hour AND r.account = o.account\n\
         WHERE r.id NOT IN (SELECT JSONExtractString(entry, 'id') FROM taken)\n\
         GROUP BY r.cut, r.hour, r.account\n\
         ORDER BY r.hour, r.account, r.cut"
    );
    let rows: Vec<ReleaseRow> = store.query(&Sql::new(text).limits(LIMITS)).await?;
    let mut found = Vec::new();
    for ReleaseRow { id, cut_s, hour_s, account, how } in rows {
        match serde_json::from_str(&how) {
            Ok(how) => {
                let (cut, of) = (hour_of(cut_s), hour_of(hour_s));
                found.push(Released { id, cut, of, account, how });
            }
            // Nothing is billed by it; what it speaks of stays held.
            Err(error) => tracing::error!(id, %error, "a release can not be read"),
        }
    }
    Ok(found)
}

/// Writes down what a closing held back.
pub(super) async fn put(
    store: &Store,
    claim: &Claim,
    at: Hour,
    held: &[Held],
) -> Result<(), Trouble> {
    #[derive(Serialize)]
    struct Row<'h> {
        at: String,
        cut: &'h str,
        hour: &'h str,
        account: &'h str,
        reason: &'h str,
    }
    let rows = held.iter().map(|Held { account, cut, hour, reason }| Row {
        at: at.to_string(),
        cut,
        hour,
        account,
        reason,
    });
    stored::put(store, claim, &HELD, None, rows.collect::<Vec<_>>()).await
}
