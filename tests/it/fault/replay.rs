//! The topic read again from its begin, by a group that has read nothing of it: no row is added, no
//! bill changes, also of hours whose records retention has dropped.

use std::path::Path;

use serde_json::Value;
use tests::ask::ASKS;
use tests::backend::Backend;
use tests::clock::SharedClock;
use tests::cluster::{Cluster, Parts};
use tests::wait;
use tests::world::STORE_MAX;

use crate::EXE;

/// All rows, all bills and all proofs, as texts.
fn texts(cluster: &Cluster) -> Vec<Value> {
    [
        "SELECT gateway, epoch, worker, seq, req_id FROM records \
         WHERE part = 'final' ORDER BY gateway, epoch, worker, seq",
        "SELECT hour, account, bill FROM bills ORDER BY hour, account",
        "SELECT hour, proof FROM closings ORDER BY hour",
    ]
    .into_iter()
    .flat_map(|sql| cluster.store.rows(sql))
    .collect()
}

#[test]
fn a_new_group_that_reads_everything_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut clock = SharedClock::at(folder.path(), 10, 30);
    let (exe, backend) = (Path::new(EXE), Backend::start().addr);
    let env = [clock.variable()].map(|(name, value)| (name, value.to_owned()));
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let parts = Parts { exe, backend, metering: "", more: "", env: &env, gated: false };
    let mut cluster = Cluster::start(parts);
    for _ in 0..2 {
        let load = cluster.load(ASKS);
        load.more(500);
        load.stop();
        clock.next_hour();
        cluster.settle(clock.ahead_s());
    }
    let closed = "SELECT count() FROM closings WHERE toHour(hour) IN (10, 11)";
    let both = || (cluster.store.number(closed) == 2).then_some(());
    wait::until("two closed hours", STORE_MAX, both);
    // Retention drops the first hour's rows, whole parts at a time.
    cluster
        .store
        .sql("ALTER TABLE records DELETE WHERE toHour(hour) = 10 SETTINGS mutations_sync = 2");
    let before = texts(&cluster);

    // A second group beside the living one is refused.
    cluster.regroup("another");
    cluster.stop_metering(1);
    cluster.spawn_metering(1, &[]);
    let refused = cluster.metering[1].ended(STORE_MAX);
    assert_eq!(refused.code(), Some(1), "{}", cluster.log());
    cluster.stop_metering(0);

    for number in 0..2 {
        cluster.spawn_metering(number, &[]);
    }
    let messages: i64 = cluster.topic().ends().iter().sum();
    wait::until("the new group to have read everything", STORE_MAX, || {
        let read: i64 = cluster.topic().committed("another").into_iter().filter(|at| *at > 0).sum();
        (read >= messages).then_some(())
    });
    cluster.settle(clock.ahead_s());
    assert_eq!(texts(&cluster), before, "nothing is added, nothing changes");
    clock.next_hour();
    let third = "SELECT count() FROM closings WHERE toHour(hour) = 12";
    wait::until("the next hour", STORE_MAX, || (cluster.store.number(third) == 1).then_some(()));
    let late = "SELECT count() FROM cuts WHERE JSONExtractArrayRaw(cut, 'late') != []";
    assert_eq!(cluster.store.number(late), 0, "nothing is late");
}
