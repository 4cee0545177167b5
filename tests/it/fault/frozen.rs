//! A metering process that stands still (SIGSTOP) until its session is over: the other one takes its
//! partitions over. When it wakes up, it writes not a row more; neither when it stood in the middle
//! of an insert, whose rest it then sends.

use std::path::Path;

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::backend::Backend;
use tests::cluster::{Cluster, Parts};
use tests::load::Load;
use tests::wait;
use tests::world::STORE_MAX;

use super::SHORT_BATCHES;
use crate::EXE;

fn gated() -> Cluster {
    let (exe, backend) = (Path::new(EXE), Backend::start().addr);
    Cluster::start(Parts { exe, backend, metering: SHORT_BATCHES, more: "", env: &[], gated: true })
}

/// Waits until the second process has all partitions, sees that all is stored, wakes the first one
/// up, and lets it say what it has to say.
fn taken_over_and_woken(cluster: &Cluster, load: &Load) {
    wait::until("the other one to have all partitions", STORE_MAX, || {
        (cluster.owners().len() == 1).then_some(())
    });
    cluster.settle(0);
    let rows = "SELECT count() - uniqExact(gateway, epoch, worker, seq) FROM records";
    assert_eq!(cluster.store.number(rows), 0, "DUP-1: while it stands still");
    cluster.metering[0].signal(Signal::CONT);
    load.more(500);
    // It is a member again when it has partitions again, or has ended: both are right.
    cluster.settle(0);
}

#[test]
fn frozen_before_an_insert_it_writes_not_a_row_when_it_wakes() {
    let cluster = gated();
    let load = cluster.load(ASKS);
    load.more(500);
    cluster.shared_out();
    cluster.metering[0].signal(Signal::STOP);
    load.more(500);
    taken_over_and_woken(&cluster, &load);
    cluster.audit(&load.stop());
}

#[test]
fn frozen_in_the_middle_of_an_insert_it_writes_not_a_row_when_it_wakes() {
    let cluster = gated();
    let gate = cluster.gate.as_ref().expect("it has a gate");
    let load = cluster.load(ASKS);
    load.more(500);
    cluster.shared_out();
    gate.hold_next();
    wait::until("an insert that is held", STORE_MAX, || (gate.held() > 0).then_some(()));
    cluster.metering[0].signal(Signal::STOP);
    load.more(500);
    wait::until("the other one to have all partitions", STORE_MAX, || {
        (cluster.owners().len() == 1).then_some(())
    });
    cluster.settle(0);
    // The rest of the body arrives, late.
    gate.open();
    taken_over_and_woken(&cluster, &load);
    cluster.audit(&load.stop());
}
