//! n requests → n records, equal to what the client saw, field by field.

use tests::ask::ASKS;
use tests::audit::{Found, audit};
use tests::backend::Backend;
use tests::load::Load;
use tests::world::{HOST, World};

use crate::EXE;

/// Enough for several batches and both workers.
const REQUESTS: u64 = 2000;

#[test]
fn every_answer_has_its_record_and_every_record_its_answer() {
    let backend = Backend::start();
    let mut world = World::new(EXE, backend.addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    let unknown = Load::start(running.gateway, "unknown.example.test", 1, &["/release/x"]);
    load.more(REQUESTS);
    unknown.more(1);
    let mut ledger = load.stop();
    ledger.merge(unknown.stop());
    let found = audit(&ledger, &running);
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "{:?}", ledger.torn);
    let rows = ledger.whole.len() as u64;
    let billable = ledger.whole.values().filter(|e| e.asked_backend() || e.mocked()).count() as u64;
    assert_eq!(found, Found { rows, billable, ..Found::default() });
    assert_eq!(backend.requests(), ledger.from_backend(), "the backend saw each once");
    assert_eq!(running.metric("gateway_requests_total"), rows);
    assert_eq!(running.number("SELECT count() FROM dead_letters"), 0);
    assert_eq!(running.number("SELECT count() FROM gaps"), 0);
    assert!(world.stop().success(), "{}", world.log());
}
