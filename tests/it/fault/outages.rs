//! Broker and ClickHouse away, one or both, for longer than a consumer may be silent, and back:
//! requests are served meanwhile, or refused where the spool has no room. Partitions that are added
//! in between concern new streams only.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::audit::compare;
use tests::backend::Backend;
use tests::cluster::{Cluster, POLL_MAX_S, Parts};
use tests::load::Load;
use tests::world::STORE_MAX;
use tests::{processes, wait};

use super::cluster;
use crate::EXE;

fn with(more: &str) -> Cluster {
    let (exe, backend) = (Path::new(EXE), Backend::start().addr);
    Cluster::start(Parts { exe, backend, metering: "", more, env: &[], gated: false })
}

/// Load for so long.
fn meanwhile(load: &Load, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        load.more(50);
    }
}

#[test]
fn both_away_for_longer_than_a_consumer_may_be_silent_lose_nothing() {
    let mut cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(200);
    cluster.shared_out();
    let before = cluster.owners();
    let clickhouse = cluster.clickhouse().expect("it runs");
    // ClickHouse takes connections and answers nothing; metering stays in its group.
    assert!(processes::signal(clickhouse, Signal::STOP), "it runs");
    meanwhile(&load, Duration::from_secs(POLL_MAX_S + 3));
    // Then the broker too.
    cluster.broker.kill();
    load.more(1000);
    assert!(processes::signal(clickhouse, Signal::CONT), "it runs");
    cluster.broker.start_again();
    load.more(200);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met an end");
    cluster.audit(&ledger);
    assert_eq!(cluster.topic_differs(0), (0, 0), "the topic and the rows are the same records");
    assert_eq!(cluster.owners(), before, "a slow ClickHouse costs nobody the membership");
}

#[test]
fn a_full_spool_refuses_while_the_broker_is_away_and_ships_all_it_has_taken() {
    let mut cluster = with("spool: {size: 4MiB, segment: 128KiB, when_full: reject}\n");
    let load = cluster.load(&["/release/x", "/nowhere/x"]);
    load.more(100);
    cluster.broker.kill();
    wait::until("refusals", STORE_MAX, || (load.refused() >= 200).then_some(()));
    cluster.broker.start_again();
    let mut ledger = load.stop();
    assert!(ledger.torn.is_empty(), "a refusal is an answer");
    wait::until("room", STORE_MAX, || {
        let load = cluster.load(&["/release/size/10"]);
        load.more(50);
        let later = load.stop();
        let room = later.refused.is_empty();
        ledger.merge(later);
        room.then_some(())
    });
    cluster.audit(&ledger);
}

#[test]
fn a_full_spool_serves_where_told_so_and_the_loss_is_counted() {
    let mut cluster = with("spool: {size: 4MiB, segment: 128KiB, when_full: serve}\n");
    let load = cluster.load(&["/release/x", "/nowhere/x"]);
    load.more(100);
    cluster.broker.kill();
    load.more(12_000);
    cluster.broker.start_again();
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "everything is answered");
    cluster.settle(0);
    let (found, faults) = compare(&ledger, &cluster.store);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found.unrecorded > 0, "the spool was not full");
    let gaps = cluster.store.number("SELECT toUInt64(sum(last - first + 1)) FROM gaps");
    assert_eq!((found.missing, gaps), (found.unrecorded, found.unrecorded), "each loss is seen");
}

#[test]
fn partitions_added_while_the_broker_was_away_concern_new_streams_only() {
    let mut cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(500);
    cluster.broker.kill();
    load.more(200);
    cluster.broker.start_again();
    cluster.topic().grow(12);
    load.more(500);
    cluster.settle(0);
    let ends = cluster.topic().ends();
    assert!(ends[4..].iter().all(|end| *end == 0), "a stream has moved: {ends:?}");
    for number in 0..2 {
        cluster.kill_gateway(number, &load);
        cluster.start_gateway(number, &load);
        load.more(200);
    }
    cluster.audit(&load.stop());
    assert_eq!(cluster.topic_differs(0), (0, 0), "the topic and the rows are the same records");
}
