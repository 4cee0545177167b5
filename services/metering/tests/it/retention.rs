//! Old records go once they are billed, and not before.

use std::time::Duration;

use metering::{Closer, Config, Release, release};
use record::Time;

use crate::world::{Gateway, World, at, hour, prices, run};

const ROWS: &str = "SELECT count() AS n FROM records";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A closer that keeps records for a day.
async fn closer(world: &World, now: Time) -> Closer {
    let config = Config { retention: Some(DAY), ..world.config.clone() };
    world.closer_with(config, now, Some(prices(""))).await
}

/// As if all records so far had been stored two days earlier.
async fn age(world: &World) {
    let age = "ALTER TABLE records UPDATE stored_at = stored_at - INTERVAL 2 DAY WHERE 1";
    world.execute(&format!("{age} SETTINGS mutations_sync = 1")).await;
}

#[test]
fn records_go_when_they_are_old_and_their_day_is_closed() {
    run(async {
        let world = World::new("swept").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 5), 10));
        world.take("spool:g", messages).await.expect("taken");
        age(&world).await;
        // Nothing is closed yet, however old it is.
        closer(&world, at(13, 30)).await.sweep().await;
        assert_eq!(world.number(ROWS).await, 11);
        // Closed, but what came last was stored just now: its part stays.
        world
            .take("spool:g", vec![gateway.beat(at(23, 0)), gateway.end(at(24, 0))])
            .await
            .expect("taken");
        world.execute("OPTIMIZE TABLE records FINAL").await;
        let mut closer = closer(&world, at(25, 0)).await;
        assert_eq!(closer.round().await.expect("a round").closed.len(), 12);
        closer.sweep().await;
        assert_eq!(world.number(ROWS).await, 13);
        age(&world).await;
        closer.sweep().await;
        // The next day is closed to its first hour only.
        assert_eq!(world.number(ROWS).await, 1);
        assert_eq!(world.bills().await.len(), 1);
    });
}

#[test]
fn what_is_held_stays_until_it_is_billed() {
    run(async {
        let world = World::new("swept_held").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.push(gateway.record(at(13, 5), |record| record.region = "ap-typo".into()));
        messages.push(gateway.beat(at(24, 0)));
        messages.push(gateway.end(at(25, 0)));
        world.take("spool:g", messages).await.expect("taken");
        age(&world).await;
        let mut first = closer(&world, at(24, 1)).await;
        assert_eq!(first.round().await.expect("a round").closed.len(), 11);
        first.sweep().await;
        assert_eq!(world.number(ROWS).await, 4);
        release(&world.store, hour(13), "acme", Release::Waive, "a test").await.expect("released");
        let mut second = closer(&world, at(25, 1)).await;
        assert_eq!(second.round().await.expect("a round").closed.len(), 1);
        second.sweep().await;
        assert_eq!(world.number(ROWS).await, 2);
    });
}
