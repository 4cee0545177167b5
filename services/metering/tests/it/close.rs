//! An hour from records to a bill that proves itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metering::{Clock, CloseError, Closer, Open, Step, dry_run, provisional};
use pricing::State;
use record::{InstanceType, Net, Part, PreviousLife};

use crate::intake::die_at;
use crate::proxy::Proxy;
use crate::world::{Gateway, Input, World, at, hour, prices, run};

/// One life of gateway `g`: calls in hours 13 and 14, and its end.
fn a_life() -> Vec<Input> {
    let mut gateway = Gateway::new("g", at(13, 0));
    let mut messages = vec![gateway.start(at(13, 0), None)];
    messages.extend(gateway.calls(at(13, 10), 3));
    // Not billable, but its bytes count; a private one counts for nothing.
    messages.push(gateway.record(at(13, 20), |record| {
        (record.rsp_st, record.ups_st) = (404, "".into());
    }));
    messages.push(gateway.record(at(13, 21), |record| {
        (record.net, record.ups_net, record.ups_req_len) = (Net::Private, Net::Private, 5 << 20);
        record.account = "inner".into();
    }));
    messages.push(gateway.record(at(13, 22), |record| record.part = Part::Interim));
    messages.push(gateway.record(at(13, 23), |record| {
        (record.ups_net, record.ups_req_len) = (Net::Public, 2 << 20);
        (record.account, record.instance_type) = ("zeta".into(), InstanceType::Dedicated);
    }));
    messages.push(gateway.beat(at(13, 59)));
    messages.push(gateway.call(at(14, 5)));
    messages.push(gateway.end(at(14, 30)));
    messages
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("JSON")
}

/// `item direction quantity amount` of each line.
fn lines(bill: &str) -> Vec<String> {
    let bill = json(bill);
    let text = |line: &serde_json::Value, key: &str| line[key].as_str().unwrap_or("").to_owned();
    let lines = bill["lines"].as_array().expect("lines").iter();
    let line = |line: &serde_json::Value| {
        let words = ["item", "direction", "quantity", "amount"].map(|key| text(line, key));
        words.join(" ").replace("  ", " ")
    };
    lines.map(line).collect()
}

#[test]
fn an_hour_becomes_bills_and_a_proof_that_checks() {
    run(async {
        let world = World::new("hour").await;
        world.take("spool:g", a_life()).await.expect("taken");
        assert_eq!(world.close(at(14, 1)).await, 1);
        let bills = world.bills().await;
        assert_eq!(bills.len(), 3);
        // Three calls; five responses of 1 MiB: 5 / 1024 = 0.00488… GB.
        let expect = ["calls 3 0.00000267", "traffic response 0.0049 0.00058800"];
        assert_eq!(lines(&bills[0]), expect);
        assert_eq!(json(&bills[0])["total"], "0.00059067");
        assert_eq!(lines(&bills[1]), ["calls 1 0.00000089"]);
        // A dedicated instance pays no calls: 1 MiB to the client, 2 MiB to the backend.
        let expect = ["traffic response 0.0010 0.00012000", "traffic backend 0.0020 0.00024000"];
        assert_eq!(lines(&bills[2]), expect);
        let proof = world.proof(hour(13)).await;
        assert_eq!(proof["complete"], true);
        let stream = &proof["streams"][0];
        let figures = ["first", "last", "stored", "dead", "missing"].map(|key| &stream[key]);
        assert_eq!(figures.map(|figure| figure.as_u64()), [0, 8, 9, 0, 0].map(Some));
        assert_eq!(world.check(hour(13)).await, [(stream_name(13), true)]);
        // The next hour closes at once: the gateway retired.
        assert_eq!(world.close(at(15, 0)).await, 1);
        assert_eq!(world.proof(hour(14)).await["complete"], true);
        assert_eq!(world.bills().await.len(), 4);
        assert_eq!(world.close(at(15, 59)).await, 0);
        assert_eq!(world.counters.closed.load(Ordering::Relaxed), 2);
    });
}

fn stream_name(start: i64) -> String {
    format!("g/{}/0", at(start, 0).0)
}

#[test]
fn killed_between_any_two_steps_a_closing_comes_to_the_same() {
    run(async {
        let whole = World::new("close_whole").await;
        whole.take("spool:g", a_life()).await.expect("taken");
        whole.close(at(15, 0)).await;
        // All of the cuts but when they were looked at.
        let cuts = "SELECT toString(groupArray(replaceRegexpOne(cut, '\"looked_at\":\"[^\"]*\"', ''))) \
                    AS t FROM (SELECT * FROM cuts ORDER BY hour)";
        let expect = (whole.bills().await, whole.text(cuts).await);
        for (number, step) in Step::ALL.into_iter().skip(4).enumerate() {
            let world = World::new(&format!("close_killed_{number}")).await;
            world.take("spool:g", a_life()).await.expect("taken");
            let mut closer = world.closer_with(die_at(step), at(15, 0), Some(prices(""))).await;
            let killed = tokio::spawn(async move { closer.round().await.map(drop) }).await;
            assert!(killed.expect_err("it dies").is_panic(), "{step:?}");
            world.close(at(15, 0)).await;
            assert_eq!((world.bills().await, world.text(cuts).await), expect, "{step:?}");
            for table in ["cuts", "closings"] {
                let rows = world.number(&format!("SELECT count() AS n FROM {table}")).await;
                assert_eq!(rows, 2, "{step:?} {table}");
            }
            for of in [13, 14] {
                assert!(world.check(hour(of)).await.iter().all(|(_, ok)| *ok), "{step:?} {of}");
            }
        }
    });
}

#[test]
fn a_row_that_comes_after_the_cut_is_in_no_bill_of_the_hour_that_is_finished() {
    run(async {
        let whole = World::new("cut_whole").await;
        whole.take("spool:g", a_life()).await.expect("taken");
        whole.close(at(14, 40)).await;
        // Behind the share, in an account that has a bill; and of a stream that nobody knew.
        for (number, name) in ["g", "h"].into_iter().enumerate() {
            let world = World::new(&format!("cut_late_{number}")).await;
            world.take("spool:g", a_life()).await.expect("taken");
            let dies = die_at(Step::AfterCut);
            let mut closer = world.closer_with(dies, at(14, 40), Some(prices(""))).await;
            let killed = tokio::spawn(async move { closer.round().await.map(drop) }).await;
            killed.expect_err("it dies between cut and bills");
            let mut late = Gateway::new(name, at(13, 0));
            (0..20).for_each(|_| late.skip());
            let late = late.call(at(13, 30));
            world.take(&format!("spool:{name}"), vec![late]).await.expect("taken");
            assert_eq!(world.close(at(14, 40)).await, 1, "it is finished");
            assert_eq!(world.bills().await, whole.bills().await, "{name}");
            assert!(world.check(hour(13)).await.iter().all(|(_, ok)| *ok), "{name}");
        }
    });
}

#[test]
fn a_closed_hour_computed_again_gives_the_same_bytes() {
    run(async {
        let world = World::new("again_same").await;
        world.take("spool:g", a_life()).await.expect("taken");
        world.close(at(15, 0)).await;
        for of in [13, 14] {
            let run = dry_run(&world.store, None, hour(of), at(20, 0)).await.expect("a dry run");
            assert_eq!((run.state, run.same()), (State::Closed, Some(true)));
            assert!(run.held.is_empty() && !run.bills.is_empty());
        }
        // A bill that was altered is seen.
        world.execute("ALTER TABLE bills UPDATE bill = concat(bill, ' ') WHERE account = 'zeta' SETTINGS mutations_sync = 1").await;
        let run = dry_run(&world.store, None, hour(13), at(20, 0)).await.expect("a dry run");
        assert_eq!(run.same(), Some(false));
    });
}

#[test]
fn one_altered_row_and_the_proof_names_its_stream() {
    run(async {
        let world = World::new("tamper").await;
        let mut other = Gateway::new("h", at(13, 0));
        let mut messages = other.calls(at(13, 1), 5);
        messages.push(other.end(at(13, 2)));
        messages.extend(a_life());
        world.take("spool:g", messages).await.expect("taken");
        world.close(at(14, 0)).await;
        let good = world.check(hour(13)).await;
        let bad = |name: &str| -> Vec<(String, bool)> {
            good.iter().map(|(stream, _)| (stream.clone(), !stream.starts_with(name))).collect()
        };
        assert!(good.len() == 2 && good.iter().all(|(_, ok)| *ok));
        let sync = "SETTINGS mutations_sync = 1";
        let seq = "gateway = 'g' AND seq = 2";
        for change in ["rsp_len = 7", "caller = 'x'", "billable = 0", "req_id = 'y'"] {
            world.execute("CREATE TABLE saved AS records").await;
            world.execute("INSERT INTO saved SELECT * FROM records").await;
            world.execute(&format!("ALTER TABLE records UPDATE {change} WHERE {seq} {sync}")).await;
            assert_eq!(world.check(hour(13)).await, bad("g"), "{change}");
            world.execute("TRUNCATE TABLE records").await;
            world.execute("INSERT INTO records SELECT * FROM saved").await;
            world.execute("DROP TABLE saved").await;
            assert_eq!(world.check(hour(13)).await, good);
        }
        world
            .execute("INSERT INTO records SELECT * FROM records WHERE gateway = 'h' AND seq = 3")
            .await;
        assert_eq!(world.check(hour(13)).await, bad("h"), "a row doubled");
        world.execute(&format!("ALTER TABLE records DELETE WHERE {seq} {sync}")).await;
        assert!(world.check(hour(13)).await.iter().all(|(_, ok)| !ok), "a row taken away");
        let run = dry_run(&world.store, None, hour(13), at(20, 0)).await;
        assert!(matches!(run, Err(CloseError::Proof { .. })));
    });
}

#[test]
fn an_altered_cut_is_found_too() {
    run(async {
        let world = World::new("tamper_cut").await;
        world.take("spool:g", a_life()).await.expect("taken");
        world.close(at(14, 0)).await;
        world.execute("ALTER TABLE cuts UPDATE cut = replaceOne(cut, '[0,8]', '[0,8],[99,99]') WHERE 1 SETTINGS mutations_sync = 1").await;
        assert_eq!(world.check(hour(13)).await, [(stream_name(13), false)]);
    });
}

#[test]
fn of_two_closers_one_goes_on_and_the_other_stops() {
    run(async {
        let world = World::new("two").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let mut old = world.closer(at(15, 0)).await;
        let mut new = world.closer(at(15, 0)).await;
        let stopped = old.round().await.expect_err("it is fenced off");
        assert!(matches!(stopped, CloseError::TakenOver), "{stopped}");
        assert_eq!(world.number("SELECT count() AS n FROM cuts").await, 0);
        assert_eq!(new.round().await.expect("a round").closed.len(), 2);
        let last = Closer::run(old, std::future::pending());
        let last = tokio::time::timeout(Duration::from_secs(60), last).await.expect("it stops");
        assert_eq!(last, metering::Stopped::TakenOver);
    });
}

#[test]
fn two_closers_at_once_close_every_hour_once() {
    run(async {
        let world = World::new("race").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let mut closers = Vec::new();
        for _ in 0..4 {
            closers.push(world.closer(at(15, 0)).await);
        }
        let rounds = closers.into_iter().map(|mut closer| {
            tokio::spawn(async move { closer.round().await.map(|round| round.closed.len()) })
        });
        let mut closed = 0;
        for round in rounds.collect::<Vec<_>>() {
            match round.await.expect("no panic") {
                Ok(hours) => closed += hours,
                Err(error) => assert!(matches!(error, CloseError::TakenOver), "{error}"),
            }
        }
        assert_eq!(closed, 2);
        for table in ["cuts", "closings"] {
            assert_eq!(world.number(&format!("SELECT count() AS n FROM {table}")).await, 2);
        }
        assert_eq!(world.bills().await.len(), 4);
    });
}

#[test]
fn a_closing_whose_answers_are_lost_comes_to_the_same() {
    run(async {
        let world = World::new("close_unknown").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let proxy = Proxy::start(&world.endpoint.url).await;
        for table in ["cuts", "bills", "closings", "price_books"] {
            proxy.swallow(table, 1);
        }
        let (clock, store): (Clock, _) = (Arc::new(|| at(15, 0)), world.through(proxy.port));
        let (counters, prices) = (Arc::clone(&world.counters), Some(prices("")));
        let closer =
            Closer::start(store, world.config.clone(), counters, prices, vec![], clock).await;
        let closings = "SELECT count() AS n FROM closings";
        let closed = async {
            while world.number(closings).await < 2 {
                tokio::task::yield_now().await;
            }
        };
        closer.expect("a closer").run(closed).await;
        assert!(proxy.done(), "the answers were lost");
        assert!(world.counters.close_failures.load(Ordering::Relaxed) >= 3);
        assert_eq!((world.number(closings).await, world.bills().await.len()), (2, 4));
        assert_eq!(world.number("SELECT count() AS n FROM cuts").await, 2);
        for of in [13, 14] {
            assert!(world.check(hour(of)).await.iter().all(|(_, ok)| *ok), "{of}");
            let run = dry_run(&world.store, None, hour(of), at(20, 0)).await.expect("a dry run");
            assert_eq!(run.same(), Some(true));
        }
    });
}

#[test]
fn a_silent_gateway_is_waited_for_until_the_deadline_and_what_is_missing_is_said() {
    run(async {
        let world = World::new("silent").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None)];
        messages.extend(gateway.calls(at(13, 10), 2));
        gateway.skip();
        messages.push(gateway.call(at(13, 11)));
        world.take("spool:g", messages).await.expect("taken");
        let mut closer = world.closer(at(14, 24)).await;
        let round = closer.round().await.expect("a round");
        let waiting = Open::Waiting { until: at(14, 25), on: vec![stream_name(13)] };
        assert_eq!(round.open, Some((hour(13), waiting)));
        assert_eq!(world.close(at(14, 25)).await, 1);
        let proof = world.proof(hour(13)).await;
        assert_eq!(
            (&proof["complete"], &proof["streams"][0]["missing"]),
            (&json("false"), &json("1"))
        );
        assert_eq!(proof["silent"], json(&format!("[\"{}\"]", stream_name(13))));
        assert_eq!(world.check(hour(13)).await, [(stream_name(13), true)]);
        // It crashed; its next life says where it ended.
        let last = vec![Some(4)];
        let mut next = Gateway::new("g", at(15, 30));
        let previous = PreviousLife { epoch: gateway.stream.epoch, last };
        let messages = vec![next.start(at(15, 30), Some(previous)), next.end(at(15, 40))];
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(16, 0)).await, 2);
        assert_eq!(world.proof(hour(14)).await["complete"], true);
        assert_eq!(world.proof(hour(15)).await["complete"], true);
    });
}

#[test]
fn a_dead_letter_is_counted_in_the_proof() {
    run(async {
        let world = World::new("dead_proof").await;
        let mut messages = a_life();
        messages[3].1 = b"?".to_vec();
        world.take("spool:g", messages).await.expect("taken");
        world.close(at(14, 0)).await;
        let proof = world.proof(hour(13)).await;
        assert_eq!(proof["complete"], false);
        assert_eq!(
            (&proof["streams"][0]["dead"], &proof["streams"][0]["stored"]),
            (&json("1"), &json("8"))
        );
        assert_eq!(world.check(hour(13)).await, [(stream_name(13), true)]);
        world.execute("TRUNCATE TABLE dead_letters").await;
        assert_eq!(world.check(hour(13)).await, [(stream_name(13), false)]);
    });
}

#[test]
fn an_account_that_can_not_be_rated_holds_back_its_own_bill_only() {
    run(async {
        let world = World::new("held").await;
        let mut messages = a_life();
        let mut gateway = Gateway::new("h", at(13, 0));
        messages.push(gateway.record(at(13, 1), |record| {
            (record.account, record.region) = ("lost".into(), "atlantis".into());
        }));
        messages.push(gateway.end(at(13, 2)));
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 0)).await, 1);
        assert_eq!(world.bills().await.len(), 3);
        let held = &world.proof(hour(13)).await["held"];
        assert_eq!(held[0]["account"], "lost");
        assert!(held[0]["reason"].as_str().expect("a reason").contains("atlantis"));
        assert_eq!(world.counters.held.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn without_prices_hours_close_and_every_bill_is_held() {
    run(async {
        let world = World::new("free").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let mut closer = world.closer_with(world.config.clone(), at(15, 0), None).await;
        assert_eq!(closer.round().await.expect("a round").closed.len(), 2);
        assert!(world.bills().await.is_empty());
        assert_eq!(world.proof(hour(13)).await["held"].as_array().map(Vec::len), Some(3));
    });
}

#[test]
fn opening_use_is_frozen_and_tiers_are_crossed() {
    run(async {
        let world = World::new("opening").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let opening = "accounts: [{id: acme, opening_use: [{month: 2026-11, calls: 9_999_999}]}]";
        let mut closer =
            world.closer_with(world.config.clone(), at(14, 0), Some(prices(opening))).await;
        closer.round().await.expect("a round");
        let expect =
            ["calls 1 0.00000089", "calls 2 0.00000118", "traffic response 0.0049 0.00058800"];
        assert_eq!(lines(&world.bills().await[0]), expect);
        // The configuration changes; the closed hour does not, and the next one goes on from it.
        let run = dry_run(&world.store, Some(&prices("")), hour(13), at(14, 0)).await;
        assert_eq!(run.expect("a dry run").same(), Some(true));
        world.close(at(15, 0)).await;
        let expect = ["calls 1 0.00000059", "traffic response 0.0010 0.00012000"];
        assert_eq!(lines(&world.bills().await[3]), expect);
    });
}

#[test]
fn the_open_hour_has_a_view_that_is_marked() {
    run(async {
        let world = World::new("view").await;
        world.take("spool:g", a_life()).await.expect("taken");
        let prices = prices("");
        let view = provisional(&world.store, Some(&prices), Some("acme"), at(14, 40)).await;
        let view = view.expect("a view");
        let shown: Vec<_> = view.bills.iter().map(|bill| (bill.hour, bill.state)).collect();
        assert_eq!(shown, [(hour(13), State::Provisional), (hour(14), State::Open)]);
        world.close(at(14, 40)).await;
        let stored = &world.bills().await[0];
        assert_eq!(lines(&view.bills[0].to_json()), lines(stored));
        let run = dry_run(&world.store, Some(&prices), hour(14), at(14, 40)).await.expect("a run");
        assert_eq!((run.state, run.same(), run.bills.len()), (State::Open, None, 1));
    });
}

#[test]
fn a_new_book_may_not_price_hours_that_are_cut() {
    run(async {
        let world = World::new("book").await;
        world.take("spool:g", a_life()).await.expect("taken");
        world.close(at(14, 0)).await;
        assert_eq!(world.number("SELECT count() AS n FROM price_books").await, 1);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.yaml");
        let text = pricing::bundled("published").expect("a book").replace("published-usd", "ours");
        let start = async |from: &str| {
            let text = text.replace("2020-01-01T00:00:00+08:00", from);
            std::fs::write(&path, text).expect("written");
            let sink = settings::Sink::new();
            let section = format!(
                "books: [\"bundled:published\", \"{}\"]\ndefault_book: ours",
                path.display()
            );
            let prices = settings::Document::parse("p", &section, &sink).and_then(|document| {
                let load = |path: &std::path::Path| std::fs::read_to_string(path);
                pricing::Prices::read(&document.root(&sink), &sink, &load)
            });
            let prices = Some(Arc::new(sink.finish(prices).expect("prices")));
            let clock: Clock = Arc::new(|| at(14, 0));
            let (store, counters) = (world.store.clone(), Arc::clone(&world.counters));
            Closer::start(store, world.config.clone(), counters, prices, vec![], clock).await
        };
        let error = start("2026-11-20T13:00:00Z").await.expect_err("hour 13 is cut");
        assert!(matches!(error, CloseError::LateBook { .. }), "{error}");
        start("2026-11-20T14:00:00Z").await.expect("hour 14 is not cut");
        assert_eq!(world.number("SELECT count() AS n FROM price_books").await, 2);
    });
}

#[test]
fn a_long_gap_between_records_is_closed_in_few_steps() {
    run(async {
        let world = World::new("idle").await;
        let mut gateway = Gateway::new("ingest:old", at(0, 0));
        let messages = vec![gateway.call(at(-1300, 0)), gateway.end(at(-1300, 1))];
        world.take("ingest:old", messages).await.expect("taken");
        let mut gateway = Gateway::new("ingest:new", at(0, 0));
        let messages = vec![gateway.call(at(0, 0)), gateway.end(at(0, 1))];
        world.take("ingest:new", messages).await.expect("taken");
        assert_eq!(world.close(at(3, 30)).await, 1303);
        let hours = "SELECT uniqExact(hour) AS n FROM closings";
        assert_eq!(world.number(hours).await, 1303);
        let states: BTreeMap<_, _> = [(-700, 0), (0, 1)].into();
        for (of, streams) in states {
            let proof = world.proof(hour(of)).await;
            assert_eq!(proof["complete"], true);
            assert_eq!(proof["streams"].as_array().map(Vec::len), Some(streams));
        }
        assert_eq!(world.bills().await.len(), 2);
    });
}
