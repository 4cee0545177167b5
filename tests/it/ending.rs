//! Ctrl-C ends everything within five seconds, whatever is going on; nothing is left, and a second
//! start works at once.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::backend::Backend;
use tests::client::Client;
use tests::ledger::get;
use tests::load::Load;
use tests::world::{HOST, World};

use crate::EXE;

/// What the product promises.
const END_MAX: Duration = Duration::from_secs(5);
/// The engine would wait so long for connections of ours that nobody uses any more.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// Ends the process and checks what it promises; gives how long it took, and its log.
fn end(world: &mut World) -> (Duration, String) {
    let asked = Instant::now();
    let status = world.stop();
    let took = asked.elapsed();
    assert!(status.success(), "{status}:\n{}", world.log());
    assert!(took < END_MAX, "it took {took:?}:\n{}", world.log());
    world.nothing_is_left();
    (took, world.log())
}

#[test]
fn under_load_it_ends_in_time_and_starts_again_at_once() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    for _ in 0..2 {
        let running = world.up();
        let load = Load::start(running.gateway, HOST, 6, ASKS);
        // Connections that nobody uses any more, of clients and of the API.
        let mut idle = Client::connect(running.gateway).expect("it listens");
        idle.exchange(&get(HOST, "/release/x")).expect("an answer");
        let idle_api = Client::connect(running.api).expect("it listens");
        running.get("/v1/bills/2024-01-17T00", &running.token);
        load.more(200);
        load.hold();
        let (took, log) = end(&mut world);
        assert!(took < IDLE_MAX, "it took {took:?}: who was waited for?\n{log}");
        for trouble in ["took too long", "did not stop in time", "not everything is stored"] {
            assert!(!log.contains(trouble), "{log}");
        }
        drop((idle, idle_api, load.stop()));
    }
}

#[test]
fn with_a_request_that_hangs_it_ends_in_time() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let mut hanging = Client::connect(running.gateway).expect("it listens");
    hanging.send(&get(HOST, "/release/hang")).expect("it reads");
    let (_, log) = end(&mut world);
    assert!(!log.contains("did not stop in time"), "{log}");
}

#[test]
fn with_an_engine_that_answers_nothing_it_ends_in_time() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(100);
    world.signal_engine(Signal::STOP);
    load.more(500);
    load.hold();
    end(&mut world);
    drop(load.stop());
    world.up();
    assert!(world.stop().success(), "{}", world.log());
}
