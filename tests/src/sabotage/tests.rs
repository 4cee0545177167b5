//! What the run takes for a promise that is shown, and the table that names the tests.

use std::fs;
use std::time::Duration;

use super::*;

const HEAD: &str = "Promise: DUP-1\nTest: tests it killed::at_once\nFails: DUP-1: two\nWhy: Why.\n";

fn diff(file: &str) -> String {
    format!("--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-a\n+b\n")
}

/// Reads a patch from a file, as git does.
fn parse(text: &str) -> Result<Patch, String> {
    let file = tempfile::Builder::new().suffix(".patch").tempfile().expect("a file");
    fs::write(file.path(), text).expect("a patch");
    Patch::parse(text, file.path().to_owned()).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_patch_has_its_head_and_touches_the_product_only() {
    let good = parse(&format!("{HEAD}\n{}", diff("services/store/src/insert.rs"))).expect("good");
    assert_eq!((good.promise.as_str(), good.fails.as_str()), ("DUP-1", "DUP-1: two"));
    assert_eq!(good.test.to_string(), "tests it killed::at_once");
    assert_eq!(good.test.binary(), ["-p", "tests", "--test", "it"]);
    let sql = "--- a/schemas/x.sql\n+++ b/schemas/x.sql\n@@ -1 +0,0 @@\n--- a/remark\n";
    parse(&format!("{HEAD}\n{sql}")).expect("a removed remark is no file");

    let service = diff("services/x.rs");
    for (text, said) in [
        (format!("{HEAD}\n"), "stands where the diff must begin"),
        (format!("{HEAD}{service}"), "an empty line must follow"),
        (format!("{}\n{service}", HEAD.replace("Fails: DUP-1: two\n", "")), "where `Fails:` must"),
        (format!("{}\n{service}", HEAD.replace("Fails: DUP-1: two", "Fails:  ")), "`Fails:` must"),
        (
            format!("{}\n{service}", HEAD.replace("it killed", "killed")),
            "not `PACKAGE TARGET NAME`",
        ),
        (format!("{HEAD}\n{}", diff("tests/it/way.rs")), "touches tests/it/way.rs"),
        (format!("{HEAD}\n{service}{}", diff("Cargo.toml")), "touches Cargo.toml"),
        (format!("{HEAD}\n{}", diff("services/x/src/a/tests.rs")), "touches services/x/src/a"),
    ] {
        let error = parse(&text).expect_err(said);
        assert!(error.contains(said), "{said}: {error}");
    }
}

fn ran(success: bool, text: &str) -> Ran {
    Ran { success, text: text.to_owned(), took: Duration::ZERO }
}

/// A failed run whose thread panicked at a place.
fn failed(thread: &str, place: &str, message: &str) -> Ran {
    let result = "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out";
    ran(
        false,
        &format!(
            "running 1 test\n\n---- killed::at_once stdout ----\n\n\
             thread '{thread}' (123) panicked at {place}:\n{message}\n\
             note: run with `RUST_BACKTRACE=1`\n\n\nfailures:\n    killed::at_once\n\n{result}\n"
        ),
    )
}

#[test]
fn only_an_assertion_of_the_test_shows_a_promise() {
    let patch = parse(&format!("{HEAD}\n{}", diff("services/x.rs"))).expect("good");
    let said = |ran: &Ran| judge(&patch, ran).map_err(|error| format!("{error:#}"));
    let own = "killed::at_once";
    let two = "assertion `left == right` failed: DUP-1: two\n  left: 1\n right: 2";
    let good = said(&failed(own, "tests/src/audit.rs:7:9", two)).expect("it is shown");
    assert_eq!(
        good,
        "tests/src/audit.rs:7: assertion `left == right` failed: DUP-1: two left: 1 right: 2"
    );
    let ok = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out\n";
    let none = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out\n";
    for (ran, expect) in [
        (failed(own, "tests/it/killed.rs:1:2", "DUP-2: two"), "it fails, but not with"),
        (failed(own, "services/pricing/src/rate.rs:1:2", two), "not the test failed, but"),
        (failed(own, "tests/src/wait.rs:19:9", "DUP-1: two"), "a wait ran out"),
        (failed("tokio-worker", "tests/it/killed.rs:1:2", two), "without a panic of its own"),
        (ran(true, ok), "passes although the promise is broken"),
        (ran(true, none), "there is no such test"),
        (ran(false, "error: could not compile"), "it was not run"),
        (ran(false, ok), "it neither passed nor failed"),
    ] {
        let error = said(&ran).expect_err(expect);
        assert!(error.contains(expect), "{expect}: {error}");
    }
    assert_eq!(read(&patch.test, &ran(true, ok)).expect("read"), Seen::Passed);
}

#[test]
fn every_promise_of_the_table_has_its_patch_and_the_table_names_its_test() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let row = |line: &str| {
        let (id, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        let promise = id.ends_with(|last: char| last.is_ascii_digit());
        let (_, shown_by) = rest.rsplit_once(" | ")?;
        promise.then(|| (id.to_owned(), shown_by.to_owned()))
    };
    let table: Vec<(String, String)> = text.lines().filter_map(row).collect();
    let ids: Vec<&str> = table.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, PROMISES);
    let all = Patch::all().expect("all patches");
    let own = all.iter().filter(|patch| patch.name == patch.promise);
    for (patch, (_, shown_by)) in own.zip(&table) {
        let name = patch.test.name.rsplit("::").next().expect("a name");
        let first = shown_by.starts_with(&format!("`{name}`"));
        assert!(first, "{}: `{name}` does not stand first in {shown_by}", patch.promise);
    }
}
