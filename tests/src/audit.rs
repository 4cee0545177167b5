//! The auditor: compares the client's ledger with the stored rows, no more and no less.
//!
//! What is expected of a row follows from what the client saw and from the configuration of
//! [`crate::world::World`], by rules that are written down here a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clickhouse::ClickHouse;
use crate::ledger::{Entry, Ledger};
use crate::wait;
use crate::world::{ACCOUNT, HOST, OPERATOR, Running, STORE_MAX};

/// The columns that a client can know.
const ROWS_SQL: &str = "\
SELECT req_id, gateway, epoch, worker, seq, method, host, uri, query, account, api_id, rsp_st, \
       ups_st, req_len, rsp_len, billable, reason \
FROM records WHERE part = 'final'";

/// What an audit found beside the rows that were asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    /// Rows that stand twice, or that nobody asked for.
    pub doubled: u64,
    /// Answers that came altered, and rows that are not those of their answers.
    pub different: u64,
}

/// One row of ClickHouse.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    req_id: String,
    gateway: String,
    epoch: u64,
    worker: u32,
    seq: u64,
    method: String,
    host: String,
    uri: String,
    query: String,
    account: String,
    api_id: String,
    rsp_st: u16,
    ups_st: String,
    req_len: u64,
    rsp_len: u64,
    billable: bool,
    reason: String,
}

/// Waits until everything that the gateway wrote up to now is stored: until each of its workers
/// has a heartbeat from after now, and none of its streams comes out of order.
///
/// # Panics
/// When it is not stored in time.
pub fn settle(running: &Running) {
    settled(running, "gw-test", running.workers, running.ahead_s);
}

/// The same of one gateway, whose clock is ahead.
///
/// # Panics
/// When it is not stored in time.
pub fn settled(store: &ClickHouse, gateway: &str, workers: u64, ahead_s: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    let now = i64::try_from(now.as_millis()).expect("a time") + ahead_s * 1000;
    let sql = format!(
        "SELECT uniqExact(worker) FROM records WHERE part = 'heartbeat' \
         AND epoch = (SELECT max(epoch) FROM records WHERE gateway = '{gateway}') \
         AND gateway = '{gateway}' AND toUnixTimestamp64Milli(time) > {now}"
    );
    wait::until("heartbeats of all workers", STORE_MAX, || {
        let seen = store.try_sql(&sql).ok()?;
        (seen.trim() == workers.to_string()).then_some(())
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
    let (found, faults) = compare(ledger, running);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    found
}

/// Compares a ledger with what is stored now: the counts, and a sentence for each difference but
/// those of `unrecorded` and `missing`.
///
/// # Panics
/// When ClickHouse does not answer.
pub fn compare(ledger: &Ledger, store: &ClickHouse) -> (Found, Vec<String>) {
    let rows: Vec<Row> = store.typed(ROWS_SQL);
    let mut faults: Vec<String> =
        ledger.altered.iter().map(|what| format!("FAULT-1: {what}")).collect();
    let (rows_found, different) = (rows.len() as u64, ledger.altered.len() as u64);
    let mut found = Found { rows: rows_found, different, ..Found::default() };
    let mut by_id: BTreeMap<&str, &Row> = BTreeMap::new();
    let mut torn = BTreeSet::new();
    for row in &rows {
        let (id, query) = (row.req_id.as_str(), row.query.as_str());
        let fault = if by_id.insert(id, row).is_some() {
            format!("DUP-1: two rows with the id {id}")
        } else if ledger.whole.contains_key(id) {
            continue;
        } else if ledger.refused.contains_key(id) {
            format!("a refused request has a record: {}", row.json())
        } else if !ledger.torn.contains(query) {
            format!("a row that nobody asked for: {}", row.json())
        } else if !torn.insert(query) {
            format!("DUP-1: two rows of one request: {}", row.json())
        } else {
            continue;
        };
        found.doubled += 1;
        faults.push(fault);
    }
    for (id, entry) in &ledger.whole {
        match by_id.get(id.as_str()) {
            Some(row) => {
                let fault = differs(entry, row);
                found.different += u64::from(fault.is_some());
                faults.extend(fault);
            }
            None => found.unrecorded += 1,
        }
    }
    found.billable = rows.iter().filter(|row| row.billable).count() as u64;
    found.torn = torn.len() as u64;
    found.missing = missing(store, &mut found.doubled, &mut faults);
    (found, faults)
}

/// One row against what the client saw.
fn differs(entry: &Entry, row: &Row) -> Option<String> {
    let status = entry.status.to_string();
    let (api, ups_st, reason) = match (entry.asked_backend(), entry.mocked()) {
        (true, _) if entry.status == 200 => ("api-all", status.as_str(), "ok"),
        (true, _) => ("api-all", status.as_str(), "backend_answered"),
        (false, true) => ("api-mock", "", "ok"),
        (false, false) => ("", "", "gateway_rejected"),
    };
    // A service is known by its host, whatever is wrong with the rest.
    let account = if entry.host == HOST { ACCOUNT } else { OPERATOR };
    let same = [
        ("method", row.method == entry.method),
        ("host", row.host == entry.host),
        ("uri", row.uri == entry.path),
        ("query", row.query == entry.query),
        ("rsp_st", row.rsp_st == entry.status),
        ("req_len", row.req_len == entry.req_len),
        ("rsp_len", row.rsp_len == entry.rsp_len),
        ("account", row.account == account),
        ("api_id", row.api_id == api),
        ("ups_st", row.ups_st == ups_st),
        ("reason", row.reason == reason),
    ];
    if row.billable != (reason != "gateway_rejected") {
        return Some(format!("RULE-1: {}", row.json()));
    }
    let (name, _) = same.into_iter().find(|(_, same)| !same)?;
    Some(format!("{name}: {entry:?} {}", row.json()))
}

/// How many numbers the streams lack, from 0 to the last one stored; no number may stand twice.
fn missing(store: &ClickHouse, doubled: &mut u64, faults: &mut Vec<String>) -> u64 {
    let streams = store.rows(
        "SELECT gateway, epoch, worker, count() AS rows, uniqExact(seq) AS numbers, \
                max(seq) + 1 AS expect \
         FROM records GROUP BY gateway, epoch, worker",
    );
    let number = |stream: &Value, key: &str| stream[key].as_u64().expect("a number");
    let (mut missing, mut twice) = (0, 0);
    for stream in &streams {
        let (rows, numbers) = (number(stream, "rows"), number(stream, "numbers"));
        if rows != numbers {
            twice += rows - numbers;
            faults.push(format!("DUP-1: a number stands twice: {stream}"));
        }
        missing += number(stream, "expect") - numbers;
    }
    // A row that stands twice has been seen by its id, if it is that of a call.
    *doubled = (*doubled).max(twice);
    missing
}

// === impl Row ===

impl Row {
    fn json(&self) -> String {
        serde_json::to_string(self).expect("a row is JSON")
    }
}
