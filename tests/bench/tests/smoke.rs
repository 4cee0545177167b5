//! Each part starts and yields sane numbers, with the least sizes. What it measures then says
//! nothing; peers that are not installed are named in their rows.

use std::process::Command;

use serde_json::Value;

/// Runs a part; gives its rows. The same rows have to be in the document.
fn rows(words: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("benchmarks.md");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(words)
        .args(["--smoke", "--output", "json", "--write-to"])
        .arg(&file)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let parts = document["parts"].as_array().expect("parts");
    assert_eq!(parts.len(), 1, "{document}");
    let rows = parts[0]["rows"].as_array().expect("rows").clone();
    let text = std::fs::read_to_string(&file).expect("the document was written");
    assert!(text.contains(&format!("<!-- end {} -->", words[0])), "{text}");
    for row in &rows {
        let name = row["name"].as_str().expect("a name");
        assert!(text.contains(&format!("| {name} |")), "{name} is not in {text}");
    }
    rows
}

/// Figures are above zero and in order; a row without figures, or without its peer, says why.
fn sane(rows: &[Value], peers: bool) {
    assert!(!rows.is_empty(), "there are no rows");
    for row in rows {
        let missing = row["note"].as_str().is_some_and(|note| note.contains(" is missing"));
        assert!(row["ours"].is_object() || missing, "no figure, and no word why: {row}");
        assert!(!peers || row["peer"].is_object() || missing, "no peer, and no word why: {row}");
        for figure in ["ours", "peer", "ratio"] {
            let figure = &row[figure];
            if figure.is_null() {
                continue;
            }
            let [least, median, most] = ["least", "median", "most"]
                .map(|name| figure[name].as_f64().unwrap_or_else(|| panic!("no {name}: {row}")));
            assert!(0.0 < least && least <= median && median <= most, "{row}");
        }
        assert_eq!(row["peer"].is_object(), row["ratio"].is_object(), "{row}");
    }
}

#[test]
fn gateway() {
    let rows = rows(&["gateway", "--only", "log,kafka,latency"]);
    sane(&rows, true);
    let p99 = rows.iter().any(|row| row["name"].as_str().is_some_and(|name| name.contains("p99")));
    assert!(p99, "latency is measured: {rows:?}");
}

#[test]
fn gateway_holds_idle_connections() {
    let rows = rows(&["gateway", "--only", "idle"]);
    assert!(rows[0]["ours"].is_object(), "it needs no program but ours: {rows:?}");
}

#[test]
fn spool() {
    let rows = rows(&["spool"]);
    sane(&rows, true);
    assert!(rows.iter().all(|row| row["peer"].is_object()), "a bare write is everywhere: {rows:?}");
}

#[test]
fn footprint() {
    let rows = rows(&["footprint"]);
    sane(&rows, false);
    let gateway = rows.iter().find(|row| row["name"] == "gateway: idle").expect("a row");
    assert!(gateway["met"].is_string(), "it is judged: {gateway}");
}

#[test]
fn layout() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("benchmarks.md");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["layout", "--smoke", "--write-to"])
        .arg(&file)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&file).expect("the document was written");
    // One line for each layout, under a head and its rule; the chosen one is 1.00 in all.
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(lines.len(), 2 + 11, "{text}");
    let ones = |line: &&&str| line.matches("(1.00)").count() == line.matches('(').count();
    assert_eq!(lines.iter().skip(2).filter(ones).count(), 1, "{text}");
}
