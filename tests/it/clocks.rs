//! Clocks that jump while requests are served, and a deadline that passes while ClickHouse is away.
//! Whatever the clock says, no record is lost, none is billed twice, and no hour is closed without
//! what belongs to it.

use std::collections::BTreeSet;

use rustix::process::Signal;
use tests::ask::ASKS;
use tests::audit::{compare, settled};
use tests::backend::Backend;
use tests::clock::SharedClock;
use tests::ledger::Ledger;
use tests::load::Load;
use tests::recount::{closed_hours, differences, same_again};
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX, World};

use crate::EXE;
use crate::day::program;

/// A running process with a clock of its own, which shows half past ten.
fn world() -> (World, Running, SharedClock) {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let clock = SharedClock::at(world.folder.path(), 10, 30);
    let running = world.up_with(&[clock.variable()]);
    (world, running, clock)
}

/// Everything is stored once, and every hour with calls but `open` is closed and rightly billed.
fn check(world: &World, running: &Running, clock: &SharedClock, ledger: &Ledger, open: &[&str]) {
    settled(running, "gw-test", running.workers, clock.ahead_s());
    let (found, faults) = compare(ledger, running);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!((found.unrecorded, found.missing), (0, 0), "LOSS-1: {found:?}");
    let sql = "SELECT DISTINCT formatDateTime(hour, '%H', 'UTC') AS at FROM records \
               WHERE part = 'final' AND hour NOT IN (SELECT hour FROM closings) ORDER BY at";
    wait::until("the close of all hours but those that are open", STORE_MAX, || {
        let hours = running.rows(sql);
        let hours: Vec<&str> = hours.iter().filter_map(|row| row["at"].as_str()).collect();
        (hours == open).then_some(())
    });
    let hours: BTreeSet<String> = closed_hours(running);
    let faults = differences(running, &hours, |hour| same_again(&program(world), hour));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn clocks_that_jump_either_way_lose_nothing_and_time_never_goes_back_in_a_stream() {
    let (mut world, running, mut clock) = world();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    // On by an hour, back by two, on by three: to half past twelve.
    for hours in [1, -2, 3] {
        load.more(500);
        clock.jump(hours * 3600);
        load.more(500);
    }
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a jump is no end");
    check(&world, &running, &clock, &ledger, &["12"]);
    let back = "SELECT count() FROM (SELECT time, lagInFrame(time, 1, time) OVER (\
                    PARTITION BY gateway, epoch, worker ORDER BY seq \
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before FROM records) \
                WHERE time < before";
    assert_eq!(running.number(back), 0, "time goes back within a stream");
    // Each jump ends the streams and begins new ones, so that the hours say when things happened.
    let epochs = "SELECT uniqExact(epoch) FROM records";
    assert_eq!(running.number(epochs), 4, "a life for each jump: {}", world.log());
    let hours = "SELECT toString(arraySort(groupUniqArray(toHour(hour)))) FROM records \
                 WHERE part = 'final'";
    assert_eq!(running.sql(hours).trim(), "[9,10,11,12]");
    assert!(world.log().contains("clock"), "it says so: {}", world.log());
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn a_deadline_that_passes_while_the_engine_is_away_closes_no_hour_without_its_records() {
    let (mut world, running, mut clock) = world();
    let load = Load::start(running.gateway, HOST, 6, ASKS);
    load.more(500);
    world.signal_engine(Signal::STOP);
    load.more(500);
    // Half past eleven: five minutes after the deadline of the hour.
    clock.next_hour();
    load.more(500);
    world.signal_engine(Signal::CONT);
    load.more(100);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request met the engine's end");
    check(&world, &running, &clock, &ledger, &["11"]);
    let late = "SELECT count() FROM cuts WHERE JSONExtractArrayRaw(cut, 'late') != []";
    assert_eq!(running.number(late), 0, "what came in time is not late");
    assert!(world.stop().success(), "{}", world.log());
}
