//! BILL-2: a closed hour stays as it was; what comes late is corrected in the next one.

use std::fs;

use serde_json::Value;
use tests::ledger::get;
use tests::lines::{Call, SELLER, write_file};
use tests::naive::{self, FIRST_TIER, total_of, units};
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX};

use crate::day::{
    bill_texts, check, closed, ingest, metric, program, proof_text, stored_hour, up_at, world,
};

/// Calls of 30,000 bytes: less than half of the smallest part of a GB that is billed.
fn small_calls(number: u32, hour: u32, count: u32) -> Vec<Call> {
    let small = |n: u32| Call { rsp_len: 30_000, ..Call::new(number + n, hour, 100 + n) };
    (0..count).map(small).collect()
}

fn parsed(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| serde_json::from_str(text).expect("a bill")).collect()
}

#[test]
fn a_late_record_becomes_a_correction_and_the_closed_hour_stays_as_it_was() {
    // In time: 4 calls up to the bound but one. Late: 10 calls of the same hour.
    let mut world = world(FIRST_TIER - 5);
    let (timely, late) = (small_calls(0, 9, 4), small_calls(100, 9, 10));
    let folder = world.folder.path().to_owned();
    write_file(&folder.join("timely"), timely.iter().map(Call::bracket));
    write_file(&folder.join("late"), late.iter().map(Call::bracket));
    up_at(&mut world, 8, 30);
    ingest(&world, "bracket", "timely", "timely");
    world.stop();

    let running = up_at(&mut world, 10, 5);
    closed(&running, 9);
    let (bills, proof) = (bill_texts(&running, 9), proof_text(&running, 9));
    assert_eq!(bills.len(), 1, "{bills:?}");
    ingest(&world, "bracket", "late", "late");
    world.stop();

    let running = up_at(&mut world, 11, 5);
    closed(&running, 10);
    assert_eq!(bill_texts(&running, 9), bills);
    assert_eq!(proof_text(&running, 9), proof);
    assert!(check(&running, 9).iter().all(|(_, ok)| *ok));

    let corrections = parsed(&bill_texts(&running, 10));
    assert_eq!(corrections.len(), 1, "{corrections:?}");
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or("").to_owned();
    let shown: Vec<_> = corrections[0]["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            assert_eq!(word(line, "corrects_hour"), "2024-01-17T09:00:00Z", "{line}");
            format!("{} {}", word(line, "corrects_line"), word(line, "quantity"))
        })
        .collect();
    // 4 × 30,000 bytes are 0.0001 GB; 14 × 30,000 are 0.0004.
    let expect = ["calls:t1 1", "calls:t2 9", "traffic:ap-guangzhou:response:shared:t1 0.0003"];
    assert_eq!(shown, expect);

    // All bills together are what everything comes to when it is rated once.
    let all: i128 = parsed(&bills).iter().chain(&corrections).map(total_of).sum();
    let once = naive::bill(timely.iter().chain(&late), FIRST_TIER - 5);
    assert_eq!(all, once.iter().map(|line| line.amount).sum::<i128>());
    // And the month's use goes on from there.
    let stands = running.number("SELECT count() FROM bills");
    assert_eq!(stands, 2);
    assert!(world.stop().success(), "{}", world.log());
}

/// Sends `count` requests, one after the other.
fn send(running: &Running, count: usize) {
    let mut client = tests::client::Client::connect(running.gateway).expect("it listens");
    for _ in 0..count {
        let answer = client.exchange(&get(HOST, "/release/size/20000")).expect("an answer");
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn an_old_spool_that_returns_after_retention_bills_nothing_twice() {
    const CALLS: usize = 40;
    let mut world = world(0);
    let (spool, old) = (world.data().join("spool"), world.folder.path().join("old-spool"));
    let stored = |running: &Running| {
        running.number("SELECT count() FROM records WHERE part = 'final'") as usize
    };
    let running = up_at(&mut world, 8, 30);
    send(&running, CALLS);
    // The copy knows of no acknowledgement: everything in it is still to be shipped.
    world.kill();
    copy(&spool, &old);
    forget_acknowledgements(&old);
    let running = up_at(&mut world, 8, 40);
    wait::until("the calls", STORE_MAX, || (stored(&running) == CALLS).then_some(()));
    assert!(world.stop().success(), "{}", world.log());

    let running = up_at(&mut world, 9, 5);
    closed(&running, 8);
    let (bills, proof) = (bill_texts(&running, 8), proof_text(&running, 8));
    let bill = &parsed(&bills)[0];
    assert_eq!((&bill["account"], units("40")), (&SELLER.into(), units(&calls_of(bill))));
    // Retention drops the hour's rows, whole parts at a time.
    running.sql(&format!(
        "ALTER TABLE records DELETE WHERE hour = '{}' SETTINGS mutations_sync = 2",
        stored_hour(8)
    ));
    assert_eq!(stored(&running), 0);
    assert!(world.stop().success(), "{}", world.log());

    fs::remove_dir_all(&spool).expect("the spool goes");
    copy(&old, &spool);
    let running = up_at(&mut world, 10, 5);
    let recognised = || metric(&running, "metering_duplicates_total");
    wait::until("all of it to be taken in", STORE_MAX, || {
        (recognised() + stored(&running) as u64 >= CALLS as u64).then_some(())
    });
    assert_eq!(stored(&running), 0, "no call is stored again");
    closed(&running, 9);
    assert_eq!(stored(&running), 0, "no call is stored again");
    assert_eq!(bill_texts(&running, 8), bills);
    assert_eq!(proof_text(&running, 8), proof);
    assert_eq!(running.number("SELECT count() FROM bills"), bills.len() as u64);
    assert_eq!(
        running.number("SELECT count() FROM cuts WHERE JSONExtractArrayRaw(cut, 'late') != []"),
        0
    );
    let shown = program(&world).json(&["bills", "show", &tests::lines::hour(8)]);
    assert_eq!(shown["bills"], Value::Array(parsed(&bills)));
    assert!(world.stop().success(), "{}", world.log());
}

fn calls_of(bill: &Value) -> String {
    let lines = bill["lines"].as_array().expect("lines");
    let calls = lines.iter().find(|line| line["item"] == "calls").expect("a line of calls");
    calls["quantity"].as_str().expect("a decimal").to_owned()
}

fn forget_acknowledgements(spool: &std::path::Path) {
    for stream in fs::read_dir(spool.join("streams")).expect("streams") {
        // A stream of which nothing was acknowledged has none.
        fs::remove_file(stream.expect("a stream").path().join("ack")).ok();
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
