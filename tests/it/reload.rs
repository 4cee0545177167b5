//! A configuration that changes while requests are served: what is good is served, what is bad is
//! refused, and no request notices.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use tests::audit::{compare, settled};
use tests::backend::Backend;
use tests::client::Client;
use tests::ledger::get;
use tests::load::Load;
use tests::wait;
use tests::world::{HOST, Running, STORE_MAX, World};

use crate::EXE;

/// None of them is the mock, which changes.
const ASKED: [&str; 3] = ["/release/x", "POST /release/y 2000", "/nowhere/x"];

/// The text of the mock.
fn mock(running: &Running) -> String {
    let mut client = Client::connect(running.gateway).expect("it listens");
    let answer = client.exchange(&get(HOST, "/release/mock/x")).expect("it answers");
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn until_mock(running: &Running, text: &str) {
    wait::until("the new configuration", STORE_MAX, || (mock(running) == text).then_some(()));
}

#[test]
fn a_good_version_is_served_a_bad_one_refused_and_no_request_is_dropped() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let running = world.up();
    let first = fs::read_to_string(world.config()).expect("the configuration");
    let load = Load::start(running.gateway, HOST, 4, &ASKED);
    load.more(100);
    until_mock(&running, "hello");

    fs::write(world.config(), first.replace("body: hello", "body: good day")).expect("written");
    until_mock(&running, "good day");
    load.more(100);

    // All mistakes of the bad one are said, with their lines.
    let bad = first.replace("body: hello", "body: bad, boddy: x").replace("path: /\n", "path: x\n");
    fs::write(world.config(), bad).expect("written");
    let refused = |value| move |running: &Running| running.metric("config_refused") == value;
    wait::until("the refusal", STORE_MAX, || refused(1)(&running).then_some(()));
    let log = wait::until("all mistakes in the log", STORE_MAX, || {
        let log = world.log();
        (log.contains("boddy") && log.contains("apis[0].path")).then_some(log)
    });
    assert!(log.contains("tollgate.yaml:"), "with their place: {log}");
    assert_eq!(mock(&running), "good day", "the old one serves on");
    load.more(100);

    // SIGHUP ends nobody; what is fixed at the start waits for a restart, and says so.
    let other = first.replace("body: hello", "body: hello again");
    fs::write(world.config(), other.replace("workers: 2", "workers: 1")).expect("written");
    world.signal(Signal::HUP);
    until_mock(&running, "hello again");
    assert!(refused(0)(&running), "the file is good again");
    wait::until("the warning", STORE_MAX, || world.log().contains("needs a restart").then_some(()));
    load.more(100);

    // A fault in one API is that API's alone; it is said, and counted.
    assert_eq!(running.metric("config_faulty_apis"), 0);
    fs::write(world.config(), first.replace("status: 200, body", "status: 99, body"))
        .expect("written");
    until_mock(&running, r#"{"message":"Mock config error."}"#);
    assert_eq!((running.metric("config_faulty_apis"), refused(0)(&running)), (1, true));
    assert!(world.log().contains("apis[1].backend.mock.status: `99`"), "{}", world.log());
    load.more(100);
    fs::write(world.config(), &first).expect("written");
    until_mock(&running, "hello");
    assert_eq!(running.metric("config_faulty_apis"), 0);

    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "a request was dropped");
    settled(&running, "gw-test", running.workers, 0);
    let (_, faults) = compare(&ledger, &running);
    let ours = |fault: &String| fault.contains("/release/mock/x");
    assert!(faults.iter().all(ours), "beside what was asked here: {}", faults.join("\n"));
    assert!(world.stop().success(), "{}", world.log());
}

/// Act, API and line of each line of the audit log.
fn audited(world: &World) -> Vec<(String, String, u64)> {
    let log = fs::read_to_string(world.data().join("audit.log")).unwrap_or_default();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told = lines.map(|line| {
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(word("gateway"), "gw-test", "{line}");
        assert!(word("file").ends_with("tollgate.yaml") && word("time").ends_with('Z'), "{line}");
        (word("act"), word("api"), line["line"].as_u64().unwrap_or_default())
    });
    told.collect()
}

#[test]
fn what_is_suspended_and_released_stands_in_the_audit_log_before_it_is_served() {
    let mut world = World::new(EXE, Backend::start().addr, "");
    let free = fs::read_to_string(world.config()).expect("the configuration");
    let path = "path: /mock/\n";
    let held = free.replace(path, &format!("{path}        suspended: {{reason: compliance}}\n"));
    let line = 1 + held.lines().position(|line| line.contains("suspended:")).expect("a line");
    let told = |act: &str, line: usize| {
        (act.to_owned(), "api-mock".to_owned(), u64::try_from(line).expect("it fits"))
    };
    let (suspended, released) = (told("suspended", line), told("released", 0));
    let refused = r#"{"message":"Service is suspended for compliance."}"#;

    fs::write(world.config(), &held).expect("written");
    let running = world.up();
    assert_eq!(audited(&world), std::slice::from_ref(&suspended), "at the start");
    assert_eq!(mock(&running), refused);
    fs::write(world.config(), &free).expect("written");
    until_mock(&running, "hello");
    assert_eq!(audited(&world), [suspended.clone(), released.clone()], "by a reload");
    assert!(world.stop().success(), "{}", world.log());

    // What changed while nothing ran is told at the next start.
    fs::write(world.config(), &held).expect("written");
    let running = world.up();
    assert_eq!(mock(&running), refused);
    assert_eq!(audited(&world), [suspended.clone(), released, suspended]);
    assert_eq!(running.metric("config_audit_waiting_bytes"), 0);
    assert!(world.stop().success(), "{}", world.log());
}
