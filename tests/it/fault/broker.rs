//! The broker killed under load: the spools grow meanwhile, and are shipped in order afterwards.

use tests::ask::ASKS;
use tests::chance::{Chance, rounds};

use super::cluster;

/// More than one message to the broker holds.
const MEANWHILE: u64 = 2000;

#[test]
fn a_broker_killed_under_load_loses_and_doubles_nothing() {
    let mut chance = Chance::new("the broker");
    let mut cluster = cluster("");
    let load = cluster.load(ASKS);
    for _ in 0..rounds(2) {
        load.more(chance.between(1, 600));
        cluster.broker.kill();
        load.more(MEANWHILE);
        cluster.broker.start_again();
    }
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the broker's end");
    cluster.audit(&ledger);
    assert_eq!(cluster.topic_differs(0), (0, 0), "the topic and the rows are the same records");
}
