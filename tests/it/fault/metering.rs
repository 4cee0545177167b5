//! Metering killed: between any two steps of an insert, and in the middle of one. Another process
//! takes the partitions over, reads back what is stored, and sends what is missing.

use std::os::unix::process::ExitStatusExt;

use metering::Step;
use tests::ask::ASKS;
use tests::chance::{Chance, rounds};
use tests::wait;
use tests::world::STORE_MAX;

use super::{SHORT_BATCHES, cluster};

#[test]
fn killed_between_any_two_steps_each_record_is_stored_once() {
    let mut chance = Chance::new("steps of metering");
    let mut cluster = cluster(SHORT_BATCHES);
    let load = cluster.load(ASKS);
    load.more(100);
    // The one that dies has all partitions, so that it comes to each step.
    cluster.stop_metering(0);
    for step in [Step::BeforeInsert, Step::BetweenInserts, Step::AfterInsert, Step::AfterAck] {
        let kill_at = format!("{}:{}", step.as_str(), chance.between(1, 6));
        cluster.spawn_metering(0, &[("TOLLGATE_TEST_KILL_AT", &kill_at)]);
        cluster.stop_metering(1);
        let killed = cluster.metering[0].ended(STORE_MAX);
        assert_eq!(killed.signal(), Some(9), "{kill_at}: {}", cluster.log());
        load.more(100);
        cluster.spawn_metering(1, &[]);
    }
    load.more(100);
    cluster.audit(&load.stop());
}

#[test]
fn killed_in_the_middle_of_inserts_each_record_is_stored_once() {
    let mut chance = Chance::new("the middle of inserts of metering");
    let mut cluster = cluster(SHORT_BATCHES);
    let load = cluster.load(ASKS);
    let insert = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO records%'";
    for round in 0..rounds(4) {
        load.more(chance.between(1, 200));
        wait::until("an insert that runs", STORE_MAX, || {
            cluster.store.try_sql(insert).ok().filter(|count| count.trim() != "0")
        });
        let number = usize::try_from(round % 2).expect("one of two");
        cluster.metering[number].kill();
        cluster.spawn_metering(number, &[]);
    }
    load.more(100);
    let ledger = load.stop();
    assert!(
        ledger.torn.is_empty() && ledger.refused.is_empty(),
        "a request met the end of metering"
    );
    cluster.audit(&ledger);
}
