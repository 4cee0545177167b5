//! The end of a gateway, and what it says while it lives.

use std::num::NonZeroU16;
use std::time::Duration;

use gateway::metrics::Count;
use gateway::{Gateway, StartError, Streams};
use record::{Fault, Part};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, now_ms, policy};

const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[test]
fn what_has_begun_is_finished_before_the_deadline() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = std::sync::Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let mut world = World::start(backend.address);
    let mut idle = Client::connect(world.address);
    idle.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let address = world.address;
    let mut client = Client::connect(address);
    client.send(GET);
    backend.until(|seen| seen.len() == 1 && seen[0].requests == 1);
    let stopping = std::thread::spawn(move || {
        world.stop(Duration::from_secs(60));
        world
    });
    // The idle connection is closed at once, which shows that the drain has begun.
    assert_eq!(idle.drain(), b"");
    go.send(()).expect("the backend waits");
    let answer = client.answer(false);
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    let mut world = stopping.join().expect("the drain does not panic");
    assert_eq!(world.record(answer.id()).rsp_st, 200);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_is_not_finished_at_the_deadline_is_cut_and_recorded() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        if peer.number == 1 {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")?;
        }
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut waits = Client::connect(world.address);
    waits.send(GET);
    backend.until(|seen| seen.len() == 1 && seen[0].requests == 1);
    let mut reads = Client::connect(world.address);
    reads.send(GET);
    reads.head().expect("a head comes");
    let mut begins = Client::connect(world.address);
    begins.send("GET /rel");
    reads.take(3).expect("a body begins");
    world.stop(Duration::from_millis(50));
    let answer = waits.answer(false);
    assert_eq!(answer.body, br#"{"message":"Gateway is shutting down."}"#);
    let record = world.record(answer.id());
    assert_eq!((record.rsp_st, record.ups_st.as_ref(), record.fault), (503, "", Fault::Gateway));
    let cut = world.finals().into_iter().find(|record| record.rsp_st == 200).expect("it is there");
    assert_eq!((cut.fault, cut.err_msg.as_ref()), (Fault::Gateway, "Gateway is shutting down."));
    assert_eq!((cut.ups_st.as_ref(), cut.rsp_len), ("200", reads.received));
    assert_eq!(reads.drain(), b"");
    // The third may not have been accepted; if it was, it has its record too.
    assert!((2..=3).contains(&world.finals().len()));
}

#[test]
fn a_stream_says_start_then_beats_then_end() {
    let mut plan = Plan::default();
    plan.config.workers = NonZeroU16::new(2).expect("two is not zero");
    plan.config.record.heartbeat = Duration::from_millis(20);
    let mut world = World::with(plan, policy(Backend::answering("").address));
    let beats = |world: &World, worker| {
        let beat = |record: &&record::Record<'_>| {
            record.part == Part::Heartbeat && record.worker == worker
        };
        world.records.iter().filter(beat).count()
    };
    world.until(|world| beats(world, 0) >= 3 && beats(world, 1) >= 3);
    world.stop(Duration::from_secs(5));
    for worker in 0..2 {
        let stream: Vec<_> =
            world.records.iter().filter(|record| record.worker == worker).collect();
        let seqs: Vec<u64> = stream.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, (0..stream.len() as u64).collect::<Vec<_>>());
        assert!(stream.iter().all(|record| {
            record.life.as_ref().is_some_and(|life| life.workers == 2)
                && record.gateway == "gw-test"
        }));
    }
}

#[test]
fn a_long_exchange_tells_its_bytes_in_between() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = std::sync::Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("def")
    });
    let mut plan = Plan::default();
    plan.config.record.interim = Duration::from_millis(20);
    let mut world = World::with(plan, policy(backend.address));
    let mut client = Client::connect(world.address);
    client.send(GET);
    let head = client.head().expect("a head comes");
    client.take(3).expect("half of the body comes");
    let so_far = client.received;
    world.until(|world| {
        let interim = world.records.iter().filter(|record| record.part == Part::Interim);
        interim.map(|record| record.rsp_len).sum::<u64>() == so_far
    });
    go.send(()).expect("the backend waits");
    client.take(3).expect("the rest comes");
    let id = crate::client::header(&head, "x-api-requestid").expect("an id is in the head");
    let record = world.record(id);
    let all: Vec<_> = world.records.iter().filter(|record| record.req_id == id).collect();
    let sum = |count: fn(&record::Record<'_>) -> u64| all.iter().map(|record| count(record)).sum();
    let seen = backend.seen()[0];
    let sums: [u64; 4] = [
        sum(|record| record.req_len),
        sum(|record| record.rsp_len),
        sum(|record| record.ups_req_len),
        sum(|record| record.ups_rsp_len),
    ];
    assert_eq!(sums, [client.sent, client.received, seen.received, seen.sent]);
    assert_eq!((record.rsp_len, record.ups_st.as_ref()), (3, "200"));
    assert!(all.iter().all(|record| record.part == Part::Final || record.rsp_st == 0));
}

#[test]
fn a_port_in_use_is_told_with_a_remedy() {
    let world = World::start(Backend::answering("").address);
    let mut plan = Plan::default();
    plan.config.listen = world.address;
    let dir = tempfile::tempdir().expect("a folder can be made");
    let spool = spool::Config { dir: dir.path().into(), ..world.spool.clone() };
    let opened = spool::open(&spool, now_ms()).expect("the spool opens");
    let (streams, _reader) = Streams::part(opened, spool::WhenFull::Reject);
    let policy = std::sync::Arc::new(policy(world.address));
    let error = Gateway::start(plan.config, policy, streams).err().expect("the port is in use");
    assert!(matches!(error, StartError::PortInUse { address } if address == world.address));
    assert!(error.to_string().contains("set `gateway.listen` to another port"));
}

#[test]
fn a_crashed_life_is_named_by_the_next() {
    let mut world = World::start(Backend::answering("").address);
    let answer =
        Client::connect(world.address).call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let record = world.record(answer.id());
    let running = world.running.as_ref().expect("it runs");
    assert_eq!(running.counters().iter().map(|counts| counts.get(Count::Requests)).sum::<u64>(), 1);
    world.stop(Duration::ZERO);
    let last = world.records[world.records.len() - 1].seq;
    let (spool, dir) = world.end();
    let opened = spool::open(&spool, now_ms()).expect("the spool opens again");
    let previous = opened.previous.expect("a life was before");
    assert_eq!((previous.epoch, previous.last), (record.epoch, vec![Some(last)]));
    drop(dir);
}

#[test]
fn a_gateway_that_retires_says_so_in_its_ends() {
    let mut plan = Plan::default();
    plan.config.workers = NonZeroU16::new(2).expect("two is not zero");
    let mut world = World::with(plan, policy(Backend::answering("").address));
    let mut client = Client::connect(world.address);
    client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    world.retire(Duration::from_secs(5));
    let lives =
        world.records.iter().filter_map(|record| Some((record.part, record.life.as_ref()?)));
    let retires: Vec<_> = lives.map(|(part, life)| (part == Part::End, life.retires)).collect();
    assert!(retires.iter().all(|(ends, retires)| ends == retires), "{retires:?}");
    assert_eq!(retires.iter().filter(|(ends, _)| *ends).count(), 2);
}

#[test]
fn a_gateway_that_is_gone_is_retired_from_its_folder() {
    let mut plan = Plan::default();
    plan.config.workers = NonZeroU16::new(2).expect("two is not zero");
    let config = plan.config.clone();
    let mut world = World::with(plan, policy(Backend::answering("").address));
    let mut client = Client::connect(world.address);
    client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    world.stop(Duration::from_secs(5));
    let lasts: Vec<_> =
        world.streams().values().map(|records| records.last().map(|last| last.seq)).collect();
    let old = world.records[0].epoch;
    let (spool, dir) = world.end();
    let opened = spool::open(&spool, now_ms()).expect("the spool opens again");
    let (streams, mut reader) = Streams::part(opened, spool::WhenFull::Reject);
    gateway::retire(&config, streams, || record::Time(7)).expect("the disk is well");
    let mut parts = Vec::new();
    loop {
        let frames = reader.read(1 << 20).expect("the spool can be read");
        if frames.frames.is_empty() {
            break;
        }
        for frame in frames.frames.iter().filter(|frame| frame.stream.epoch > old) {
            let record = record::decode(frames.payload(frame)).expect("records can be read");
            let life = record.life.expect("a life");
            let previous = life.previous.map(|life| (life.epoch, life.last));
            parts.push((record.worker, record.seq, record.part, life.retires, previous));
            assert_eq!((life.workers, record.gateway.as_ref()), (2, "gw-test"));
        }
    }
    let before = Some((old, lasts));
    let expected = [
        (0, 0, Part::Start, false, before.clone()),
        (0, 1, Part::End, true, None),
        (1, 0, Part::Start, false, before),
        (1, 1, Part::End, true, None),
    ];
    assert_eq!(parts, expected);
    drop(dir);
}

#[test]
fn the_wall_clock_is_the_one_that_was_given() {
    let mut world = World::clocked(Plan::default(), policy(Backend::answering("").address), || {
        record::Time(1_705_464_529_123)
    });
    let answer =
        Client::connect(world.address).call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let record = world.record(answer.id());
    assert_eq!(record.time.to_string(), "2024-01-17T04:08:49.123Z");
    assert_eq!(record::arrival(answer.id()), Some(record.time));
    assert_eq!(answer.header("date"), Some("Wed, 17 Jan 2024 04:08:49 GMT"));
}
