//! Support: worlds that live on the sample day, whose hours close when the clock is set on.

use std::fs;

use serde_json::Value;
use tests::backend::Backend;
use tests::client::Client;
use tests::lines::{self, GUANGZHOU, SELLER, clock};
use tests::program::Program;
use tests::wait;
use tests::world::{Running, STORE_MAX, World};

use crate::EXE;

/// A world without a process; its seller has used `opening` calls in the sample day's month.
pub fn world(opening: u64) -> World {
    let world = World::new(EXE, Backend::start().addr, "");
    let text = fs::read_to_string(world.config()).expect("the configuration");
    let accounts = format!(
        "  accounts:\n    - id: \"{SELLER}\"\n      opening_use: [{{month: 2024-01, calls: {opening}}}]\n"
    );
    let books = "  books: [\"bundled:published\"]\n";
    assert!(text.contains(books), "{text}");
    fs::write(world.config(), text.replace(books, &format!("{books}{accounts}")))
        .expect("a configuration");
    world
}

/// Starts it at this time of the sample day; all hours before are closed by and by.
pub fn up_at(world: &mut World, hour: i64, minute: i64) -> Running {
    world.up_with(&[("TOLLGATE_TEST_CLOCK_AHEAD", &clock(hour, minute))])
}

/// The program in the world's folder.
pub fn program(world: &World) -> Program {
    Program::new(EXE, world.folder.path())
}

/// A file in the world's folder, taken in; gives what the command said.
pub fn ingest(world: &World, form: &str, source: &str, file: &str) -> Value {
    let words = ["ingest", "--format", form, "--source", source, "--region", GUANGZHOU, file];
    program(world).json(&words)
}

/// Waits until this hour of the sample day is closed.
pub fn closed(running: &Running, hour: u32) {
    let hour = stored_hour(hour);
    let sql = format!("SELECT count() FROM closings WHERE hour = '{hour}'");
    wait::until("a closed hour", STORE_MAX, || (running.number(&sql) > 0).then_some(()));
}

/// The hour as ClickHouse writes it.
pub fn stored_hour(hour: u32) -> String {
    format!("{} {hour:02}:00:00", lines::DAY)
}

/// The bills of an hour, as they stand in the store, byte for byte.
pub fn bill_texts(running: &Running, hour: u32) -> Vec<String> {
    let hour = stored_hour(hour);
    let rows =
        running.rows(&format!("SELECT bill FROM bills WHERE hour = '{hour}' ORDER BY account"));
    rows.iter().map(|row| row["bill"].as_str().expect("a text").to_owned()).collect()
}

/// The proof of an hour, as it stands in the store, byte for byte.
pub fn proof_text(running: &Running, hour: u32) -> String {
    let hour = stored_hour(hour);
    running.sql(&format!("SELECT proof FROM closings WHERE hour = '{hour}' FORMAT RawBLOB"))
}

/// A proof from the API.
pub fn proof(running: &Running, hour: u32) -> Value {
    let (status, answer) =
        running.get(&format!("/v1/proofs/{}", lines::hour(hour)), &running.token);
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Runs the SQL of an hour's proof on ClickHouse itself: each stream's gateway, and whether it is
/// as the proof says.
pub fn check(running: &Running, hour: u32) -> Vec<(String, bool)> {
    let proof = proof(running, hour);
    let sql = proof["proof"]["sql"].as_str().expect("the proof has its query");
    let rows = running.rows(sql);
    let streams = |of: &serde_json::Value| of["streams"].as_array().expect("streams").len();
    let late = proof["proof"]["late"].as_array().expect("late").iter().map(streams).sum::<usize>();
    let expect = streams(&proof["proof"]) + late;
    assert_eq!(rows.len(), expect, "one row for each stream, and for each of what came late");
    let row = |row: &Value| {
        let gateway = row["gateway"].as_str().expect("a gateway").to_owned();
        (gateway, row["ok"].as_u64().expect("a number") == 1)
    };
    rows.iter().map(row).collect()
}

/// A number that the running process shows to Prometheus.
pub fn metric(running: &Running, name: &str) -> u64 {
    let text = metrics(running);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("no {name} in:\n{text}"));
    value.parse().unwrap_or_else(|_| panic!("{name}: {value}"))
}

/// All that the running process shows to Prometheus.
pub fn metrics(running: &Running) -> String {
    let mut client = Client::connect(running.metrics).expect("it listens");
    let answer = client.exchange(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\n\r\n");
    String::from_utf8(answer.expect("an answer").body).expect("text")
}
