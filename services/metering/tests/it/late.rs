//! What comes late, what comes again, and files that come in pieces.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use metering::{Open, dry_run};
use pricing::{Bill, Line};
use record::{Hour, Part, PreviousLife};
use rust_decimal::Decimal;
use serde_json::json;

use crate::world::{Gateway, Input, World, at, hour, prices, run};

/// Gateway `g` beats in every hour from `from` up to `to`, so that all but the last can close.
fn beats(gateway: &mut Gateway, from: i64, to: i64) -> Vec<Input> {
    (from..to).map(|of| gateway.beat(at(of, 0))).collect()
}

async fn bills(world: &World) -> Vec<Bill> {
    let texts = world.bills().await;
    texts.iter().map(|text| Bill::from_json(text).expect("a bill")).collect()
}

/// What all lines say of one hour together: of each place, quantity and amount.
fn billed_for(bills: &[Bill], of: Hour) -> (Decimal, Decimal) {
    let lines = bills.iter().flat_map(|bill| {
        let of_hour = move |line: &&Line| match &line.corrects {
            None => bill.hour == of,
            Some(corrects) => corrects.hour == of,
        };
        bill.lines.iter().filter(of_hour)
    });
    lines.fold((Decimal::ZERO, Decimal::ZERO), |(quantity, amount), line| {
        (quantity + line.quantity, amount + line.amount)
    })
}

#[test]
fn a_late_record_becomes_a_correction_and_the_closed_hour_stays() {
    run(async {
        let world = World::new("late").await;
        let mut gateway = Gateway::new("g", at(12, 0));
        let mut messages = vec![gateway.start(at(12, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 3));
        let late = gateway.calls(at(13, 2), 2);
        messages.push(gateway.call(at(13, 3)));
        messages.extend(beats(&mut gateway, 14, 17));
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 25)).await, 2);
        let before = world.bills().await;
        assert_eq!(world.proof(hour(13)).await["streams"][0]["missing"], 2);

        world.take("spool:g", late).await.expect("taken");
        assert_eq!(world.close(at(16, 0)).await, 2);
        let after = bills(&world).await;
        assert_eq!(world.bills().await[..before.len()], before);
        let correction = &after[1];
        assert_eq!((correction.hour, correction.account.as_str()), (hour(14), "acme"));
        assert!(correction.usage.is_empty());
        let shown = correction.lines.iter().map(|line| {
            let corrects = line.corrects.as_ref().expect("a correction");
            format!("{} {} {} {}", corrects.hour, corrects.line, line.quantity, line.amount)
        });
        // 6 calls instead of 4; 6 / 1024 = 0.0059 GB (rounded) instead of 0.0039.
        let expect = [
            "2026-11-20T13:00:00Z calls:t1 2 0.00000178",
            "2026-11-20T13:00:00Z traffic:ap-singapore:response:shared:t1 0.0020 0.00024000",
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expect);
        // It is corrected once, and all hours come to the same when computed again.
        assert_eq!(world.number("SELECT count() AS n FROM bills").await, 2);
        for of in [12, 13, 14, 15] {
            let run = dry_run(&world.store, None, hour(of), at(20, 0)).await.expect("a dry run");
            assert_eq!(run.same(), Some(true), "{of}");
        }
        assert!(world.check(hour(13)).await.iter().all(|(_, ok)| *ok));
        assert_eq!(world.proof(hour(14)).await["late"][0]["records"], 2);
    });
}

#[test]
fn corrections_of_corrections_come_to_what_was_used() {
    run(async {
        let world = World::new("late_often").await;
        let opening = "accounts: [{id: acme, opening_use: [{month: 2026-11, calls: 9_999_995}]}]";
        let mut gateway = Gateway::new("g", at(10, 0));
        let mut messages = vec![gateway.start(at(10, 0), None)];
        let mut late = Vec::new();
        for of in 10..13 {
            messages.extend(gateway.calls(at(of, 1), 3));
            late.push(gateway.calls(at(of, 2), 2));
            messages.push(gateway.call(at(of, 3)));
        }
        messages.extend(beats(&mut gateway, 13, 20));
        world.take("spool:g", messages).await.expect("taken");
        let close = async |now| {
            let (config, prices) = (world.config.clone(), Some(prices(opening)));
            let mut closer = world.closer_with(config, now, prices).await;
            closer.round().await.expect("a round").closed.len()
        };
        assert_eq!(close(at(13, 25)).await, 3);
        // Late records of three hours, in three different hours, the latest first.
        for (number, of) in [2, 0, 1].into_iter().enumerate() {
            world.take("spool:g", late[of].clone()).await.expect("taken");
            assert_eq!(close(at(14 + number as i64, 30)).await, 1);
        }
        let bills = bills(&world).await;
        // 18 calls from 9,999,995 on: 5 of the first tier, 13 of the second. 6 / 1024 GB in each
        // of three hours: 0.0059.
        let gb = Decimal::new(59, 4);
        let prices = [89, 59].map(|cents| Decimal::new(cents, 8));
        let calls = prices[0] * Decimal::from(5) + prices[1] * Decimal::from(13);
        let expect = calls + Decimal::from(3) * gb * Decimal::new(12, 2);
        let total: Decimal = bills.iter().map(|bill| bill.total.amount).sum();
        assert_eq!(total, expect);
        for of in 10..13 {
            assert_eq!(billed_for(&bills, hour(of)).0, Decimal::from(6) + gb, "{of}");
        }
        for of in 10..16 {
            let run = dry_run(&world.store, None, hour(of), at(20, 0)).await.expect("a dry run");
            assert_eq!(run.same(), Some(true), "{of}");
        }
    });
}

#[test]
fn records_that_come_while_their_hour_is_closed_are_billed_once() {
    run(async {
        let world = World::new("meanwhile").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 100));
        let late = gateway.calls(at(13, 2), 100);
        messages.extend(beats(&mut gateway, 14, 16));
        world.take("spool:g", messages).await.expect("taken");
        let mut closer = world.closer(at(14, 25)).await;
        let (closed, taken) = tokio::join!(closer.round(), world.take("spool:g", late));
        assert_eq!(closed.expect("a round").closed.len(), 1);
        taken.expect("taken");
        world.close(at(15, 0)).await;
        let bills = bills(&world).await;
        let calls: Decimal = bills
            .iter()
            .flat_map(|bill| &bill.lines)
            .filter(|line| line.item == pricing::Item::Calls)
            .map(|line| line.quantity)
            .sum();
        assert_eq!(calls, Decimal::from(200));
    });
}

#[test]
fn an_old_spool_whose_records_are_gone_bills_nothing_twice() {
    run(async {
        let world = World::new("retention").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 20));
        gateway.skip();
        messages.extend(gateway.calls(at(13, 2), 20));
        messages.push(gateway.end(at(13, 30)));
        world.take("spool:g", messages.clone()).await.expect("taken");
        world.close(at(14, 25)).await;
        let before = world.bills().await;
        // Retention.
        world.execute("TRUNCATE TABLE records").await;
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.number("SELECT count() AS n FROM records").await, 0);
        assert_eq!(world.outcomes(), [84, 42, 42, 0, 0]);
        world.close(at(16, 0)).await;
        assert_eq!(world.bills().await, before);
    });
}

#[test]
fn a_late_record_of_an_hour_whose_rows_are_gone_corrects_it_all_the_same() {
    run(async {
        let world = World::new("late_gone").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 20));
        let late = gateway.call(at(13, 1));
        messages.extend(beats(&mut gateway, 14, 17));
        world.take("spool:g", messages).await.expect("taken");
        world.close(at(14, 25)).await;
        world.execute("ALTER TABLE records DELETE WHERE hour < '2026-11-20 14:00:00' SETTINGS mutations_sync = 1").await;
        world.take("spool:g", vec![late]).await.expect("taken");
        world.close(at(15, 0)).await;
        let (_, amount) = billed_for(&bills(&world).await, hour(13));
        // 21 calls, 21 / 1024 = 0.0205 GB.
        let expect = Decimal::new(89 * 21, 8) + Decimal::new(205, 4) * Decimal::new(12, 2);
        assert_eq!(amount, expect);
    });
}

#[test]
fn a_whole_life_that_comes_late_is_in_a_proof_and_billed() {
    run(async {
        let world = World::new("late_life").await;
        let mut gateway = Gateway::new("g", at(12, 0));
        let mut messages = vec![gateway.start(at(12, 0), None)];
        messages.extend(beats(&mut gateway, 12, 18));
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 0)).await, 2);
        let mut old = Gateway::new("h", at(12, 10));
        let mut messages = vec![old.start(at(12, 10), None)];
        messages.extend(old.calls(at(12, 20), 2));
        messages.extend(old.calls(at(13, 20), 3));
        messages.push(old.end(at(13, 30)));
        world.take("spool:h", messages).await.expect("taken");
        assert_eq!(world.close(at(16, 0)).await, 2);
        let name = format!("h/{}/0", at(12, 10).0);
        assert!(world.check(hour(14)).await.contains(&(name, true)));
        assert_eq!(world.proof(hour(15)).await["streams"].as_array().map(Vec::len), Some(1));
        let bills = bills(&world).await;
        assert_eq!(bills.iter().map(|bill| bill.hour).collect::<Vec<_>>(), [hour(14)]);
        let calls = |of| billed_for(&bills, hour(of)).0.trunc();
        assert_eq!((calls(12), calls(13)), (Decimal::from(2), Decimal::from(3)));
    });
}

#[test]
fn the_same_file_again_stores_nothing() {
    run(async {
        let world = World::new("file").await;
        let mut file = Gateway::new("ingest:nginx", at(0, 0));
        let mut messages = file.calls(at(10, 0), 5);
        messages.extend(file.calls(at(12, 0), 5));
        messages.push(file.record(at(12, 0), |record| {
            record.part = Part::End;
            record.life = Some(Box::default());
        }));
        world.take("ingest:nginx", messages.clone()).await.expect("taken");
        assert_eq!(world.close(at(13, 0)).await, 3);
        world.take("ingest:nginx", messages).await.expect("taken");
        assert_eq!(world.outcomes(), [22, 11, 11, 0, 0]);
        for of in 10..13 {
            assert_eq!(world.proof(hour(of)).await["complete"], true, "{of}");
        }
        assert_eq!(world.bills().await.len(), 2);
    });
}

#[test]
fn a_file_that_is_half_taken_in_is_waited_for() {
    run(async {
        let world = World::new("half").await;
        let mut file = Gateway::new("ingest:nginx", at(0, 0));
        let messages = file.calls(at(10, 0), 5);
        world.take("ingest:nginx", messages).await.expect("taken");
        // The clock of the store says when the rows came: now, not in the hours of the file.
        let now =
            world.number("SELECT toUnixTimestamp64Milli(now64(3)) AS n FROM system.one").await;
        let now = record::Time(i64::try_from(now).expect("a time"));
        let mut closer = world.closer(now).await;
        let round = closer.round().await.expect("a round");
        assert!(
            matches!(round.open, Some((of, Open::Waiting { .. })) if of == hour(10)),
            "{round:?}"
        );
        let rest = vec![file.call(at(11, 0)), file.end(at(11, 0))];
        world.take("ingest:nginx", rest).await.expect("taken");
        let round = closer.round().await.expect("a round");
        assert_eq!(round.closed[..2], [hour(10), hour(11)]);
        assert_eq!(world.proof(hour(10)).await["complete"], true);
    });
}

#[test]
fn at_the_deadline_sources_are_consumed_first_and_an_hour_stays_open_when_they_are_not() {
    run(async {
        let world = World::new("behind").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let messages = vec![gateway.start(at(13, 0), None), gateway.call(at(13, 1))];
        let rest = vec![gateway.call(at(13, 2)), gateway.call(at(13, 3))];
        let room = std::num::NonZeroUsize::new(8).expect("some");
        let (feed, source) = bus::Memory::fed("spool:g", messages, bus::Bounds::default(), room);
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let config = world.config.clone();
        let (pipeline, handle) = metering::Pipeline::new(source, store, config, counters);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(pipeline.run(async move { drop(stopped.await) }));
        handle.catch_up().await.expect("stored");
        for (place, bytes) in rest {
            feed.push(place, bytes).await.expect("room");
        }
        let clock: metering::Clock = Arc::new(|| at(14, 25));
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let (config, prices) = (world.config.clone(), Some(prices("")));
        let sources = vec![handle.clone()];
        let mut closer = metering::Closer::start(store, config, counters, prices, sources, clock)
            .await
            .expect("ok");
        let round = closer.round().await.expect("a round");
        assert_eq!(round.closed, [hour(13)]);
        // What stood in the source at the deadline is in the hour.
        assert_eq!(world.proof(hour(13)).await["streams"][0]["stored"], 4);
        let cut = world.text("SELECT cut AS t FROM cuts").await;
        assert!(cut.contains(r#""ends":[{"source":"spool:g","part":0,"position":3}]"#), "{cut}");
        // Nobody consumes the source any more: the next hour stays open, with an alarm.
        drop(stop);
        running.await.expect("no panic").expect("stopped");
        let clock: metering::Clock = Arc::new(|| at(15, 25));
        let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
        let (config, sources) = (world.config.clone(), vec![handle]);
        let mut closer = metering::Closer::start(store, config, counters, None, sources, clock)
            .await
            .expect("ok");
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(14), Open::Behind)));
        assert_eq!(world.counters.overdue.load(Ordering::Relaxed), 1);
    });
}

/// A machine whose clock is wrong: so many hours ahead of the store's.
fn wrong_by(hours: i64) -> metering::Clock {
    let right = metering::Config::default().machine;
    Arc::new(move || record::Time(right().0 + hours * 3_600_000))
}

#[test]
fn a_clock_that_is_ahead_closes_no_hour_too_early() {
    run(async {
        let world = World::new("ahead").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let messages = vec![gateway.start(at(13, 0), None), gateway.call(at(13, 1))];
        world.take("spool:g", messages).await.expect("taken");
        // It is 13:25, and this machine believes in 15:25.
        let config = metering::Config { machine: wrong_by(2), ..world.config.clone() };
        let mut closer = world.closer_with(config, at(15, 25), Some(prices(""))).await;
        let round = closer.round().await.expect("a round");
        assert_eq!(round.open, Some((hour(13), Open::Running)), "PROOF-1: closed too early");
        assert_eq!(world.close(at(15, 25)).await, 2, "it is 15:25");
    });
}

#[test]
fn a_clock_that_is_behind_makes_no_record_untimely() {
    run(async {
        let world = World::new("backward").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None), gateway.call(at(13, 1))];
        // This one is untimely by any clock.
        messages.push(gateway.call(at(24 * 365 * 10, 0)));
        let config = metering::Config { machine: wrong_by(-24 * 365 * 3), ..world.config.clone() };
        let store = world.store.clone();
        world.take_with(store, config, "spool:g", messages).await.expect("taken");
        assert_eq!(world.number("SELECT count() AS n FROM records").await, 2);
        let letters = metering::dead_letters(&world.store, 10).await.expect("letters");
        let reasons: Vec<_> = letters.iter().map(|letter| letter.reason.as_str()).collect();
        assert!(matches!(reasons[..], [one] if one.starts_with("untimely: ")), "{reasons:?}");
    });
}

#[test]
fn a_crashed_life_is_counted_to_its_last_number() {
    run(async {
        let world = World::new("crash").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 4));
        let epoch = gateway.stream.epoch;
        let mut next = Gateway::new("g", at(13, 30));
        // Its number 5 was on disk, and never came.
        let previous = PreviousLife { epoch, last: vec![Some(5)] };
        messages.push(next.start(at(13, 30), Some(previous)));
        messages.push(next.end(at(13, 40)));
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 24)).await, 0);
        assert_eq!(world.close(at(14, 25)).await, 1);
        let proof = world.proof(hour(13)).await;
        assert_eq!(
            (&proof["streams"][0]["last"], &proof["streams"][0]["missing"]),
            (&5.into(), &1.into())
        );
    });
}

#[test]
fn a_life_whose_spool_was_lost_makes_its_hour_incomplete_and_no_later_one() {
    run(async {
        let world = World::new("lost").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 1), 4));
        // On an empty folder: it knows of no life before.
        let mut next = Gateway::new("g", at(13, 30));
        messages.push(next.start(at(13, 30), None));
        messages.extend([next.beat(at(14, 10)), next.beat(at(15, 10))]);
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 24)).await, 0, "perhaps more comes of it");
        assert_eq!(world.close(at(14, 25)).await, 1);
        let proof = world.proof(hour(13)).await;
        let silent = gateway.stream.to_string();
        assert_eq!((&proof["complete"], &proof["silent"]), (&false.into(), &json!([silent])));
        assert_eq!(world.close(at(15, 11)).await, 1);
        assert_eq!(world.proof(hour(14)).await["complete"], true);
    });
}
