//! Several closers on one store, each taking over from the one before in the middle of its work:
//! every hour is closed once, and whoever is fenced off stops quietly.
//!
//! Two processes can not share a data folder, so the closers are those of the library, on one
//! engine that the test holds.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::{Engine, Program, Sources};
use metering::{Clock, Closer, Config, Counters, Stopped};
use pricing::Prices;
use record::{Hour, Time};
use settings::{Document, Sink};
use store::{Endpoint, Sql, Store};
use tests::chance::{Chance, rounds};
use tests::lines;
use tests::world::{STORE_MAX, World};
use tokio::time::timeout;

use crate::EXE;
use crate::closing::{check_hours, sample, take_in};
use crate::day::{closed, up_at, world};

/// A whole day.
const HOURS: u32 = 24;

/// The world's engine without the rest of the process.
fn engine(world: &World) -> Engine {
    let config = engine::Config {
        data_dir: world.data().join("clickhouse"),
        cache_dir: engine::cache_dir(|name| std::env::var_os(name)).expect("a home"),
        sources: Sources::new(|name| std::env::var_os(name)),
        memory_max: 2 << 30,
        database: "tollgate".to_owned(),
        program: Program { path: EXE.into(), args: vec!["engine-child".into()] },
    };
    Engine::start(&config, &mut *engine::progress_on_stderr()).expect("an engine")
}

fn store(engine: &Engine) -> Store {
    let endpoint = engine.endpoint().clone();
    let endpoint = Endpoint {
        url: endpoint.url,
        user: endpoint.user,
        password: endpoint.password,
        header: Some(endpoint.header),
        database: "tollgate".to_owned(),
    };
    Store::new(endpoint).expect("an endpoint")
}

/// The published book, as in the worlds of the sample day.
fn prices() -> Arc<Prices> {
    let (sink, text) = (Sink::new(), "books: [\"bundled:published\"]\n");
    let load = |path: &Path| std::fs::read_to_string(path);
    let prices = Document::parse("prices.yaml", text, &sink)
        .and_then(|document| Prices::read(&document.root(&sink), &sink, &load));
    Arc::new(sink.finish(prices).expect("prices"))
}

/// How many hours are closed.
async fn count(store: &Store) -> u64 {
    #[derive(serde::Deserialize)]
    struct Row {
        hours: u64,
    }
    let sql = Sql::new("SELECT count() AS hours FROM closings");
    store.query::<Row>(&sql).await.expect("closings").first().expect("a row").hours
}

/// Waits until so many hours are closed.
async fn until(store: &Store, hours: u64) {
    let reached = async { while count(store).await < hours {} };
    timeout(STORE_MAX, reached).await.expect("hours are closed in time");
}

#[test]
fn closers_that_take_over_from_each_other_close_every_hour_once() {
    let mut chance = Chance::new("closers");
    let calls = sample(0, HOURS);
    let mut world = world(0);
    take_in(&world, "day", &calls);
    let engine = engine(&world);
    let store = store(&engine);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let counters = Arc::new(Counters::default());
    runtime.expect("a runtime").block_on(async {
        let last: Hour = lines::hour(HOURS - 1).parse().expect("an hour");
        let clock: Clock = Arc::new(move || Time(last.end().0 + 300_000));
        let start = || {
            let (store, counters) = (store.clone(), Arc::clone(&counters));
            let prices = Some(prices());
            let config = Config::default();
            Closer::start(store, config, counters, prices, vec![], Arc::clone(&clock))
        };
        let mut older = Vec::new();
        for _ in 0..rounds(8) {
            let closer = start().await.expect("a closer");
            let running = tokio::spawn(closer.run(pending()));
            // The next one comes while this one is at work, anywhere between two hours or in one.
            let before = count(&store).await;
            let goal = (before + chance.between(1, 2)).min(u64::from(HOURS));
            until(&store, goal).await;
            for _ in 0..chance.between(0, 3) {
                count(&store).await;
            }
            older.push(running);
        }
        let last = start().await.expect("a closer");
        let last = tokio::spawn(last.run(pending()));
        until(&store, HOURS.into()).await;
        for older in older {
            let ended = timeout(STORE_MAX, older).await.expect("who is fenced off stops");
            assert_eq!(ended.expect("no panic"), Stopped::TakenOver);
        }
        assert!(!last.is_finished(), "the last one goes on");
        last.abort();
    });
    assert_eq!(counters.close_failures.load(Ordering::Relaxed), 0, "who is fenced off is quiet");
    // Whoever is fenced off before the answer to its last row comes, does not count that hour, and
    // nobody else closes it again: the counter may miss hours, and never counts one twice.
    let counted = counters.closed.load(Ordering::Relaxed);
    assert!(counted <= u64::from(HOURS), "{counted} hours were counted as closed");
    engine.stop();
    let running = up_at(&mut world, 24, 5);
    closed(&running, HOURS - 1);
    check_hours(&running, &calls, HOURS);
    assert!(world.stop().success(), "{}", world.log());
}
