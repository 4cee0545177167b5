//! A spool without room, because the engine is away (SIGSTOP): what `spool.when_full` says is done,
//! counted, and told to those who look later. That it is really without room is seen by its size
//! on disk (BOUND-1).

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use tests::audit::{audit, audit_with_loss};
use tests::backend::Backend;
use tests::load::Load;
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX, World};

use crate::EXE;

/// Bytes of the small spool.
const SIZE: u64 = 4 << 20;
/// What may stand beside the segments: marks of what is stored, and the room that each worker of a
/// new life gets in any case.
const BESIDE: u64 = 256 << 10;

/// Room for some thousand records of two workers: a second of the load that the tests make, and
/// several times what is on its way while nothing is wrong.
fn small_spool(when_full: &str) -> String {
    format!("spool: {{size: {SIZE}, segment: 128KiB, when_full: {when_full}}}\n")
}

/// Bytes of all files in a folder. One that is removed meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_in(&entry.path()),
        data => data.map_or(0, |data| data.len()),
    };
    entries.map(bytes).sum()
}

/// Fails as soon as the spool is larger than it may be.
fn has_its_limit(world: &World) {
    let bytes = bytes_in(&world.data().join("spool"));
    assert!(bytes <= SIZE + BESIDE, "BOUND-1: the spool of {SIZE} bytes has {bytes}");
}

/// The sum of a number that heartbeats and other parts tell about the life of the gateway.
fn told(running: &Running, key: &str) -> u64 {
    running.number(&format!(
        "SELECT toUInt64(sum(JSONExtractUInt(life, '{key}'))) FROM records WHERE life != ''"
    ))
}

#[test]
fn without_room_requests_are_refused_counted_and_taken_again_once_there_is_room() {
    let mut world = World::new(EXE, Backend::start().addr, &small_spool("reject"));
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, &["/release/x", "/nowhere/x"]);
    load.more(100);
    world.signal_engine(Signal::STOP);
    wait::until("refusals", STORE_MAX, || {
        has_its_limit(&world);
        (load.refused() >= 200).then_some(())
    });
    let mut ledger = load.stop();
    assert!(ledger.torn.is_empty(), "a refusal is an answer");
    let refused = ledger.refused.len() as u64;
    assert_eq!(running.metric("gateway_spool_refused_total"), refused, "each is counted");

    world.signal_engine(Signal::CONT);
    // Each worker has its part of the spool, and not both have room at the same moment.
    wait::until("room", STORE_MAX, || {
        let load = Load::start(running.gateway, HOST, 6, &["/release/size/10"]);
        load.more(50);
        let later = load.stop();
        let room = later.refused.is_empty();
        ledger.merge(later);
        room.then_some(())
    });
    audit(&ledger, &running);
    let refused = ledger.refused.len() as u64;
    assert_eq!(told(&running, "refused"), refused, "heartbeats tell how many were refused");
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn without_room_requests_are_served_where_told_so_and_the_loss_is_in_the_proof() {
    let mut world = World::new(EXE, Backend::start().addr, &small_spool("serve"));
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, &["/release/x", "/nowhere/x"]);
    load.more(100);
    world.signal_engine(Signal::STOP);
    let unrecorded = || running.metric("gateway_unrecorded_total");
    wait::until("answers without a record", STORE_MAX, || {
        has_its_limit(&world);
        (unrecorded() >= 200).then_some(())
    });
    world.signal_engine(Signal::CONT);
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "everything is answered");
    let found = audit_with_loss(&ledger, &running);
    let lost = unrecorded();
    assert_eq!((found.unrecorded, found.missing), (lost, lost), "each loss uses up its number");
    assert_eq!(told(&running, "unrecorded"), lost);
    assert_eq!(running.number("SELECT toUInt64(sum(last - first + 1)) FROM gaps"), lost);
    let until = running.number("SELECT toUInt32(max(hour)) FROM records WHERE part = 'final'");
    assert!(world.stop().success(), "{}", world.log());

    // Two hours later all that was done up to now is closed.
    let later = world.up_with(&[("TOLLGATE_TEST_CLOCK_AHEAD", "7200")]);
    let closed = format!("SELECT count() FROM closings WHERE hour = toDateTime({until}, 'UTC')");
    wait::until("the hour's end", STORE_MAX, || (later.number(&closed) > 0).then_some(()));
    let proofs = later.rows("SELECT proof FROM closings ORDER BY hour");
    let proofs = proofs.iter().map(|row| row["proof"].as_str().expect("a text"));
    let proofs = proofs.map(|text| serde_json::from_str::<Value>(text).expect("a proof"));
    let (mut missing, mut complete) = (0, true);
    for proof in proofs {
        let streams = proof["streams"].as_array().expect("streams");
        missing += streams.iter().map(|s| s["missing"].as_u64().expect("a number")).sum::<u64>();
        complete &= proof["complete"] == true;
    }
    assert_eq!((missing, complete), (lost, false), "PROOF-1");
    assert!(world.stop().success(), "{}", world.log());
}
