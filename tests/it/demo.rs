//! The README's first command: its document, its story, and that its check can fail.

mod front;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;
use tests::naive::{total_of, units};
use tests::program::Program;
use tests::schema::assert_good;
use tests::wait;
use tests::world::Running;

use crate::EXE;

/// The demo starts an engine, closes a day and looks everything up; the machine may be busy.
const DEMO_MAX: Duration = Duration::from_secs(300);

/// The demo with its folder inside this one.
fn demo(folder: &Path) -> Program {
    Program::new(EXE, folder).env("TMPDIR", folder.to_string_lossy())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is a text: {value}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("`{key}` is a number: {value}"))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("`{key}` is a list: {value}"))
}

/// Every key of the document, its type, and what its numbers have to do with each other.
fn check_document(json: &Value) {
    let (sent, answered) =
        (number(&json["requests"], "sent"), number(&json["requests"], "answered"));
    assert!(sent >= 3000 && answered <= sent && answered * 100 >= sent * 95, "{sent} {answered}");
    let stored = number(&json["stored"], "records");
    assert!(stored >= sent, "each request has a record, and a day was taken in: {stored}");
    assert_eq!(number(&json["stored"], "duplicates"), 0);

    let record = &json["record"];
    assert_eq!(text(record, "req_id").len(), 32, "{record}");
    assert_eq!((number(record, "rsp_st"), text(record, "ups_st")), (404, "404"));
    assert_eq!((&record["billable"], text(record, "reason")), (&true.into(), "backend_answered"));

    let bill = &json["bill"];
    assert_eq!(text(bill, "state"), "closed");
    assert!(text(bill, "hour").ends_with(":00:00Z"), "{bill}");
    for line in list(bill, "lines") {
        for key in ["item", "region", "tier", "price_book"] {
            text(line, key);
        }
        let product = units(text(line, "quantity")) * units(text(line, "unit_price"));
        assert_eq!(product, units(text(line, "amount")) * 100_000_000, "{line}");
        assert_eq!(text(line, "price_book").len(), 64, "{line}");
    }
    assert!(total_of(bill) > 0);
    let tiers = list(bill, "lines").iter().filter(|line| line["item"] == "calls");
    let tiers: Vec<_> = tiers.map(|line| text(line, "tier")).collect();
    assert_eq!(tiers, ["1", "2"], "the hour crosses a tier");
    let regions = list(bill, "lines").iter().filter(|line| line["item"] == "traffic");
    let regions: Vec<_> = regions.map(|line| text(line, "region")).collect();
    assert_eq!(regions, ["ap-guangzhou", "ap-hongkong"]);

    let proof = &json["proof"];
    assert_eq!(text(proof, "hour"), text(bill, "hour"));
    assert_eq!((&proof["complete"], &proof["checked"]), (&true.into(), &true.into()));
    assert!(text(proof, "sql").contains("cityHash64"), "{proof}");
    assert!(list(proof, "streams").len() >= 2, "{proof}");
    for stream in list(proof, "streams") {
        text(stream, "gateway");
        number(stream, "epoch");
        number(stream, "worker");
        assert_eq!(text(stream, "hash").len(), 16, "{stream}");
        let length = number(stream, "last") - number(stream, "first") + 1;
        let parts = ["stored", "dead", "missing"].map(|key| number(stream, key));
        assert_eq!((parts.iter().sum::<u64>(), parts[1], parts[2]), (length, 0, 0), "PROOF-1");
    }

    let orders = list(&json["audit"], "orders");
    assert_eq!(orders.len(), 2, "{orders:?}");
    for order in orders {
        text(order, "order_id");
        let reasons = order["by_reason"].as_object().expect("counts by reason");
        let count = |reasons: &[&str]| {
            reasons.iter().filter_map(|&reason| order["by_reason"][reason].as_u64()).sum::<u64>()
        };
        let all: Vec<&str> = reasons.keys().map(String::as_str).collect();
        assert_eq!(number(order, "calls"), count(&all), "{order}");
        assert_eq!(number(order, "billable"), count(&["ok", "backend_answered"]), "{order}");
        assert!(number(order, "billable") > 0, "{order}");
    }
}

#[test]
fn its_document_has_every_key_and_its_sums_are_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = demo(folder.path()).run(&["demo", "--exit", "--output", "json"]).good();
    // Nothing else is on standard output: one document, and its end.
    check_document(&ran.json());
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "it leaves nothing behind: {left:?}");
}

/// A running demo; it is ended when this is dropped.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Demo {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let told = Command::new("kill").args([name, &pid]).status().expect("kill runs");
        assert!(told.success(), "{name}");
    }
}

/// The demo's folder, once it is there.
fn folder_of(base: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(base).ok()?.flatten().map(|entry| entry.path());
    entries.find(|path| path.to_string_lossy().contains("tollgate-demo-"))
}

#[test]
fn it_tells_its_story_in_order_and_its_check_fails_when_a_row_is_altered() {
    let base = tempfile::tempdir().expect("a folder");
    let mut demo = Demo(demo(base.path()).command(&["demo"]).spawn().expect("it starts"));
    let running = wait::until("the demo's start", DEMO_MAX, || {
        let ended = demo.0.try_wait().expect("a child");
        assert_eq!(ended, None, "the demo ended");
        let said = fs::read(folder_of(base.path())?.join("data/running.json")).ok()?;
        Running::new(&serde_json::from_slice(&said).ok()?, 0)
    });
    let folder = folder_of(base.path()).expect("it runs");
    for file in ["tollgate.yaml", "second.yaml"] {
        let text = fs::read_to_string(folder.join(file)).expect("a configuration");
        assert_good("the demo's configuration", &text);
    }
    // It is halted between the closing of its hour and its last look at it; the engine is a
    // process of its own, and goes on.
    let day = running.sql("SELECT toDate(min(hour)) FROM records");
    let crossing = format!("hour = '{} 14:00:00'", day.trim());
    wait::until("the hour's closing, seen while the demo is halted", DEMO_MAX, || {
        demo.signal("-STOP");
        let closed = running.number(&format!("SELECT count() FROM closings WHERE {crossing}"));
        let all = running.number("SELECT count() FROM closings");
        assert!(all < 24, "the whole day was closed before the test could halt the demo");
        if closed == 0 {
            demo.signal("-CONT");
        }
        (closed == 1).then_some(())
    });
    running.sql(&format!(
        "ALTER TABLE records UPDATE rsp_len = rsp_len + 1 \
         WHERE {crossing} AND gateway = 'ingest:old-ap-hongkong' AND seq % 150 = 7 \
         SETTINGS mutations_sync = 2"
    ));
    demo.signal("-CONT");

    let mut out = demo.0.stdout.take().expect("a pipe");
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains("/v1/proofs/") {
        let count = out.read(&mut buffer).expect("its output");
        assert!(count > 0, "it ended early:\n{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    let places: Vec<_> = [
        "1. A call failed",
        "it counts, because the request reached the backend",
        "2. What did this hour cost",
        "total ",
        "3. Is anything lost",
        "it does NOT check",
        "4. How many calls of each order",
        "order-1001",
        "TOLLGATE_TOKEN=",
        "logs get ",
    ]
    .into_iter()
    .map(|part| text.find(part).unwrap_or_else(|| panic!("no `{part}` in:\n{text}")))
    .collect();
    assert!(places.is_sorted(), "not in order: {places:?}\n{text}");
    assert!(!text.contains("and it checks"), "{text}");
    demo.signal("-INT");
    let ended =
        wait::until("its end", Duration::from_secs(10), || demo.0.try_wait().expect("a child"));
    assert!(ended.success(), "{ended}");
    assert_eq!(folder_of(base.path()), None, "its folder is removed");
}
