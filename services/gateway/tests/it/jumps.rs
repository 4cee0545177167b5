//! A wall clock that jumps: the epoch ends, another one begins, and nothing is lost or doubled.

use std::io::{ErrorKind, Read};
use std::num::NonZeroU16;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway::Unready;
use gateway::metrics::Count;
use record::{Part, PreviousLife, Time};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, now_ms, policy};

const MOCK: &str = "GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HOUR_MS: i64 = 3_600_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// How far the gateway's wall clock is ahead of the system's, milliseconds.
type Ahead = Arc<AtomicI64>;

fn jumping(workers: u16, backend: &Backend) -> (World, Ahead) {
    let ahead = Ahead::default();
    let shown = ahead.clone();
    let mut plan = Plan { size: 256 << 20, ..Plan::default() };
    plan.config.workers = NonZeroU16::new(workers).expect("some workers");
    plan.config.record.heartbeat = Duration::from_millis(50);
    let clock = move || Time(system_ms() + shown.load(Ordering::SeqCst));
    (World::clocked(plan, policy(backend.address), clock), ahead)
}

fn system_ms() -> i64 {
    i64::try_from(now_ms()).expect("a time fits")
}

/// Sets the clock, and waits until every worker has begun an epoch by it.
fn jump(world: &mut World, ahead: &Ahead, by_ms: i64, workers: u16, epochs: usize) {
    ahead.fetch_add(by_ms, Ordering::SeqCst);
    let streams = epochs * usize::from(workers);
    world.until(|world| world.streams().len() == streams);
}

/// Each epoch names the one before with its last numbers, has no hole, and tells one clock's time.
fn check_epochs(world: &World, workers: u16, ahead_ms: &[i64]) {
    let streams = world.streams();
    let mut epochs: Vec<u64> = streams.keys().map(|(epoch, _)| *epoch).collect();
    epochs.dedup();
    assert_eq!(epochs.len(), ahead_ms.len(), "{epochs:?}");
    assert_eq!(streams.len(), epochs.len() * usize::from(workers));
    for ((epoch, worker), records) in &streams {
        let which = epochs.iter().position(|one| one == epoch).expect("it is one of them");
        let seqs: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "{epoch}-{worker}");
        assert_eq!(records[0].part, Part::Start);
        assert_eq!(records[records.len() - 1].part, Part::End);
        let inner = &records[1..records.len() - 1];
        assert!(inner.iter().all(|one| !matches!(one.part, Part::Start | Part::End)));
        for record in records {
            let off = record.time.0 - system_ms() - ahead_ms[which];
            assert!(off.abs() < HOUR_MS / 2, "{record:?} is of another clock, off by {off}");
        }
        let life = records[0].life.as_ref().expect("a start has a life");
        let expected = which.checked_sub(1).map(|before| PreviousLife {
            epoch: epochs[before],
            last: (0..workers)
                .map(|worker| streams[&(epochs[before], worker)].last().map(|last| last.seq))
                .collect(),
        });
        assert_eq!(life.previous, expected, "{epoch}-{worker}");
        assert!(records.iter().filter_map(|one| one.life.as_ref()).all(|life| !life.retires));
    }
}

fn jumps_counted(world: &World) -> u64 {
    let counters = world.running.as_ref().expect("it runs").counters();
    counters.iter().map(|counters| counters.get(Count::ClockJumps)).sum()
}

#[test]
fn jumps_of_an_hour_under_load_lose_and_double_nothing() {
    const WORKERS: u16 = 3;
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let (mut world, ahead) = jumping(WORKERS, &backend);
    let (address, done) = (world.address, Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let done = done.clone();
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                while !done.load(Ordering::SeqCst) {
                    // New connections, so that each worker gets some.
                    let mut client = Client::connect(address);
                    for _ in 0..5 {
                        let answer = client.call(if number % 2 == 0 { MOCK } else { GET });
                        assert_eq!(answer.status, 200);
                        ids.push(answer.id().to_owned());
                    }
                }
                ids
            })
        })
        .collect();
    let jumps = [HOUR_MS, -HOUR_MS, -HOUR_MS, 3 * HOUR_MS];
    let mut heights = vec![0];
    world.until(|world| world.finals().len() > 100);
    for (index, by) in jumps.into_iter().enumerate() {
        let finals = world.finals().len();
        jump(&mut world, &ahead, by, WORKERS, index + 2);
        heights.push(heights[index] + by);
        world.until(|world| world.finals().len() > finals + 200);
    }
    assert_eq!(jumps_counted(&world), 4, "one worker calls the others");
    done.store(true, Ordering::SeqCst);
    let mut ids = Vec::new();
    for client in clients {
        ids.extend(client.join().expect("no client panics"));
    }
    world.stop(Duration::from_secs(5));
    check_epochs(&world, WORKERS, &heights);
    let finals = world.finals();
    let mut recorded: Vec<&str> = finals.iter().map(|record| record.req_id.as_ref()).collect();
    recorded.sort_unstable();
    ids.sort_unstable();
    assert_eq!(recorded, ids, "every answer has exactly one final record");
}

#[test]
fn an_idle_gateway_sees_a_jump_too() {
    let (mut world, ahead) = jumping(2, &Backend::answering(""));
    world.until(|world| world.streams().len() == 2);
    jump(&mut world, &ahead, -HOUR_MS, 2, 2);
    jump(&mut world, &ahead, HOUR_MS, 2, 3);
    world.stop(Duration::from_secs(5));
    check_epochs(&world, 2, &[0, -HOUR_MS, 0]);
}

#[test]
fn steps_below_two_seconds_are_held() {
    let (mut world, ahead) = jumping(1, &Backend::answering(""));
    let mut client = Client::connect(world.address);
    for by in [1500, -1500, -1500, 1500] {
        ahead.fetch_add(by, Ordering::SeqCst);
        let answer = client.call(MOCK);
        let record = world.record(answer.id());
        // The next beat is by the same clock.
        world.until(|world| world.records.iter().any(|beat| beat.seq > record.seq));
    }
    assert_eq!(jumps_counted(&world), 0);
    world.stop(Duration::from_secs(5));
    assert_eq!(world.streams().len(), 1);
}

#[test]
fn a_request_in_flight_is_recorded_in_the_new_stream() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let (mut world, ahead) = jumping(1, &backend);
    let mut client = Client::connect(world.address);
    client.send(GET);
    backend.until(|seen| seen.len() == 1 && seen[0].requests == 1);
    jump(&mut world, &ahead, -HOUR_MS, 1, 2);
    go.send(()).expect("the backend waits");
    let answer = client.answer(false);
    assert_eq!(answer.status, 200);
    let record = world.record(answer.id());
    assert_eq!(record.epoch, world.records[world.records.len() - 1].epoch);
    let arrival = record::arrival(answer.id()).expect("our own id");
    assert!(arrival.0 > record.time.0 + HOUR_MS / 2, "it arrived by the old clock");
    let later = client_call(&world);
    let arrival = record::arrival(&later).expect("our own id");
    assert!(arrival <= world.record(&later).time, "what comes later arrives by the new one");
    world.stop(Duration::from_secs(5));
    check_epochs(&world, 1, &[0, -HOUR_MS]);
}

fn client_call(world: &World) -> String {
    Client::connect(world.address).call(MOCK).id().to_owned()
}

#[test]
fn an_epoch_that_can_not_begin_holds_answers_until_it_can() {
    let (mut world, ahead) = jumping(2, &Backend::answering(""));
    client_call(&world);
    let health = world.running.as_ref().expect("it runs").health();
    wait(|| health.ready() == Ok(()));
    // The new epoch can not be written here.
    let obstacle = world.spool.dir.join("epoch.new");
    std::fs::create_dir(&obstacle).expect("a folder can be made");
    let clients: Vec<_> = (0..4).map(|_| Client::connect(world.address)).collect();
    ahead.fetch_add(HOUR_MS, Ordering::SeqCst);
    let ends =
        |world: &World| world.records.iter().filter(|record| record.part == Part::End).count();
    world.until(|world| ends(world) == 2);
    let mut held = Vec::new();
    for mut client in clients {
        client.send(MOCK);
        held.push(client);
    }
    wait(|| health.ready() == Err(Unready::Stalled { workers: 2 }));
    let refused = Client::connect(world.address).call(MOCK);
    assert_eq!(refused.status, 503, "admission has stopped, and says so at once");
    for client in &mut held {
        client.socket.set_nonblocking(true).expect("an option can be set");
        let read = client.socket.read(&mut [0; 1]);
        assert_eq!(read.expect_err("not a byte").kind(), ErrorKind::WouldBlock);
        client.socket.set_nonblocking(false).expect("an option can be set");
    }
    std::fs::remove_dir(&obstacle).expect("the folder can be removed");
    for client in &mut held {
        let answer = client.answer(false);
        assert_eq!(answer.status, 200);
        world.record(answer.id());
    }
    wait(|| health.ready() == Ok(()));
    world.stop(Duration::from_secs(5));
    check_epochs(&world, 2, &[0, HOUR_MS]);
    assert_eq!(health.ready(), Err(Unready::NotServing { workers: 2 }));
}

fn wait(good: impl Fn() -> bool) {
    let start = Instant::now();
    while !good() {
        assert!(start.elapsed() < PATIENCE, "it does not come about");
        std::thread::yield_now();
    }
}

#[test]
fn a_jump_while_the_gateway_ends_begins_no_epoch() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let (mut world, ahead) = jumping(2, &backend);
    let mut idle = Client::connect(world.address);
    idle.call(MOCK);
    let mut client = Client::connect(world.address);
    client.send(GET);
    backend.until(|seen| seen.len() == 1 && seen[0].requests == 1);
    let stopping = std::thread::spawn(move || {
        world.stop(Duration::from_secs(60));
        world
    });
    // The idle connection is closed at once, which shows that the drain has begun.
    assert_eq!(idle.drain(), b"");
    ahead.fetch_add(HOUR_MS, Ordering::SeqCst);
    go.send(()).expect("the backend waits");
    assert_eq!(client.answer(false).status, 200);
    let world = stopping.join().expect("the drain does not panic");
    check_epochs(&world, 2, &[0]);
}

#[test]
fn a_gateway_that_ends_in_the_middle_of_a_jump_ends_its_streams() {
    for _ in 0..20 {
        let (mut world, ahead) = jumping(3, &Backend::answering(""));
        let id = client_call(&world);
        ahead.fetch_add(HOUR_MS, Ordering::SeqCst);
        let later = client_call(&world);
        world.stop(Duration::from_secs(5));
        world.record(&id);
        world.record(&later);
        check_epochs(&world, 3, &[0, HOUR_MS]);
    }
}
