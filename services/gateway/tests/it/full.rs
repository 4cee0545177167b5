//! A spool without room: `spool.when_full` decides.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gateway::Unready;
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
const PATIENCE: Duration = Duration::from_secs(30);

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
    let health = world.running.as_ref().expect("it runs").health();
    wait(|| health.ready() == Err(Unready::Full { workers: 1 }));
    assert!(health.usage()[0].alarm, "{:?}", health.usage());
    // Room comes back as records are stored elsewhere.
    let (stream, seq) = (world.records[0].stream(), world.records[world.records.len() - 1].seq);
    world.reader.ack(&stream, seq).expect("what was read can be acknowledged");
    let answer = client.call(MOCK);
    assert_eq!(answer.status, 200);
    world.record(answer.id());
    wait(|| health.ready() == Ok(()) && !health.usage()[0].alarm);
    world.stop(Duration::from_secs(5));
    assert_eq!(world.records[world.records.len() - 1].part, Part::End);
    assert_eq!(health.ready(), Err(Unready::NotServing { workers: 1 }));
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
    let health = world.running.as_ref().expect("it runs").health();
    wait(|| health.usage()[0].alarm);
    assert_eq!(health.ready(), Ok(()), "it serves all the same");
}

/// The disk's folder, moved away: the open segment still takes records, no other can be made.
fn take_disk_away(world: &World) -> impl FnOnce() + use<> {
    let (streams, away) = (world.spool.dir.join("streams"), world.spool.dir.join("away"));
    std::fs::rename(&streams, &away).expect("the folder can be moved");
    move || std::fs::rename(&away, &streams).expect("the folder can be moved back")
}

fn wait(good: impl Fn() -> bool) {
    let start = Instant::now();
    while !good() {
        assert!(start.elapsed() < PATIENCE, "it does not come about");
        std::thread::yield_now();
    }
}

/// True when there is anything to read, the end of the connection included.
fn has_news(client: &Client) -> bool {
    client.socket.set_nonblocking(true).expect("an option can be set");
    let peeked = client.socket.peek(&mut [0; 1]);
    client.socket.set_nonblocking(false).expect("an option can be set");
    match peeked {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    }
}

#[test]
fn a_disk_that_takes_nothing_holds_answers_until_it_does() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefgh")?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("i")
    });
    let mut plan = Plan { size: SIZE, ..Plan::default() };
    // No beat comes between: each record is that of a request.
    plan.config.record.heartbeat = Duration::from_secs(3600);
    let mut world = World::with(plan, policy(backend.address));
    let counters = world.running.as_ref().expect("it runs").counters().remove(0);
    let stalls = || counters.get(Count::SpoolStalls);
    let mut long = Client::connect(world.address);
    long.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let head = long.head().expect("a head comes");
    assert_eq!(long.take(8).expect("most of the body comes"), b"abcdefgh");
    let mut caller = Client::connect(world.address);
    caller.call(MOCK);
    let give_back = take_disk_away(&world);
    let mut ids = Vec::new();
    loop {
        caller.send(MOCK);
        wait(|| stalls() >= 2 || has_news(&caller));
        if stalls() > 0 {
            break;
        }
        ids.push(caller.answer(false).id().to_owned());
        assert!(ids.len() < MANY, "a segment has an end");
    }
    assert!(!has_news(&caller), "not a byte of an answer whose record is not on disk");
    let recorded = counters.get(Count::Records);
    go.send(()).expect("the backend waits");
    wait(|| counters.get(Count::Records) > recorded);
    // From here on at least one write was tried with this record too.
    let tried = stalls();
    wait(|| stalls() >= tried + 2);
    assert!(!has_news(&long), "not the last byte of an answer whose record is not on disk");
    assert!(!has_news(&caller));
    let refused = Client::connect(world.address).call(MOCK);
    assert_eq!(refused.status, 503, "admission has stopped, and says so at once");
    give_back();
    let answer = caller.answer(false);
    assert_eq!(answer.status, 200);
    ids.push(answer.id().to_owned());
    assert_eq!(long.take(1).expect("the last byte comes"), b"i");
    ids.push(crate::client::header(&head, "x-api-requestid").expect("an id").to_owned());
    for id in &ids {
        assert_eq!(world.record(id).rsp_st, 200);
    }
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), ids.len() + 1);
}
