//! The parts about the store start, and give figures that can be: with the least sizes, against
//! the real engine and the real broker. No figure is judged.

use std::process::Command;

use serde_json::Value;

/// Runs a part; its rows by name, each with ours, the peer's and their ratio, as far as they are.
fn rows(part: &str) -> Vec<(String, [Option<f64>; 3])> {
    let ran = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args([part, "--smoke", "--output", "json"])
        .output()
        .expect("the benchmark starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{part}: {said}");
    let json: Value = serde_json::from_slice(&ran.stdout).expect("one JSON document");
    assert_eq!(json["parts"][0]["part"], part);
    let rows = json["parts"][0]["rows"].as_array().expect("rows");
    let row = |row: &Value| {
        let figure = |pointer| row.pointer(pointer).and_then(Value::as_f64);
        let figures = ["/ours/median", "/peer/median", "/ratio/median"].map(figure);
        (row["name"].as_str().expect("a name").to_owned(), figures)
    };
    rows.iter().map(row).collect()
}

/// Every row has our figure, between these two; and so many rows have a peer's.
fn check(part: &str, names: usize, peers: usize, least: f64, most: f64) {
    let rows = rows(part);
    assert_eq!(rows.len(), names, "{rows:?}");
    for (name, [ours, peer, ratio]) in &rows {
        let ours = ours.unwrap_or_else(|| panic!("{part}, {name}: no figure"));
        assert!((least..=most).contains(&ours), "{part}, {name}: {ours}");
        assert_eq!(peer.is_some(), ratio.is_some_and(|ratio| ratio > 0.0), "{part}, {name}");
    }
    assert_eq!(rows.iter().filter(|(_, [_, peer, _])| peer.is_some()).count(), peers, "{rows:?}");
}

#[test]
fn metering_takes_the_same_records_as_its_peer() {
    // Rows per second and microseconds per row.
    check("metering", 4, 4, 0.1, 10e6);
}

#[test]
fn latency_is_measured_both_ways() {
    check("latency", 2, 0, 0.001, 120.0);
}

#[test]
fn records_are_found_by_id_and_by_filter() {
    check("lookup", 5, 2, 0.01, 60_000.0);
}

#[test]
fn an_hour_is_closed() {
    check("close", 2, 2, 0.001, 600_000.0);
}

#[test]
fn a_record_takes_room() {
    check("disk", 2, 1, 10.0, 1_000.0);
}
