//! The auditor: compares the client's ledger with the stored rows, no more and no less.
//!
//! What is expected of a row follows from what the client saw and from the configuration of
//! [`crate::world::World`], by rules that are written down here a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::ledger::{Entry, Ledger};
use crate::wait;
use crate::world::{ACCOUNT, HOST, OPERATOR, Running, STORE_MAX};

/// The columns that a client can know.
const ROWS_SQL: &str = "\
SELECT req_id, gateway, epoch, worker, seq, method, host, uri, query, account, api_id, rsp_st, \
       ups_st, req_len, rsp_len, billable, reason \
FROM records WHERE part = 'final'";

/// What an audit found beside the rows that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Rows of calls.
    pub rows: u64,
    /// Of these, the billable ones.
    pub billable: u64,
    /// Rows of answers that the client did not get whole.
    pub torn: u64,
    /// Whole answers without a row: only where a test expects them.
    pub unrecorded: u64,
    /// Numbers of streams that no row has: likewise.
    pub missing: u64,
}

/// Waits until everything that the gateway wrote up to now is stored: until each of its workers
/// has a heartbeat from after now, and none of its streams comes out of order.
///
/// # Panics
/// When it is not stored in time.
pub fn settle(running: &Running) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    let now = i64::try_from(now.as_millis()).expect("a time") + running.ahead_s * 1000;
    let sql = format!(
        "SELECT uniqExact(worker) FROM records WHERE part = 'heartbeat' \
         AND epoch = (SELECT max(epoch) FROM records WHERE gateway = 'gw-test') \
         AND gateway = 'gw-test' AND toUnixTimestamp64Milli(time) > {now}"
    );
    wait::until("heartbeats of all workers", STORE_MAX, || {
        let seen = running.try_sql(&sql).ok()?;
        (seen.trim() == running.workers.to_string()).then_some(())
    });
}

/// Settles, then compares: every whole answer has exactly one row with its fields, every other row
/// is that of a request whose answer was not whole, and every stream has all its numbers.
///
/// # Panics
/// When anything differs.
pub fn audit(ledger: &Ledger, running: &Running) -> Found {
    let found = audit_with_loss(ledger, running);
    assert_eq!(found.unrecorded, 0, "LOSS-1: whole answers without a record");
    assert_eq!(found.missing, 0, "PROOF-1: numbers that no row has");
    found
}

/// The same where records may be missing, as under `when_full: serve`.
///
/// # Panics
/// When anything else differs.
pub fn audit_with_loss(ledger: &Ledger, running: &Running) -> Found {
    assert!(!ledger.whole.is_empty(), "the client saw nothing");
    settle(running);
    let rows = running.rows(ROWS_SQL);
    let mut by_id: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut torn = BTreeSet::new();
    for row in &rows {
        let id = row["req_id"].as_str().expect("an id");
        assert!(by_id.insert(id, row).is_none(), "DUP-1: two rows with the id {id}");
        assert!(!ledger.refused.contains_key(id), "a refused request has a record: {row}");
        if !ledger.whole.contains_key(id) {
            let query = row["query"].as_str().expect("a query");
            assert!(ledger.torn.contains(query), "a row that nobody asked for: {row}");
            assert!(torn.insert(query), "DUP-1: two rows of one request: {row}");
        }
    }
    let mut unrecorded = 0;
    for (id, entry) in &ledger.whole {
        match by_id.get(id.as_str()) {
            Some(row) => check(entry, row),
            None => unrecorded += 1,
        }
    }
    let billable = rows.iter().filter(|row| row["billable"] == true).count();
    Found {
        rows: rows.len() as u64,
        billable: billable as u64,
        torn: torn.len() as u64,
        unrecorded,
        missing: missing(running),
    }
}

/// One row against what the client saw.
fn check(entry: &Entry, row: &Value) {
    let text = |key: &str, expect: &str| assert_eq!(row[key], expect, "{key}: {entry:?} {row}");
    let number = |key: &str, expect: u64| assert_eq!(row[key], expect, "{key}: {entry:?} {row}");
    text("method", &entry.method);
    text("host", &entry.host);
    text("uri", &entry.path);
    text("query", &entry.query);
    number("rsp_st", u64::from(entry.status));
    number("req_len", entry.req_len);
    number("rsp_len", entry.rsp_len);
    let status = entry.status.to_string();
    let (api, ups_st, reason) = match (entry.asked_backend(), entry.mocked()) {
        (true, _) if entry.status == 200 => ("api-all", status.as_str(), "ok"),
        (true, _) => ("api-all", status.as_str(), "backend_answered"),
        (false, true) => ("api-mock", "", "ok"),
        (false, false) => ("", "", "gateway_rejected"),
    };
    // A service is known by its host, whatever is wrong with the rest.
    let account = if entry.host == HOST { ACCOUNT } else { OPERATOR };
    text("account", account);
    text("api_id", api);
    text("ups_st", ups_st);
    text("reason", reason);
    assert_eq!(row["billable"], reason != "gateway_rejected", "RULE-1: {row}");
}

/// How many numbers the streams lack, from 0 to the last one stored; no number may stand twice.
fn missing(running: &Running) -> u64 {
    let streams = running.rows(
        "SELECT gateway, epoch, worker, count() AS rows, uniqExact(seq) AS numbers, \
                max(seq) + 1 AS expect \
         FROM records GROUP BY gateway, epoch, worker",
    );
    let number = |stream: &Value, key: &str| stream[key].as_u64().expect("a number");
    let mut missing = 0;
    for stream in &streams {
        let (rows, numbers) = (number(stream, "rows"), number(stream, "numbers"));
        assert_eq!(rows, numbers, "DUP-1: a number stands twice: {stream}");
        missing += number(stream, "expect") - numbers;
    }
    missing
}
