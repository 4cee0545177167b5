//! The engine away for long, and back: requests are served meanwhile, their records arrive
//! afterwards.
//!
//! Two ways of being away, both of the real engine: stopped (SIGSTOP: it takes connections and
//! answers nothing, as a machine that swaps or a network that drops packets), and killed as often as
//! it is started (connections are refused, inserts are cut).

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::audit::audit;
use tests::backend::Backend;
use tests::chance::rounds;
use tests::load::Load;
use tests::world::{HOST, STORE_MAX, World};
use tests::{processes, wait};

use crate::EXE;

/// More than one insert takes, so that several have to wait.
const MEANWHILE: u64 = 3000;

#[test]
fn an_engine_that_answers_nothing_is_waited_for_and_requests_are_served() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(100);
    world.signal_engine(Signal::STOP);
    let at_least = load.answered() + MEANWHILE;
    load.more(MEANWHILE);
    // Nothing of it can be stored: that is seen once the engine says what it has.
    world.signal_engine(Signal::CONT);
    let stored = running.number("SELECT count() FROM records WHERE part = 'final'");
    assert!(stored < at_least, "{stored} records are stored: the engine was not away");
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    audit(&ledger, &running);
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn an_engine_that_dies_at_each_start_is_started_until_it_stays() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(100);
    let mut killed = 0;
    for _ in 0..rounds(6) {
        let engine = wait::until("the next engine", STORE_MAX, || {
            world.engine().filter(|&pid| pid != killed)
        });
        assert!(processes::signal(engine, Signal::KILL), "the engine runs");
        killed = engine;
        load.more(100);
    }
    wait::until("an engine that stays", STORE_MAX, || running.try_sql("SELECT 1").ok());
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    audit(&ledger, &running);
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn what_is_in_the_spool_when_everything_is_killed_is_stored_by_the_next_life() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(100);
    world.signal_engine(Signal::STOP);
    load.more(MEANWHILE);
    load.hold();
    world.kill();
    world.nothing_is_left();
    let mut ledger = load.stop();
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 1, &["/release/later"]);
    load.more(10);
    let later = load.stop();
    let numbered = |query: &String| !later.whole.values().any(|entry| entry.query == *query);
    ledger.torn.retain(numbered);
    ledger.merge(later);
    let found = audit(&ledger, &running);
    assert!(found.rows > MEANWHILE, "{found:?}");
    assert!(world.stop().success(), "{}", world.log());
}
