//! SIGKILL at every moment: of the whole process, of the engine alone, in the middle of inserts,
//! between any two steps of one. The client goes on asking all the while; at the end its ledger and
//! the stored rows are the same (LOSS-1, DUP-1).
//!
//! Moments are random: `TOLLGATE_TEST_SEED` repeats them, `TOLLGATE_TEST_ROUNDS` makes more of them.

use std::os::unix::process::ExitStatusExt;

use metering::Step;
use rustix::process::Signal;
use tests::ask::ASKS;
use tests::audit::audit;
use tests::backend::Backend;
use tests::chance::{Chance, rounds};
use tests::load::Load;
use tests::world::{HOST, Running, STORE_MAX, World};
use tests::{processes, wait};

use crate::EXE;

/// Clients of a load: both workers have some, the backend's threads get their turn.
const CLIENTS: usize = 6;
/// Batches this short make an insert begin as soon as the last one has ended.
const SHORT_BATCHES: &str = "metering: {batch_wait: 5ms}\n";

/// Waits until an engine other than `old` answers.
fn engine_is_back(world: &World, running: &Running, old: u32) {
    wait::until("an engine that is started again", STORE_MAX, || {
        let new = world.engine().filter(|&pid| pid != old)?;
        running.try_sql("SELECT 1").is_ok().then_some(new)
    });
}

#[test]
fn the_whole_process_killed_under_load_loses_and_doubles_nothing() {
    let mut chance = Chance::new("the whole process");
    let mut world = World::new(EXE, Backend::start().addr, "");
    let mut running = world.up();
    let load = Load::start(running.gateway, HOST, CLIENTS, ASKS);
    for _ in 0..rounds(4) {
        load.more(chance.between(1, 600));
        load.hold();
        world.kill();
        world.nothing_is_left();
        running = world.up();
        load.aim(running.gateway);
    }
    load.more(100);
    let ledger = load.stop();
    assert!(!ledger.torn.is_empty(), "no answer was cut: nothing was killed under load");
    audit(&ledger, &running);
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn the_engine_killed_alone_is_started_again_and_requests_are_served_meanwhile() {
    let mut chance = Chance::new("the engine alone");
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, CLIENTS, ASKS);
    for _ in 0..rounds(5) {
        load.more(chance.between(1, 600));
        let engine = wait::until("an engine", STORE_MAX, || world.engine());
        assert!(processes::signal(engine, Signal::KILL), "the engine runs");
        let before = load.answered();
        engine_is_back(&world, &running, engine);
        assert!(load.answered() > before, "nothing was served while the engine was away");
    }
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    audit(&ledger, &running);
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn the_engine_killed_in_the_middle_of_inserts_has_each_record_once() {
    let mut chance = Chance::new("the middle of inserts");
    let mut world = World::new(EXE, Backend::start().addr, SHORT_BATCHES);
    let running = world.up();
    let load = Load::start(running.gateway, HOST, CLIENTS, ASKS);
    let insert = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO records%'";
    for _ in 0..rounds(8) {
        load.more(chance.between(1, 200));
        let engine = wait::until("an engine", STORE_MAX, || world.engine());
        wait::until("an insert that runs", STORE_MAX, || {
            running.try_sql(insert).ok().filter(|count| count.trim() != "0")
        });
        assert!(processes::signal(engine, Signal::KILL), "the engine runs");
        engine_is_back(&world, &running, engine);
    }
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    audit(&ledger, &running);
    let again = running.metric("metering_insert_retries_total");
    assert!(again > 0, "no insert was cut: it was not killed in the middle of one");
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn killed_between_any_two_steps_of_an_insert_each_record_is_stored_once() {
    let mut chance = Chance::new("steps of an insert");
    let mut world = World::new(EXE, Backend::start().addr, SHORT_BATCHES);
    let load = Load::start(world.up().gateway, HOST, CLIENTS, ASKS);
    load.more(100);
    load.hold();
    world.kill();
    for _ in 0..rounds(1) {
        for step in [Step::BeforeInsert, Step::BetweenInserts, Step::AfterInsert, Step::AfterAck] {
            let kill_at = format!("{}:{}", step.as_str(), chance.between(1, 6));
            let killed = match world.try_up(&[("TOLLGATE_TEST_KILL_AT", &kill_at)]) {
                Ok(running) => {
                    load.aim(running.gateway);
                    let killed = world.ended(STORE_MAX);
                    load.hold();
                    killed
                }
                // What the last life left was stored before the gateways listened.
                Err(killed) => killed,
            };
            assert_eq!(killed.signal(), Some(9), "{kill_at}: {}", world.log());
            world.nothing_is_left();
        }
    }
    let running = world.up();
    load.aim(running.gateway);
    load.more(100);
    audit(&load.stop(), &running);
    assert!(world.stop().success(), "{}", world.log());
}
