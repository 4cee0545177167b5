//! Every message ends in one outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bus::{Bounds, Event, Memory, Source, SourceError};
use metering::{Config, IntakeError, Pipeline, Step};
use record::Time;
use spool::AckError;
use tokio::time::timeout;

use crate::kept::Kept;
use crate::proxy::Proxy;
use crate::world::{Gateway, Input, World, at, run};

/// Whoever is fenced off learns it with its next insert.
const END_MAX: Duration = Duration::from_secs(30);

const ROWS: &str = "SELECT count() AS n FROM records";
const NUMBERS: &str = "SELECT uniqExact((gateway, epoch, worker, seq)) AS n FROM records";

fn noon() -> Time {
    at(12, 0)
}

fn some(count: usize) -> Vec<Input> {
    Gateway::new("g", noon()).calls(noon(), count)
}

#[test]
fn what_comes_again_is_stored_once() {
    run(async {
        let world = World::new("again").await;
        world.take("spool:g", some(100)).await.expect("taken");
        assert_eq!(world.outcomes(), [100, 100, 0, 0, 0]);
        let mut more = some(150);
        more.extend(some(20));
        world.take("spool:g", more).await.expect("taken");
        assert_eq!(world.outcomes(), [270, 150, 120, 0, 0]);
        assert_eq!((world.number(ROWS).await, world.number(NUMBERS).await), (150, 150));
    });
}

#[test]
fn a_gap_is_written_down_and_may_be_filled() {
    run(async {
        let world = World::new("gap").await;
        let messages = some(10);
        let with = |numbers: &[usize]| numbers.iter().map(|&n| messages[n].clone()).collect();
        world.take("spool:g", with(&[0, 1, 4, 5, 9])).await.expect("taken");
        world.take("spool:g", with(&[9, 3, 8, 2])).await.expect("taken");
        assert_eq!(world.outcomes(), [9, 8, 1, 0, 0]);
        let gaps = "SELECT toString(groupArray((first, last))) AS t FROM (SELECT * FROM gaps ORDER BY first)";
        assert_eq!(world.text(gaps).await, "[(2,3),(6,8)]");
        assert_eq!(world.counters.filled.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn what_can_not_be_read_is_a_dead_letter_once_and_its_number_is_dead() {
    run(async {
        let world = World::new("dead").await;
        let mut gateway = Gateway::new("g", noon());
        let mut messages = gateway.calls(noon(), 3);
        messages[1].1 = b"\xff{broken".to_vec();
        let (place, bytes) = gateway.record(noon(), |record| record.seq = 77);
        messages.push((place, bytes));
        messages.push((None, b"nobody knows where".to_vec()));
        for _ in 0..2 {
            world.take("spool:g", messages.clone()).await.expect("taken");
        }
        // The one without a place can not be told from a new one; its row is the same.
        assert_eq!(world.outcomes(), [10, 2, 4, 4, 0]);
        assert_eq!(world.number(ROWS).await, 2);
        let letters = "SELECT toString(groupArray((seq, splitByChar(':', reason)[1], hex(bytes) LIKE '%FF7B%'))) AS t \
                       FROM (SELECT * FROM dead_letters ORDER BY seq)";
        let expect = "[(1,'undecodable',1),(3,'misplaced',0),(NULL,'undecodable',0)]";
        assert_eq!(world.text(letters).await, expect);
        // Whatever comes for a dead number is a repetition.
        world.take("spool:g", some(3)).await.expect("taken");
        assert_eq!(world.number(ROWS).await, 2);
    });
}

#[test]
fn another_record_with_a_stored_number_is_a_collision() {
    run(async {
        let world = World::new("collision").await;
        world.take("spool:g", some(5)).await.expect("taken");
        let mut gateway = Gateway::new("g", noon());
        let mut impostors = gateway.calls(noon(), 2);
        impostors.push(gateway.record(at(15, 0), |record| record.req_id = "other".into()));
        // Two at once with one number, which is new.
        gateway.seq = 7;
        impostors.push(gateway.call(noon()));
        gateway.seq = 7;
        impostors.push(gateway.record(noon(), |record| record.req_id = "other".into()));
        for _ in 0..2 {
            world.take("spool:g", impostors.clone()).await.expect("taken");
        }
        let [_, stored, duplicates, dead, collisions] = world.outcomes();
        assert_eq!([stored, duplicates, dead, collisions], [6, 5, 0, 4]);
        assert_eq!(world.number(ROWS).await, 6);
        let other = "SELECT count() AS n FROM records WHERE req_id = 'other'";
        assert_eq!(world.number(other).await, 0);
        // Each impostor is kept once, though it came twice.
        let letters = "SELECT count() AS n FROM dead_letters WHERE reason LIKE 'collision%'";
        assert_eq!(world.number(letters).await, 2);
    });
}

/// A hook that ends the task at one step, once.
pub fn die_at(step: Step) -> Config {
    let alive = AtomicBool::new(true);
    let on_step = move |reached: Step| {
        if reached == step && alive.swap(false, Ordering::SeqCst) {
            panic!("killed at {}", step.as_str());
        }
    };
    let batch_wait = Duration::from_millis(5);
    Config { on_step: Some(Arc::new(on_step)), batch_wait, ..Config::default() }
}

#[test]
fn killed_between_any_two_steps_everything_is_stored_once() {
    run(async {
        for (number, step) in Step::ALL.into_iter().take(4).enumerate() {
            let world = World::new(&format!("killed_{number}")).await;
            let mut messages = some(20);
            messages[7].1 = b"{".to_vec();
            let acked = Arc::new(AtomicU64::new(0));
            let pipeline = |config| {
                let source = Kept::new("spool:g", &messages, &acked);
                let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
                Pipeline::new(source, store, config, counters)
            };
            let config = Config { batch_rows: 7, ..die_at(step) };
            let (killed, _handle) = pipeline(config);
            let killed = tokio::spawn(killed.run(std::future::pending())).await;
            assert!(killed.expect_err("it dies").is_panic(), "{step:?}");
            let (next, handle) = pipeline(world.config.clone());
            next.run(async move { handle.catch_up().await.unwrap_or(()) }).await.expect("taken");
            let rows = (world.number(ROWS).await, world.number(NUMBERS).await);
            assert_eq!(rows, (19, 19), "{step:?}");
            let letters = world.number("SELECT count() AS n FROM dead_letters").await;
            assert_eq!((letters, acked.load(Ordering::SeqCst)), (1, 20), "{step:?}");
        }
    });
}

#[test]
fn after_an_unknown_outcome_only_what_is_missing_is_sent() {
    run(async {
        let world = World::new("unknown").await;
        let proxy = Proxy::start(&world.endpoint.url).await;
        let store = world.through(proxy.port);
        proxy.swallow("records", 1);
        proxy.swallow("dead_letters", 1);
        let config = world.config.clone();
        let mut messages = some(1000);
        messages[500].1 = b"{".to_vec();
        world.take_with(store, config, "spool:g", messages).await.expect("taken");
        assert!(proxy.done(), "the answers were lost");
        assert_eq!((world.number(ROWS).await, world.number(NUMBERS).await), (999, 999));
        assert_eq!(world.number("SELECT count() AS n FROM dead_letters").await, 1);
        // What was written under an unknown outcome was stored, it is no duplicate.
        assert_eq!(world.outcomes(), [1000, 999, 0, 1, 0]);
        assert!(world.counters.retries.load(Ordering::Relaxed) > 0);
    });
}

#[test]
fn a_store_that_is_away_is_waited_for() {
    run(async {
        let world = World::new("away").await;
        let proxy = Proxy::start(&world.endpoint.url).await;
        proxy.refuse(5);
        let (store, config) = (world.through(proxy.port), world.config.clone());
        world.take_with(store, config, "spool:g", some(10)).await.expect("taken");
        assert!(proxy.done());
        assert_eq!(world.outcomes(), [10, 10, 0, 0, 0]);
    });
}

#[test]
fn who_is_fenced_off_stops() {
    run(async {
        let world = World::new("fenced").await;
        let mut gateway = Gateway::new("g", noon());
        let (first, rest) = (gateway.calls(noon(), 5), gateway.calls(noon(), 5));
        let room = std::num::NonZeroUsize::MIN;
        let (feed, source) = Memory::fed("spool:g", first, Bounds::default(), room);
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let (old, handle) = Pipeline::new(source, store, world.config.clone(), counters);
        let old = tokio::spawn(old.run(std::future::pending()));
        handle.catch_up().await.expect("the first are stored");
        // Another owner comes, and stores the rest.
        world.take("spool:g", rest.clone()).await.expect("taken");
        for (place, bytes) in rest {
            feed.push(place, bytes).await.ok();
        }
        let ended = timeout(END_MAX, old).await.expect("who is fenced off ends");
        let ended = ended.expect("no panic").expect_err("it is fenced off");
        assert!(matches!(ended, IntakeError::TakenOver { .. }), "{ended}");
        assert_eq!((world.number(ROWS).await, world.number(NUMBERS).await), (10, 10));
    });
}

#[test]
fn records_of_several_days_are_stored_by_day() {
    run(async {
        let world = World::new("days").await;
        let mut gateway = Gateway::new("g", at(0, 0));
        let times = [0, 5, 24, 25, 48].map(|hour| at(hour, 0));
        let messages = times.into_iter().map(|time| gateway.call(time)).collect();
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.number("SELECT uniqExact(toDate(time)) AS n FROM records").await, 3);
        assert_eq!(world.outcomes(), [5, 5, 0, 0, 0]);
        let verdicts =
            "SELECT count() AS n FROM records WHERE billable AND reason = 'ok' AND rule = 1";
        assert_eq!(world.number(verdicts).await, 5);
        assert_eq!(world.counters.newest(), at(48, 0));
    });
}

#[test]
fn of_two_records_with_one_number_the_first_is_stored_although_the_letter_came_first() {
    run(async {
        let world = World::new("collision_killed").await;
        let mut gateway = Gateway::new("g", noon());
        let genuine = gateway.call(noon());
        gateway.seq = 0;
        let other = gateway.record(noon(), |record| record.req_id = "other".into());
        let messages = vec![genuine, other];
        let source = Memory::new("spool:g", messages.clone(), Bounds::default());
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let (pipeline, handle) =
            Pipeline::new(source, store, die_at(Step::BetweenInserts), counters);
        let stop = async move { handle.catch_up().await.unwrap_or(()) };
        let killed = tokio::spawn(pipeline.run(stop)).await;
        assert!(killed.expect_err("it dies").is_panic());
        assert_eq!(world.number("SELECT count() AS n FROM dead_letters").await, 1);
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.number("SELECT countIf(req_id != 'other') AS n FROM records").await, 1);
        assert_eq!(world.number(ROWS).await, 1);
        assert_eq!(world.number("SELECT count() AS n FROM dead_letters").await, 1);
    });
}

#[test]
fn an_acknowledgement_that_fails_is_tried_again() {
    struct Full(Memory, bool);

    impl Source for Full {
        fn name(&self) -> &str {
            self.0.name()
        }

        async fn next(&mut self) -> Result<Event, SourceError> {
            self.0.next().await
        }

        async fn ack(&mut self, partition: u32, position: u64) -> Result<(), SourceError> {
            if std::mem::take(&mut self.1) {
                let stream = Gateway::new("g", noon()).stream;
                let source = std::io::ErrorKind::StorageFull.into();
                return Err(SourceError::Ack(AckError::Io { stream, source }));
            }
            self.0.ack(partition, position).await
        }

        async fn mark(&mut self) -> Result<u64, SourceError> {
            self.0.mark().await
        }

        async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
            self.0.rewind(partition).await
        }
    }

    run(async {
        let world = World::new("ack_again").await;
        let source = Full(Memory::new("spool:g", some(3), Bounds::default()), true);
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let (pipeline, handle) = Pipeline::new(source, store, world.config.clone(), counters);
        pipeline.run(async move { handle.catch_up().await.unwrap_or(()) }).await.expect("taken");
        assert_eq!(world.number(ROWS).await, 3);
        assert_eq!(world.counters.retries.load(Ordering::Relaxed), 1);
    });
}
