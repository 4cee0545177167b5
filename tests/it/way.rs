//! n requests → n records, equal to what the client saw, field by field.

use std::collections::BTreeMap;

use tests::backend::Backend;
use tests::ledger::Load;
use tests::wait;
use tests::world::{HOST, STORE_MAX, World};

use crate::EXE;

/// Enough for several batches and both workers.
const REQUESTS: u64 = 2000;

#[test]
fn every_answer_has_its_record_and_every_record_its_answer() {
    let backend = Backend::start();
    let mut world = World::new(EXE, backend.addr, "");
    let running = world.up();
    let paths = [
        "/release/x",
        "/release/status/404",
        "/release/size/5000",
        "/release/chunked/3000",
        "/release/mock/a",
        "/nowhere/x",
    ];
    let load = Load::start(running.gateway, HOST, 8, &paths);
    wait::until("the requests", STORE_MAX, || (load.answered() >= REQUESTS).then_some(()));
    let ledger = load.stop();
    let count = || running.number("SELECT count() FROM records WHERE part = 'final'");
    wait::until("all records", STORE_MAX, || (count() >= ledger.len() as u64).then_some(()));
    let rows = running.rows(
        "SELECT req_id, uri, rsp_st, ups_st, req_len, rsp_len, billable, account \
         FROM records WHERE part = 'final'",
    );
    assert_eq!(rows.len(), ledger.len(), "a record for each answer, and no other");
    let by_id: BTreeMap<&str, _> =
        rows.iter().map(|row| (row["req_id"].as_str().expect("an id"), row)).collect();
    assert_eq!(by_id.len(), rows.len(), "no id twice");
    for (id, entry) in &ledger {
        let row = by_id.get(id.as_str()).unwrap_or_else(|| panic!("no record for {id}: {entry:?}"));
        assert_eq!(row["uri"], entry.path.as_str(), "{id}");
        assert_eq!(row["rsp_st"], entry.status, "{id}");
        assert_eq!(row["req_len"], entry.req_len, "{id}: {entry:?}");
        assert_eq!(row["rsp_len"], entry.rsp_len, "{id}: {entry:?}");
        let asked_backend = !entry.path.contains("mock") && entry.path.starts_with("/release");
        let ups_st = if asked_backend { entry.status.to_string() } else { String::new() };
        assert_eq!(row["ups_st"], ups_st.as_str(), "{id}");
        assert_eq!(row["billable"], entry.status == 200 || asked_backend, "{id}");
    }
    let asked =
        ledger.values().filter(|e| !e.path.contains("mock") && e.path.starts_with("/release"));
    assert_eq!(backend.requests(), asked.count() as u64, "the backend saw each once");
    assert!(world.stop().success(), "{}", world.log());
}
