//! The storm itself, small: what it prints, and that nothing is lost or doubled in it.

use std::process::{Command, Stdio};

use serde_json::Value;
use tests::chance::Chance;

/// Its program.
const STORM: &str = env!("CARGO_BIN_EXE_storm");

/// Runs one of five kills; gives its document.
fn storm(bus: &str) -> Value {
    let seed = Chance::new(&format!("storm over {bus}")).between(1, 1_000_000).to_string();
    let mut command = Command::new(STORM);
    command.args(["--bus", bus, "--requests", "4000", "--kills", "5", "--seed", &seed]);
    let ran = command.stdin(Stdio::null()).output().expect("the storm starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("storm: deadline: "), "{said}");
    serde_json::from_slice(&ran.stdout).expect("one JSON document")
}

#[test]
fn a_small_storm_over_one_process_loses_and_doubles_nothing() {
    let report = storm("embedded");
    assert_eq!((&report["bus"], &report["requests"]), (&"embedded".into(), &4000.into()));
    assert_eq!((&report["lost"], &report["doubled"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(report["bills_recomputed_equal"], true, "{report}");
    assert_eq!(report["hours_closed"], 3, "{report}");
    let kills = report["kills"].as_object().expect("kills by kind");
    let sum: u64 = kills.values().map(|count| count.as_u64().expect("a number")).sum();
    assert_eq!((sum, kills.len()), (5, 2), "{report}");
    let number = |key: &str| report[key].as_u64().expect("a number");
    assert!(number("stored") >= number("received_whole"), "{report}");
    assert!(number("received_whole") < 4000, "nothing was killed under load: {report}");
}
