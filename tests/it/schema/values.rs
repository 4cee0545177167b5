//! What may stand in a value: for each bound, word and form that the schema tells, both refuse what
//! is beyond, and both take what lies on it. The cases are made from the schema itself.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tests::schema::mistakes;
use tests::yaml;

use super::{Place, check, found, full, path_of, places};

/// A configuration that differs from [`full`] in one value, and whether it is good.
struct Case {
    what: String,
    configuration: Value,
    good: bool,
    /// A part of what the readers say.
    says: Option<String>,
}

/// What no form lets through.
const FORMLESS: &str = "no such form, ever!";
/// What no list of words has.
const WORDLESS: &str = "no-such-word";
/// Words that need another build of the program: they are refused by the readers of this one.
const ANOTHER_BUILD: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];
/// At most so many cases run at once: the machine has other work too.
const AT_ONCE: usize = 2;

/// All that is said of each place of the schema, once.
fn cases() -> Vec<Case> {
    let full = full();
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    for place in places(&full) {
        let (name, _) = place.said.first().expect("the schema says something");
        // Beyond the place itself, what a definition says of scalars is tried where it is used.
        if seen.insert(name.clone()) {
            of(&place, &full, &mut cases);
        }
    }
    cases
}

fn of(place: &Place, full: &Value, cases: &mut Vec<Case>) {
    let mut add = |value: Value, good: bool, says: Option<String>| {
        let mut configuration = full.clone();
        let what = format!("{} = {}", path_of(&place.pointer), shorten(&value));
        *configuration.pointer_mut(&place.pointer).expect("a place") = value;
        cases.push(Case { what, configuration, good, says });
    };
    for (number, (_, said)) in place.said.iter().enumerate() {
        for word in said["enum"].as_array().into_iter().flatten() {
            if !ANOTHER_BUILD.iter().any(|other| word == other) {
                add(word.clone(), true, None);
            }
        }
        if said["enum"].is_array() {
            add(json!(WORDLESS), false, None);
        }
        if said["pattern"].is_string() {
            add(json!(FORMLESS), false, None);
        }
        if let Some(least) = said["minimum"].as_i64() {
            add(json!(least - 1), false, None);
            // What stands in a definition may be narrowed by the place that refers to it.
            if number == 0 {
                add(json!(least), true, None);
            }
        }
        if let Some(most) = said["maximum"].as_i64() {
            add(json!(most), true, None);
            add(json!(most + 1), false, None);
        }
        if said["minLength"] == 1 {
            add(json!(""), false, None);
        }
        if let Some(most) = said["maxLength"].as_u64() {
            add(json!("/".repeat(usize::try_from(most).expect("short") + 1)), false, None);
        }
        if said["minItems"] == 1 {
            add(json!([]), false, None);
        }
        if said["uniqueItems"] == true {
            let first = place.value.get(0).expect("the list has an item");
            add(json!([first, first]), false, Some("stands twice".to_owned()));
        }
        if let Some(most) = said["maxItems"].as_u64() {
            let many = vec![Value::Null; usize::try_from(most).expect("a number") + 1];
            add(json!(many), false, Some(format!("at most {most} are accepted")));
        }
        if let Some(most) = said["maxProperties"].as_u64() {
            let many = (0..=most).map(|number| (format!("/{number}"), json!("release")));
            let says = Some(format!("at most {most} are accepted"));
            add(Value::Object(many.collect()), false, says);
        }
        if said["type"] == "array" {
            add(json!("no list"), false, Some("expected a list".to_owned()));
        }
    }
}

fn shorten(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

/// What is wrong with a case; nothing when both say what it expects.
fn judge(folder: &Path, case: &Case) -> Option<String> {
    let refused = mistakes(&case.configuration);
    if refused.is_empty() != case.good {
        return Some(format!("{}: the schema says {refused:?}", case.what));
    }
    let ran = found(folder, &case.configuration);
    let says = case.says.as_ref().is_none_or(|part| ran.iter().any(|line| line.contains(part)));
    let right = ran.is_empty() == case.good && says;
    (!right).then(|| format!("{}: `tollgate check` says {ran:#?}", case.what))
}

/// Judges all cases, [`AT_ONCE`] at a time.
fn wrong(cases: &[Case]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let folder = tempfile::tempdir().expect("a folder");
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = judge(folder.path(), case);
                    wrong.lock().expect("nobody panics with it").extend(found);
                }
            });
        }
    });
    wrong.into_inner().expect("nobody panics with it")
}

#[test]
fn both_take_and_refuse_the_same_values() {
    let cases = cases();
    let (good, bad) = cases.iter().partition::<Vec<_>, _>(|case| case.good);
    assert!(good.len() > 60 && bad.len() > 150, "{} good, {} bad", good.len(), bad.len());
    let wrong = wrong(&cases);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What the schema says of several keys together: who is missed, and in which words.
const BAD: [(&str, &str, &str); 6] = [
    ("/kafka/tls", "key", "`certificate` and `key` go together"),
    ("/kafka/tls", "certificate", "`certificate` and `key` go together"),
    ("/store", "url", "name its address in `url`"),
    ("/services/1", "hosts", "`hosts`, `default_host` or `domains` is missing"),
    ("/services/0/apis/0/backend", "nodes", "only nodes are left out"),
    ("/services/0/apis/0/backend", "url", "`url` or `mock` is missing"),
];

#[test]
fn keys_that_need_each_other_are_missed_by_both() {
    let folder = tempfile::tempdir().expect("a folder");
    for (place, key, says) in BAD {
        let mut configuration = full();
        let map = configuration.pointer_mut(place).and_then(Value::as_object_mut);
        map.expect(place).remove(key).expect(key);
        assert!(!mistakes(&configuration).is_empty(), "the schema takes it without {place} {key}");
        let ran = found(folder.path(), &configuration);
        assert!(ran.iter().any(|line| line.contains(says)), "{place} {key}: {ran:#?}");
    }
}

#[test]
fn each_demanded_key_is_missed_by_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut missed = 0;
    for place in places(&full()) {
        let demanded = place.said.iter().filter_map(|(_, said)| said["required"].as_array());
        for key in demanded.flatten().filter_map(Value::as_str) {
            let mut configuration = full();
            let map = configuration.pointer_mut(&place.pointer).and_then(Value::as_object_mut);
            map.expect("a mapping").remove(key).expect(key);
            assert!(!mistakes(&configuration).is_empty(), "{} {key}", place.pointer);
            let ran = found(folder.path(), &configuration);
            let says = format!("`{key}` is missing");
            assert!(ran.iter().any(|line| line.contains(&says)), "{says}: {ran:#?}");
            missed += 1;
        }
    }
    assert!(missed > 25, "only {missed}");
}

/// Forms that are easily taken for good, and some that are.
const VALUES: [(&str, &str, bool); 22] = [
    ("/gateway/listen", "8080", false),
    ("/gateway/listen", "localhost:8080", false),
    ("/gateway/listen", "0.0.0.0:80", true),
    ("/gateway/timeouts/head", "10", false),
    ("/gateway/timeouts/head", "10sec", false),
    ("/gateway/timeouts/head", "250ms", true),
    ("/gateway/limits/head", "64kb", false),
    ("/gateway/limits/head", "1MiB", true),
    ("/gateway/workers", "2.5", false),
    ("/gateway/workers", "-1", false),
    ("/engine/listen", "0.0.0.0:8123", false),
    ("/store/url", "https://db:8443", false),
    ("/store/url", "http://db", false),
    ("/store/database", "a-b", false),
    ("/services/0/account", "12 50", false),
    ("/services/0/hosts/0", "a.test:80", false),
    ("/services/0/hosts/0", "a.test.", false),
    ("/services/0/apis/1/path", "hello", false),
    ("/services/0/apis/1/path", "^~/hello", true),
    ("/services/0/apis/1/cors", "\"yes\"", false),
    ("/services/0/apis/0/cors/origins/0", "https://shop.test/", false),
    ("/keys/0/secret", "${env:TOLLGATE_TEST_NOT_SET}", true),
];

#[test]
fn easy_mistakes_are_seen_by_both() {
    let folder = tempfile::tempdir().expect("a folder");
    for (place, text, good) in VALUES {
        let mut configuration = full();
        *configuration.pointer_mut(place).expect(place) = yaml::read(text);
        let refused = mistakes(&configuration);
        assert_eq!(refused.is_empty(), good, "{place} {text}: {refused:?}");
        let ran = found(folder.path(), &configuration);
        // A secret that is not there is seen by the machine that is to have it, not by an editor.
        let elsewhere = text.starts_with("${env:");
        assert_eq!(ran.is_empty(), good && !elsewhere, "{place} {text}: {ran:#?}");
    }
    assert_eq!(check(folder.path(), &Value::Null).code, Some(64));
    assert!(!mistakes(&Value::Null).is_empty());
}
