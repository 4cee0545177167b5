//! An hour that is closed at its deadline while a gateway is dead, which comes back later: the proof
//! names it, and its records become corrections. All bills together come to what all calls come to.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tests::ask::ASKS;
use tests::backend::Backend;
use tests::clock::SharedClock;
use tests::cluster::{Cluster, GATEWAYS, Parts};
use tests::program::Program;
use tests::recount::{closed_hours, differences, same_again};
use tests::wait;

use crate::EXE;

/// The longest wait for the close of an hour. The minute in which gateways may still ship, after the
/// broker's return, is a part of it; the rest is for a machine that is busy with other tests.
const CLOSE_MAX: Duration = Duration::from_secs(180);

#[test]
fn what_a_dead_gateway_kept_becomes_corrections_when_it_returns() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut clock = SharedClock::at(folder.path(), 10, 30);
    let variable = (clock.variable().0, clock.variable().1.to_owned());
    let (exe, backend) = (Path::new(EXE), Backend::start().addr);
    let env = [(variable.0, variable.1.as_str())];
    let parts = Parts { exe, backend, metering: "", more: "", env: &env, gated: false };
    let mut cluster = Cluster::start(parts);
    let load = cluster.load(ASKS);
    load.more(300);
    // Both gateways are known. What comes from here on stays in the spools; one dies with it.
    cluster.settle(clock.ahead_s());
    cluster.broker.kill();
    load.more(600);
    cluster.kill_gateway(1, &load);
    cluster.broker.start_again();
    load.more(100);
    // To half past eleven: past the deadline of the hour.
    clock.next_hour();
    load.more(300);
    let closed = |hour: u32| format!("SELECT count() FROM closings WHERE toHour(hour) = {hour}");
    let is_closed = |cluster: &Cluster, hour| {
        wait::until("the hour's close", CLOSE_MAX, || {
            let count = cluster.store.try_sql(&closed(hour)).ok()?;
            (count.trim() == "1").then_some(())
        });
    };
    is_closed(&cluster, 10);
    let proof =
        cluster.store.sql("SELECT proof FROM closings WHERE toHour(hour) = 10 FORMAT RawBLOB");
    let proof: Value = serde_json::from_str(&proof).expect("a proof");
    assert_eq!(proof["complete"], false, "{proof}");
    assert!(proof.to_string().contains(GATEWAYS[1]), "{proof}");
    let before =
        cluster.store.sql("SELECT bill FROM bills WHERE toHour(hour) = 10 ORDER BY account");

    cluster.start_gateway(1, &load);
    load.more(100);
    let ledger = load.stop();
    cluster.settle(clock.ahead_s());
    clock.next_hour();
    is_closed(&cluster, 11);
    cluster.audit_at(&ledger, clock.ahead_s());
    let after =
        cluster.store.sql("SELECT bill FROM bills WHERE toHour(hour) = 10 ORDER BY account");
    assert_eq!(after, before, "BILL-2: a closed hour stays as it was");
    let corrections = "SELECT count() FROM bills WHERE bill LIKE '%corrects_hour%'";
    assert!(cluster.store.number(corrections) > 0, "what came late is corrected");
    let hours: BTreeSet<String> = closed_hours(&cluster.store);
    let program = Program::new(EXE, cluster.query.folder());
    let faults = differences(&cluster.store, &hours, |hour| same_again(&program, hour));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
