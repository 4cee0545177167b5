//! The walk through the catalog of errors: each entry whose cause exists is raised by a real
//! request to a running gateway, and answered and recorded as the catalog says.
//!
//! - The catalog leads: an entry that nothing here raises fails the walk, and so does a case of an
//!   entry that is not there, or is said to come later.
//! - `later` holds the ids of those that nothing can raise yet. It only gets shorter.
//! - What an entry says is taken from the catalog; what stands for its placeholders, and what the
//!   record says of the backend, stand with each case.

mod admit;
mod forward;
mod framing;
mod hmac;
mod later;
mod routing;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use policy::errors::{self, Entry, State};
use record::Record;

use crate::client::{Answer, Client};
use crate::world::World;

/// One way to get an entry.
struct Case {
    /// Of which entry.
    id: &'static str,
    how: How,
    /// What stands for the placeholders of its text.
    values: &'static [(&'static str, &'static str)],
    /// `ups_st` of the record.
    ups_st: &'static str,
}

/// How the entry is brought about.
enum How {
    /// This whole request, sent to the usual gateway.
    Send(&'static str),
    /// The same: a GET of this target at `a.test`, with these lines in its head.
    Get(&'static str, &'static [&'static str]),
    /// The same, to be made first.
    Make(fn() -> String),
    /// The beginning of a request, sent to a gateway that waits for clients only briefly.
    Stall(&'static str),
    /// In a world of its own.
    Alone(fn() -> Raised),
}

/// What came of a case.
struct Raised {
    /// None when nobody is there to read it.
    answer: Option<Answer>,
    /// None when there was no room for one; whoever raised it saw it counted.
    record: Option<Record<'static>>,
}

/// A case without placeholders that leaves no trace of a backend.
const fn case(id: &'static str, how: How) -> Case {
    Case { id, how, values: &[], ups_st: "" }
}

fn cases() -> Vec<&'static Case> {
    [framing::CASES, routing::CASES, admit::CASES, hmac::CASES, forward::CASES]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_entry_whose_cause_exists_has_its_case() {
    let entries: BTreeMap<&str, &Entry> =
        errors::catalog().map(|entry| (entry.id, entry)).collect();
    for case in cases() {
        let id = case.id;
        let Some(entry) = entries.get(id) else {
            panic!("the walk raises `{id}`, which the catalog does not have: take its case out");
        };
        assert_eq!(
            entry.state,
            State::Now,
            "the walk raises `{id}`, which the catalog says can not be raised yet"
        );
    }
    let raised: BTreeSet<&str> = cases().iter().map(|case| case.id).collect();
    for entry in entries.values().filter(|entry| entry.state == State::Now) {
        assert!(
            raised.contains(entry.id),
            "the catalog says that a request can get `{}`, and the walk has no case that raises \
             it: write one in tests/it/catalog/",
            entry.id
        );
    }
}

#[test]
fn each_case_is_answered_and_recorded_as_the_catalog_says() {
    let (mut usual, mut hasty) = (worlds::usual(), worlds::hasty());
    for case in cases() {
        let raised = match case.how {
            How::Send(request) => send(&mut usual, request),
            How::Get(target, lines) => send(&mut usual, &get(target, lines)),
            How::Make(request) => send(&mut usual, &request()),
            How::Stall(request) => send(&mut hasty, request),
            How::Alone(raise) => raise(),
        };
        check(case, &raised);
    }
    // Which sees that each request left one final record, and nothing else did.
    usual.stop(Duration::from_secs(5));
    hasty.stop(Duration::from_secs(5));
}

fn get(target: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n")
}

/// One request on a connection of its own.
fn send(world: &mut World, request: &str) -> Raised {
    ask(world, &mut Client::connect(world.address), request)
}

/// One request on a connection that stands.
fn ask(world: &mut World, client: &mut Client, request: &str) -> Raised {
    let answer = client.call(request);
    let record = world.record(answer.id());
    assert_eq!(record.rsp_len, answer.bytes, "{request}");
    Raised { answer: Some(answer), record: Some(record) }
}

/// Compares what came of a case with what the catalog says.
fn check(case: &Case, raised: &Raised) {
    let id = case.id;
    let entry = errors::by_id(id).expect("the walk raises only what the catalog has");
    let text = errors::fill(entry.text, case.values);
    match &raised.answer {
        Some(answer) => {
            let shown = entry.shown.map_or(text.clone(), |shown| errors::fill(shown, case.values));
            let body = String::from_utf8_lossy(&answer.body);
            assert_eq!(body, format!(r#"{{"message":"{shown}"}}"#), "{id}");
            assert_eq!(answer.status, entry.status, "{id}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{id}");
            let again = entry.retry_after_s.map(|seconds| seconds.to_string());
            assert_eq!(answer.header("retry-after"), again.as_deref(), "{id}");
        }
        None => assert_eq!(entry.status, 499, "{id}: only who left gets no answer"),
    }
    match &raised.record {
        Some(record) => {
            assert_eq!((record.rsp_st, &*record.err_msg), (entry.status, &*text), "{id}");
            assert_eq!((record.fault, &*record.ups_st), (entry.fault, case.ups_st), "{id}");
        }
        None => assert_eq!(id, "spool-full", "every other answer has its record"),
    }
}
