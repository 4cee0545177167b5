//! A spool without room: `spool.when_full` decides.

use std::time::Duration;

use gateway::metrics::Count;
use record::{Life, Part};
use spool::WhenFull;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy};

const MOCK: &str = "GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n";
/// Small enough to be full after some hundred records.
const SIZE: u64 = 2 << 20;
const MANY: usize = 10_000;

fn small(when_full: WhenFull) -> World {
    let mut plan = Plan { when_full, size: SIZE, ..Plan::default() };
    plan.config.record.max = 8192;
    plan.config.record.heartbeat = Duration::from_millis(50);
    World::with(plan, policy(Backend::answering("").address))
}

fn lives(world: &World) -> Vec<Life> {
    world.records.iter().filter_map(|record| record.life.as_deref().cloned()).collect()
}

#[test]
fn reject_refuses_what_it_can_not_record_and_counts_it() {
    let mut world = small(WhenFull::Reject);
    let mut client = Client::connect(world.address);
    let mut recorded = 0;
    let refused = loop {
        let answer = client.call(MOCK);
        if answer.status != 200 {
            break answer;
        }
        recorded += 1;
        assert!(recorded < MANY, "the spool has a limit");
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.body, br#"{"message":"Gateway can not record the request now."}"#);
    for _ in 0..9 {
        assert_eq!(client.call(MOCK).status, 503);
    }
    world.until(|world| lives(world).iter().map(|life| life.refused).sum::<u64>() == 10);
    assert_eq!(world.finals().len(), recorded, "each answer has its record, each refusal none");
    // Room comes back as records are stored elsewhere.
    let (stream, seq) = (world.records[0].stream(), world.records[world.records.len() - 1].seq);
    world.reader.ack(&stream, seq).expect("what was read can be acknowledged");
    let answer = client.call(MOCK);
    assert_eq!(answer.status, 200);
    world.record(answer.id());
    world.stop(Duration::from_secs(5));
    assert_eq!(world.records[world.records.len() - 1].part, Part::End);
}

#[test]
fn serve_answers_and_uses_up_a_number() {
    let mut world = small(WhenFull::Serve);
    let mut client = Client::connect(world.address);
    let mut answered = 0;
    loop {
        let answer = client.call(MOCK);
        assert_eq!(answer.status, 200);
        answered += 1;
        if world.record_now(answer.id()).is_none() {
            break;
        }
        assert!(answered < MANY, "the spool has a limit");
    }
    for _ in 0..9 {
        assert_eq!(client.call(MOCK).status, 200);
    }
    world.until(|world| lives(world).iter().map(|life| life.unrecorded).sum::<u64>() == 10);
    assert_eq!(world.finals().len(), answered - 1);
    let last = world.records[world.records.len() - 1].seq;
    let missing = last + 1 - world.records.len() as u64;
    assert_eq!(missing, 10, "each loss is a gap that the hour's proof shows");
}

#[test]
fn a_disk_that_takes_nothing_holds_answers_until_it_does() {
    let mut world = small(WhenFull::Reject);
    let streams = world.spool.dir.join("streams");
    let away = world.spool.dir.join("away");
    let mut client = Client::connect(world.address);
    client.call(MOCK);
    // The open segment still takes records; the next one can not be made.
    std::fs::rename(&streams, &away).expect("the folder can be moved");
    let address = world.address;
    let caller = std::thread::spawn(move || {
        let mut ids = Vec::new();
        while ids.len() < 1000 {
            let answer = client.call(MOCK);
            ids.push((answer.status, answer.id().to_owned()));
        }
        ids
    });
    let counters = world.running.as_ref().expect("it runs").counters();
    while counters[0].get(Count::SpoolStalls) < 2 {
        std::thread::yield_now();
    }
    let answer = Client::connect(address).call(MOCK);
    assert_eq!(answer.status, 503, "admission has stopped, and says so at once");
    assert!(!caller.is_finished(), "what was admitted is held");
    std::fs::rename(&away, &streams).expect("the folder can be moved back");
    let mut recorded = 0;
    for (status, id) in caller.join().expect("the caller does not panic") {
        assert!([200, 503].contains(&status));
        assert_eq!(world.record_now(&id).is_some(), status == 200);
        recorded += usize::from(status == 200);
    }
    assert!(recorded > 1);
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), recorded + 1);
}
