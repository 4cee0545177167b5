//! ClickHouse killed in the middle of inserts: alone, and with the process that serves it.

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::chance::{Chance, rounds};
use tests::world::STORE_MAX;
use tests::{processes, wait};

use super::{SHORT_BATCHES, cluster};

#[test]
fn clickhouse_killed_in_the_middle_of_inserts_has_each_record_once() {
    let mut chance = Chance::new("the middle of inserts of ClickHouse");
    let mut cluster = cluster(SHORT_BATCHES);
    let load = cluster.load(ASKS);
    let insert = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO records%'";
    for round in 0..rounds(6) {
        load.more(chance.between(1, 200));
        wait::until("an insert that runs", STORE_MAX, || {
            cluster.store.try_sql(insert).ok().filter(|count| count.trim() != "0")
        });
        if round % 3 == 2 {
            cluster.engine.kill();
            cluster.spawn_engine();
        } else {
            let clickhouse = cluster.clickhouse().expect("it has just answered");
            assert!(processes::signal(clickhouse, Signal::KILL), "it runs");
        }
    }
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    cluster.audit(&ledger);
}
