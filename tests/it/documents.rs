//! What the documents name exists: commands of the program, metrics, files that are linked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::program::Program;

use crate::EXE;

/// For people who use and run it.
const DOCUMENTS: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "docs/guarantees.md", "docs/operations.md", "docs/try.md"];

/// What the names of metrics begin with that alarms are set on.
const METRICS: [&str; 3] = ["gateway_", "shipper_", "metering_"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The words of each line of a code block, or of a piece between backticks, that is a command.
fn commands(text: &str) -> BTreeSet<Vec<&str>> {
    let pieces = text.lines().flat_map(|line| line.split('`'));
    let said = pieces.filter_map(|piece| piece.strip_prefix("tollgate "));
    let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words = said.map(|said| said.split_whitespace().take_while(plain).collect::<Vec<_>>());
    words.filter(|words| !words.is_empty()).collect()
}

#[test]
fn every_command_that_a_document_names_exists() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::new(EXE, folder.path());
    let texts = DOCUMENTS.map(read);
    let all: BTreeSet<Vec<&str>> = texts.iter().flat_map(|text| commands(text)).collect();
    assert!(all.len() > 10, "only {all:?} found");
    for mut words in all {
        words.push("--help");
        let ran = program.run(&words);
        assert_eq!(ran.code, Some(0), "tollgate {}: {}", words.join(" "), ran.err);
    }
}

#[test]
fn every_metric_that_an_alarm_is_set_on_exists() {
    let known = ["gateway/src/metrics.rs", "metering/src/counters.rs", "tollgate/src/metrics.rs"];
    let known = known.map(|file| read(&format!("services/{file}"))).concat();
    let text = read("docs/operations.md");
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> =
        words.filter(|word| METRICS.iter().any(|begin| word.starts_with(begin))).collect();
    assert!(named.len() > 10, "only {named:?} found");
    for name in named.into_iter().filter(|name| !name.ends_with('_')) {
        assert!(known.contains(&format!("\"{name}\"")), "no metric {name}");
    }
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document);
        let folder = folder.parent().expect("it lies in a folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().expect("a text has a first part");
            let elsewhere = path.is_empty() || path.starts_with("http");
            assert!(elsewhere || folder.join(path).exists(), "{document}: {link}");
        }
    }
}
