//! What can not be rated is held back alone, and a person's release bills it once.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use metering::{HeldUse, Release, ReleaseError, dry_run, held, release};
use pricing::{Bill, Item};
use record::{Hour, Time};
use rust_decimal::Decimal;

use crate::world::{Gateway, Input, World, at, hour, run};

/// Calls billed so far, by the hour that they are billed for.
async fn calls(world: &World) -> BTreeMap<Hour, Decimal> {
    let mut calls = BTreeMap::new();
    for text in world.bills().await {
        let bill = Bill::from_json(&text).expect("a bill");
        for line in bill.lines.iter().filter(|line| line.item == Item::Calls) {
            let of = line.corrects.as_ref().map_or(bill.hour, |corrects| corrects.hour);
            *calls.entry(of).or_default() += line.quantity;
        }
    }
    calls
}

fn typo(gateway: &mut Gateway, time: Time) -> Input {
    gateway.record(time, |record| record.region = "ap-typo".into())
}

fn renamed(to: &str) -> Release {
    let regions = BTreeMap::from([("ap-typo".to_owned(), to.to_owned())]);
    Release::Rate { book: None, regions }
}

async fn waiting(world: &World) -> Vec<HeldUse> {
    held(&world.store).await.expect("held use")
}

async fn let_go(world: &World, of: Hour, how: Release) -> Result<usize, ReleaseError> {
    release(&world.store, of, "acme", how, "a test").await
}

/// Hours 12 to 15 of a gateway; hour 12 is closed, then a file brings a record of 11:00 with a
/// region that no book knows, or with a time before all books.
async fn late_and_bad(name: &str, bad: impl FnOnce(&mut Gateway) -> Input) -> (World, Gateway) {
    let world = World::new(name).await;
    let mut gateway = Gateway::new("g", at(12, 0));
    let mut messages = vec![gateway.start(at(12, 0), None)];
    messages.extend(gateway.calls(at(12, 1), 1));
    messages.push(gateway.beat(at(13, 0)));
    world.take("spool:g", messages).await.expect("taken");
    assert_eq!(world.close(at(13, 1)).await, 1);
    let mut file = Gateway::new("ingest:old", Time(77));
    let one = bad(&mut file);
    let end = file.end(at(11, 0));
    world.take("ingest:old", vec![one, end]).await.expect("taken");
    let mut messages = gateway.calls(at(13, 5), 1000);
    messages.push(gateway.beat(at(14, 0)));
    messages.extend(gateway.calls(at(14, 5), 10));
    for of in 15..19 {
        messages.push(gateway.beat(at(of, 0)));
    }
    world.take("spool:g", messages).await.expect("taken");
    assert_eq!(world.close(at(15, 0)).await, 2);
    let good =
        BTreeMap::from([(hour(12), 1.into()), (hour(13), 1000.into()), (hour(14), 10.into())]);
    assert_eq!(calls(&world).await, good, "the good calls are billed");
    (world, gateway)
}

#[test]
fn a_late_record_that_can_not_be_rated_holds_nothing_else_and_is_billed_once_released() {
    run(async {
        let (world, _) = late_and_bad("held_late", |file| typo(file, at(11, 0))).await;
        let waits = waiting(&world).await;
        let [one] = waits.as_slice() else { panic!("{waits:?}") };
        assert_eq!((one.cut, one.hour, one.account.as_str()), (hour(13), hour(11), "acme"));
        assert!(one.reason.contains("ap-typo"), "{}", one.reason);
        assert_eq!(world.proof(hour(13)).await["held"][0]["hour"], hour(11).to_string());
        assert_eq!(world.counters.held.load(Ordering::Relaxed), 1);

        // In vain at first: nobody knows that region either.
        assert_eq!(let_go(&world, hour(11), renamed("nowhere")).await.expect("released"), 1);
        assert_eq!(world.close(at(16, 0)).await, 1);
        assert_eq!(waiting(&world).await[0].at, hour(15));
        // Two decisions before the next closing: the last one counts.
        for to in ["nowhere", "ap-singapore"] {
            assert_eq!(let_go(&world, hour(11), renamed(to)).await.expect("released"), 1);
        }
        assert_eq!(world.close(at(17, 0)).await, 1);
        assert_eq!(calls(&world).await[&hour(11)], 1.into());
        assert_eq!(waiting(&world).await, []);
        assert_eq!(world.counters.held.load(Ordering::Relaxed), 0);
        let again = dry_run(&world.store, None, hour(16), at(20, 0)).await.expect("computed");
        assert_eq!((again.same(), again.bills.len()), (Some(true), 1));
        let refused = let_go(&world, hour(11), Release::Waive).await.expect_err("it is billed");
        assert!(matches!(refused, ReleaseError::NotHeld { .. }));
        assert_eq!(world.close(at(18, 0)).await, 1);
        assert_eq!(calls(&world).await[&hour(11)], 1.into());
    });
}

#[test]
fn an_hour_without_a_price_book_waits_for_one_to_be_named() {
    run(async {
        let long_ago = Time(1_000_000_000_000);
        let (world, _) = late_and_bad("held_book", |file| file.call(long_ago)).await;
        let of = long_ago.hour();
        let rate = |book: &str| Release::Rate { book: Some(book.into()), regions: BTreeMap::new() };
        let refused = let_go(&world, of, rate("cheap")).await.expect_err("no such book");
        assert!(matches!(refused, ReleaseError::NoBook { .. }), "{refused}");
        let_go(&world, of, rate("published-usd")).await.expect("released");
        assert_eq!(world.close(at(16, 0)).await, 1);
        assert_eq!(calls(&world).await[&of], 1.into());
        assert_eq!(waiting(&world).await, []);
    });
}

#[test]
fn what_is_waived_is_never_billed() {
    run(async {
        let (world, _) = late_and_bad("held_waived", |file| typo(file, at(11, 0))).await;
        let_go(&world, hour(11), Release::Waive).await.expect("released");
        assert_eq!(world.close(at(18, 0)).await, 3);
        assert_eq!(waiting(&world).await, []);
        assert_eq!(calls(&world).await.get(&hour(11)), None);
    });
}

#[test]
fn an_hour_that_is_held_is_billed_whole_once_it_is_released() {
    run(async {
        let world = World::new("held_own").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 5), 100));
        messages.push(typo(&mut gateway, at(13, 6)));
        let late = gateway.call(at(13, 7));
        for of in 14..19 {
            messages.push(gateway.beat(at(of, 0)));
        }
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 25)).await, 1);
        assert_eq!(calls(&world).await, BTreeMap::new());
        // What comes late for a held hour is billed all the same.
        world.take("spool:g", vec![late]).await.expect("taken");
        assert_eq!(world.close(at(15, 0)).await, 1);
        assert_eq!(calls(&world).await, BTreeMap::from([(hour(13), 1.into())]));
        let_go(&world, hour(13), renamed("ap-singapore")).await.expect("released");
        assert_eq!(world.close(at(17, 0)).await, 2);
        assert_eq!(calls(&world).await, BTreeMap::from([(hour(13), 102.into())]));
        assert_eq!(waiting(&world).await, []);
    });
}
