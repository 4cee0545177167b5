//! What the demo's readers look up: through the API where a person would, from the store where
//! the proof says so.

use anyhow::{Context, ensure};
use record::Hour;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Sql, Store};

use super::ORDERS;
use super::setup::{HOURS, Setup};
use super::traffic::Ledger;
use crate::client::Client;
use crate::commands::{audit, bills, logs};
use crate::process::Process;

const STORED_SQL: &str = "\
SELECT
    count() AS records,
    count() - uniqExact(gateway, epoch, worker, seq) AS duplicates
FROM records";

/// Everything that is shown.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) ledger: Ledger,
    pub(super) stored: Stored,
    /// The API's answers.
    pub(super) record: Value,
    pub(super) bill: Value,
    pub(super) proof: Value,
    pub(super) orders: Value,
    /// What the proof's own query said just now.
    pub(super) checked: bool,
    /// The hour of bill and proof.
    pub(super) hour: Hour,
}

/// Rows of the store.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) records: u64,
    pub(super) duplicates: u64,
}

// === impl Findings ===

impl Findings {
    /// Looks everything up.
    pub(super) async fn read(
        process: &Process,
        setup: &Setup,
        ledger: Ledger,
    ) -> anyhow::Result<Self> {
        let running = &process.running;
        let host = running.url.trim_start_matches("http://").to_owned();
        let client = Client::new(host, running.token.clone());
        let store = &process.storage.store;
        let id = ledger.not_found_by_backend.first().context("no sample request got a 404")?;
        let record = logs::fetch(&client, id).await?;
        let (hour, bill) = crossing(&client, setup).await?;
        let proof = bills::fetch_proof(&client, hour).await?;
        let checked = check(store, &proof).await?;
        let orders = audit::fetch(&client, &ORDERS.map(str::to_owned), "").await?;
        let stored: Vec<Stored> = store.query(&Sql::new(STORED_SQL)).await?;
        let stored = stored.into_iter().next().context("the store counts nothing")?;
        Ok(Self { ledger, stored, record, bill, proof, orders, checked, hour })
    }

    /// The demo's one document.
    pub(super) fn to_json(&self) -> Value {
        let bills = self.bill["bills"].as_array();
        let bill = bills.and_then(|bills| bills.first()).cloned().unwrap_or_default();
        json!({
            "requests": { "sent": self.ledger.sent, "answered": self.ledger.answered },
            "stored": { "records": self.stored.records, "duplicates": self.stored.duplicates },
            "record": logs::flat(&self.record),
            "bill": {
                "hour": self.bill["hour"],
                "state": self.bill["state"],
                "account": bill["account"],
                "currency": bill["currency"],
                "lines": bill["lines"],
                "total": bill["total"],
            },
            "proof": {
                "hour": self.proof["hour"],
                "complete": self.proof["complete"],
                "checked": self.checked,
                "sql": self.proof["proof"]["sql"],
                "streams": self.proof["proof"]["streams"],
            },
            "audit": self.orders,
        })
    }
}

/// The first hour of the sample day whose bill has calls in two tiers.
async fn crossing(client: &Client, setup: &Setup) -> anyhow::Result<(Hour, Value)> {
    for offset in 0..i64::try_from(HOURS).unwrap_or_default() {
        let hour = Hour(setup.day.0 + offset);
        let answer = bills::fetch(client, hour, Some(super::SELLER)).await?;
        let lines = answer["bills"][0]["lines"].as_array();
        let calls = lines.into_iter().flatten().filter(|line| line["item"] == "calls");
        if calls.count() > 1 {
            return Ok((hour, answer));
        }
    }
    anyhow::bail!("no hour of the sample day crosses a tier")
}

/// Runs the proof's query on the store: every stream agrees, and none is missing.
pub(crate) async fn check(store: &Store, proof: &Value) -> anyhow::Result<bool> {
    #[derive(Deserialize)]
    struct Stream {
        ok: u8,
    }
    let sql = proof["proof"]["sql"].as_str().context("the proof has no query")?;
    let streams = proof["proof"]["streams"].as_array().context("the proof has no streams")?;
    ensure!(!streams.is_empty(), "the proof lists no stream");
    let late =
        proof["proof"]["late"].as_array().context("the proof says nothing of late records")?;
    let late: usize = late.iter().filter_map(|late| late["streams"].as_array()).map(Vec::len).sum();
    let rows: Vec<Stream> = store.query(&Sql::new(sql)).await?;
    Ok(rows.len() == streams.len() + late && rows.iter().all(|row| row.ok == 1))
}
