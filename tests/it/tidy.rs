//! What can be checked of the source itself: who may know whom, how files begin and end,
//! what never stands in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may know whom (ARCHITECTURE.md, "Code map"). Pure crates know pure crates, adapters the
/// pure ones and the adapters above them, services never each other; only the binary knows all.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("settings", &[]),
    ("record", &[]),
    ("pricing", &["record", "settings"]),
    ("policy", &["record", "settings"]),
    ("spool", &["record", "settings"]),
    ("engine", &["settings"]),
    ("store", &["record", "settings"]),
    ("bus", &["record", "settings", "spool"]),
    ("gateway", &["policy", "record", "settings", "spool"]),
    ("metering", &["bus", "pricing", "record", "settings", "store"]),
    ("query", &["policy", "record", "settings", "store"]),
];

/// Crates that take values and give values: no runtime, no network, no engine.
const PURE: &[&str] = &["settings", "record", "pricing", "policy"];

/// What a pure crate never depends on.
const IMPURE: &[&str] = &["tokio", "hyper", "axum", "rdkafka", "clickhouse", "tracing", "rustix"];

/// A file is read in one sitting.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

/// Every file that git tracks, as paths from the root.
fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = listed.expect("git lists the files");
    assert!(listed.status.success(), "git ls-files failed");
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    let rust = tracked().into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let read = |path: PathBuf| {
        // A file that was just removed is still listed until the commit.
        let text = fs::read_to_string(root().join(&path)).ok()?;
        Some((path, text))
    };
    let sources: Vec<_> = rust.filter_map(read).collect();
    assert!(sources.len() > 30, "only {} source files found", sources.len());
    sources
}

/// Direct, normal dependencies of each crate of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let listed = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo lists the packages");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let json: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let packages = json["packages"].as_array().expect("packages");
    let package = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().expect("dependencies");
        let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
        (text(&package["name"]), normal.map(|dependency| text(&dependency["name"])).collect())
    };
    packages.iter().map(package).collect()
}

#[test]
fn crates_know_only_whom_they_may_know() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    for (name, known) in &dependencies {
        if ["tollgate", "tests", "bench", "broker", "fuzz", "inputs"].contains(&name.as_str()) {
            continue;
        }
        let (_, allowed) = MAY_KNOW
            .iter()
            .find(|(listed, _)| listed == name)
            .unwrap_or_else(|| panic!("crate `{name}` has no row in MAY_KNOW"));
        for other in known.iter().filter(|other| ours.contains(other.as_str())) {
            assert!(allowed.contains(&other.as_str()), "`{name}` must not know `{other}`");
        }
        if PURE.contains(&name.as_str()) {
            for impure in IMPURE {
                assert!(!known.contains(*impure), "pure crate `{name}` must not use `{impure}`");
            }
        }
    }
    for (name, _) in MAY_KNOW {
        assert!(ours.contains(name), "MAY_KNOW names `{name}`, which is no crate");
    }
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    for path in tracked().iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = fs::read_to_string(root().join(path)).expect("a manifest");
        if path.as_path() != Path::new("Cargo.toml") {
            assert!(text.contains("[lints]\nworkspace = true"), "{} has no lints", path.display());
        }
    }
}

#[test]
fn files_begin_with_their_purpose_and_stay_short() {
    for (path, text) in sources() {
        assert!(
            text.starts_with("//! ") || path.ends_with("tests.rs"),
            "{} does not begin with `//!`",
            path.display()
        );
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines; find its seam", path.display());
    }
}

#[test]
fn nothing_unfinished_or_silenced_is_committed() {
    // Joined here, so that this file does not find itself.
    let banned = [
        ["#[", "allow("].concat(),
        ["#[", "ignore"].concat(),
        ["FIX", "ME"].concat(),
        ["TO", "DO"].concat(),
        ["let _", " ="].concat(),
    ];
    let sleep = ["sle", "ep("].concat();
    for (path, text) in sources() {
        let test = path.components().any(|part| part.as_os_str().to_string_lossy() == "tests")
            || path.ends_with("tests.rs");
        // A test waits for a state, never for time.
        let sleeps = if test { Some(&sleep) } else { None };
        for (number, line) in text.lines().enumerate() {
            for word in banned.iter().chain(sleeps) {
                let found = line.contains(word.as_str());
                assert!(!found, "{}:{}: `{word}`", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn no_binary_float_comes_near_money_or_records() {
    let float = |line: &str| {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.into_iter().any(|word| word == ["f", "64"].concat() || word == ["f", "32"].concat())
    };
    for (path, text) in sources() {
        let near = ["services/pricing/src", "services/record/src", "services/metering/src"];
        if !near.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let found = float(line) && !line.trim_start().starts_with("//");
            assert!(!found, "{}:{}: a binary float", path.display(), number + 1);
        }
    }
}

#[test]
fn unsafe_code_stands_in_the_engine_only() {
    for (path, text) in sources() {
        if path.starts_with("services/engine") {
            continue;
        }
        let word = ["unsafe", " {"].concat();
        assert!(!text.contains(&word), "{} has unsafe code", path.display());
    }
}
