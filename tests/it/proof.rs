//! A closed hour can be computed again, and its proof finds what was altered.

use tests::lines::{self, calls, write_file};
use tests::world::World;

use crate::day::{check, closed, ingest, program, stored_hour, up_at, world};

/// Two sources with records in the hours 9, 10 and 11, all closed.
fn closed_world() -> (World, tests::world::Running) {
    let mut world = world(9_999_990);
    for (source, first) in [("one", 0), ("two", 1000)] {
        let calls = (9..12).flat_map(|hour| calls(first + hour * 100, hour, 12));
        write_file(&world.folder.path().join(source), calls.map(|call| call.bracket()));
    }
    let running = up_at(&mut world, 8, 30);
    for source in ["one", "two"] {
        assert_eq!(ingest(&world, "bracket", source, source)["stored"], 36);
    }
    drop(running);
    assert!(world.stop().success(), "{}", world.log());
    let running = up_at(&mut world, 12, 5);
    closed(&running, 11);
    (world, running)
}

/// Only rows of `ingest:one` in this hour.
fn rows_of_one(hour: u32) -> String {
    format!("gateway = 'ingest:one' AND hour = '{}'", stored_hour(hour))
}

fn verdicts(one: bool) -> [(String, bool); 2] {
    [("ingest:one".to_owned(), one), ("ingest:two".to_owned(), true)]
}

#[test]
fn the_proof_names_the_stream_whose_row_was_altered_removed_or_added() {
    let (mut world, running) = closed_world();
    for hour in 9..12 {
        assert_eq!(check(&running, hour), verdicts(true), "{hour}");
    }
    let number = |hour| format!("(SELECT min(seq) + 3 FROM records WHERE {})", rows_of_one(hour));
    let (altered, removed, added) = (number(9), number(10), number(11));
    running.sql(&format!(
        "ALTER TABLE records UPDATE rsp_len = rsp_len + 1 WHERE {} AND seq = {altered} \
         SETTINGS mutations_sync = 2",
        rows_of_one(9)
    ));
    assert_eq!(check(&running, 9), verdicts(false));
    assert_eq!(check(&running, 10), verdicts(true));
    running.sql(&format!(
        "ALTER TABLE records DELETE WHERE {} AND seq = {removed} SETTINGS mutations_sync = 2",
        rows_of_one(10)
    ));
    assert_eq!(check(&running, 10), verdicts(false));
    assert_eq!(check(&running, 11), verdicts(true));
    running.sql(&format!(
        "INSERT INTO records SELECT * FROM records WHERE {} AND seq = {added}",
        rows_of_one(11)
    ));
    assert_eq!(check(&running, 11), verdicts(false));
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn a_closed_hour_computed_again_gives_the_same_bytes_until_a_row_is_altered() {
    let (mut world, running) = closed_world();
    let hour = lines::hour(9);
    let again =
        |words: &[&str]| program(&world).run(&[&["close", &hour, "--dry-run"], words].concat());
    let ran = again(&["--output", "json"]).good();
    let json = ran.json();
    assert_eq!((&json["closed"], &json["same"]), (&true.into(), &true.into()), "{json}");
    // 24 calls from 9,999,990 on: 10 in the first tier, 14 in the second.
    let quantities: Vec<_> = json["bills"][0]["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|line| line["item"] == "calls")
        .map(|line| line["quantity"].as_str().expect("a decimal"))
        .collect();
    assert_eq!(quantities, ["10", "14"]);
    assert!(again(&[]).good().out.contains("Same bytes as the closed bills."));

    let alter = |what: &str| {
        let rows = rows_of_one(9);
        running.sql(&format!(
            "ALTER TABLE records UPDATE {what} WHERE {rows} AND seq = 3 SETTINGS mutations_sync = 2"
        ));
    };
    alter("billable = false");
    let ran = again(&["--output", "json"]);
    assert_eq!((ran.code, &ran.json()["same"]), (Some(1), &false.into()), "{ran:?}");
    alter("billable = true");
    again(&[]).good();
    // A row that is gone: there is nothing left to compute the hour from.
    running.sql(&format!(
        "ALTER TABLE records DELETE WHERE {} AND seq = 3 SETTINGS mutations_sync = 2",
        rows_of_one(9)
    ));
    let ran = again(&["--output", "json"]);
    let sentence = ran.failed(1);
    assert!(
        sentence.contains(&format!("{hour}:00:00Z")) && sentence.contains("ingest:one"),
        "{ran:?}"
    );
    // An hour that is not closed says so, and is no failure.
    let open = program(&world).json(&["close", &lines::hour(12), "--dry-run"]);
    assert_eq!((&open["closed"], &open["same"]), (&false.into(), &serde_json::Value::Null));
    assert!(world.stop().success(), "{}", world.log());
}
