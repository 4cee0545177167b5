//! TENANT-1 on the running product: every route of the API, every role, two sellers and a buyer.
//!
//! The routes come from the OpenAPI document. A route without a [`case`] fails.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::lines::{self, Call, HONGKONG, SELLER, UPIP, write_file};
use tests::world::{Running, World};

use crate::day::{closed, ingest, program, up_at, world};

/// The other seller.
const OTHER: &str = "1250000009";
/// Calls the seller with a key of its own.
const BUYER: &str = "1250000002";
/// What stands in rows of the one seller only: path, source and order.
const OURS: [&str; 3] = ["/of-the-seller", "ingest:ours", "order-ours"];
/// The same of the other one.
const THEIRS: [&str; 3] = ["/of-the-other", "ingest:theirs", "order-theirs"];

/// Each role: what it reads of logs, bills, proofs and orders, and whether it may be for all.
const ROLES: [(&str, [bool; 4], bool); 6] = [
    ("operator", [true, true, true, true], true),
    ("finance", [true, true, true, true], true),
    ("auditor", [true, true, true, true], true),
    ("seller", [true, true, true, true], false),
    ("buyer", [true, false, false, true], false),
    ("support", [true, false, false, false], true),
];

/// How a route is asked for what is the seller's and for what is the other's.
struct Case {
    /// Place in the table of [`ROLES`]; none for what needs no token.
    resource: Option<usize>,
    ours: String,
    theirs: String,
}

fn call(number: u32, account: &str, marks: [&str; 3]) -> Call {
    Call {
        account: account.to_owned(),
        caller: if account == SELLER { BUYER.to_owned() } else { String::new() },
        order_id: marks[2].to_owned(),
        uri: marks[0].to_owned(),
        region: HONGKONG.to_owned(),
        rsp_len: 5_000_000,
        ..Call::new(number, 9, 100 + number)
    }
}

/// The case of a route.
fn case(method: &str, path: &str) -> Case {
    let hour = lines::hour(9);
    let both = |resource, text: String| Case { resource, ours: text.clone(), theirs: text };
    let two =
        |resource, ours: String, theirs: String| Case { resource: Some(resource), ours, theirs };
    match (method, path) {
        ("get", "/healthz" | "/readyz") => both(None, path.to_owned()),
        ("get", "/v1/logs/{req_id}") => {
            let id = |number| format!("/v1/logs/{}", call(number, SELLER, OURS).id);
            two(0, id(1), id(2))
        }
        ("get", "/v1/logs/{req_id}/explain") => {
            let id = |number| format!("/v1/logs/{}/explain", call(number, SELLER, OURS).id);
            two(0, id(1), id(2))
        }
        ("get", "/v1/logs" | "/v1/usage") => {
            let group = if path == "/v1/usage" { "&group=account,service,key" } else { "" };
            let span = format!("from={hour}:00:00Z&to={}:00:00Z", lines::hour(10));
            let all = format!("{path}?{span}{group}");
            // `account = OTHER OR caller = OTHER`, percent-encoded.
            let filter = format!("account%20%3D%20{OTHER}%20OR%20caller%20%3D%20{OTHER}");
            two(0, all.clone(), format!("{all}&filter={filter}"))
        }
        ("get", "/v1/errors") => both(Some(0), path.to_owned()),
        ("get", "/v1/errors/{code}") => both(Some(0), "/v1/errors/internal".to_owned()),
        ("get", "/v1/bills/{hour}") => {
            let bill = format!("/v1/bills/{hour}");
            two(1, bill.clone(), format!("{bill}?account={OTHER}"))
        }
        ("get", "/v1/proofs/{hour}") => both(Some(2), format!("/v1/proofs/{hour}")),
        ("get", "/v1/marketplace/orders/{id}/calls") => {
            let order = |id| format!("/v1/marketplace/orders/{id}/calls");
            two(3, order(OURS[2]), order(THEIRS[2]))
        }
        _ => panic!("{method} {path} has no case: TENANT-1 asks for one"),
    }
}

/// The routes of the committed OpenAPI document.
fn cases() -> Vec<Case> {
    let document = include_str!("../../schemas/openapi.json");
    let document: Value = serde_json::from_str(document).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let cases: Vec<Case> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.keys().map(|method| case(method, path))
        })
        .collect();
    assert!(cases.len() >= 11, "{} routes", cases.len());
    cases
}

/// One call of each seller in a closed hour.
fn two_sellers() -> (World, Running) {
    let mut world = world(0);
    for (name, call) in [("ours", call(1, SELLER, OURS)), ("theirs", call(2, OTHER, THEIRS))] {
        write_file(&world.folder.path().join(name), [call.json()]);
    }
    up_at(&mut world, 8, 30);
    for name in ["ours", "theirs"] {
        assert_eq!(ingest(&world, "json", name, name)["stored"], 1);
    }
    world.stop();
    let running = up_at(&mut world, 10, 5);
    closed(&running, 9);
    (world, running)
}

/// A token made by the command; `account` empty: all of them.
fn token(world: &World, role: &str, account: &str, name: &str) -> String {
    let whose: &[&str] =
        if account.is_empty() { &["--all-accounts"] } else { &["--account", account] };
    let words = ["token", "create", "--role", role, "--name", name];
    let made = program(world).json(&[&words[..], whose].concat());
    made["token"].as_str().expect("a token").to_owned()
}

fn shows(answer: &Value, account: &str, marks: [&str; 3]) -> bool {
    let text = answer.to_string();
    // A question may come back; what answers it may not.
    let text = text.replace(&format!("\"order_id\":\"{}\"", marks[2]), "");
    text.contains(&format!("\"{account}\"")) || marks.iter().any(|mark| text.contains(mark))
}

/// What the seller is shown of its own.
fn is_shown(answer: &Value, resource: usize) -> bool {
    match resource {
        3 => answer["calls"] == 1,
        2 => answer["own"]["streams"][0]["gateway"] == OURS[1],
        1 => answer["bills"].as_array().is_some_and(|bills| bills.len() == 1),
        _ => {
            let summary = answer["summary"].as_str();
            answer["record"]["uri"] == OURS[0]
                || answer["logs"][0]["record"]["uri"] == OURS[0]
                || answer["usage"][0]["account"] == SELLER
                || summary.is_some_and(|words| words.contains(OURS[0]))
                || is_catalog(answer)
        }
    }
}

/// The catalog of errors belongs to nobody.
fn is_catalog(answer: &Value) -> bool {
    answer["errors"].is_array() || answer["remedy"].is_string()
}

/// What an answer holds when it found nothing.
fn is_empty(answer: &Value, resource: usize) -> bool {
    let none = json!([]);
    answer["calls"] == 0
        || answer["logs"] == none
        || answer["usage"] == none
        || is_catalog(answer)
        || resource == 2
}

#[test]
fn every_route_shows_an_account_its_own_rows_and_no_others() {
    let (mut world, running) = two_sellers();
    let cases = cases();
    let theirs = token(&world, "operator", OTHER, "");
    for (role, reads, may_be_for_all) in ROLES {
        let bound = token(&world, role, SELLER, "");
        let refused = program(&world).run(&["token", "create", "--role", role, "--all-accounts"]);
        assert_eq!(refused.code == Some(0), may_be_for_all, "{role}: {refused:?}");
        for case in &cases {
            let Some(resource) = case.resource else { continue };
            let (status, own) = running.get(&case.ours, &bound);
            assert_eq!(status, if reads[resource] { 200 } else { 403 }, "{role} {own}");
            assert_eq!(is_shown(&own, resource), reads[resource], "{role} {own}");
            assert!(!shows(&own, OTHER, THEIRS), "{role} {own}");
            let (status, other) = running.get(&case.theirs, &bound);
            assert!(!shows(&other, OTHER, THEIRS), "{role} {other}");
            let empty = is_empty(&other, resource);
            assert!(matches!(status, 403 | 404) || (status == 200 && empty), "{role} {other}");
        }
    }
    for case in cases.iter().filter(|case| case.resource.is_some()) {
        let (_, answer) = running.get(&case.ours, &theirs);
        assert!(!shows(&answer, SELLER, OURS), "{answer}");
    }
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn a_buyer_sees_its_calls_as_caller_and_nothing_of_the_backend() {
    let (mut world, running) = two_sellers();
    let id = call(1, SELLER, OURS).id;
    for (role, account, backend) in
        [("seller", SELLER, true), ("buyer", BUYER, false), ("support", BUYER, false)]
    {
        let token = token(&world, role, account, "");
        let (status, answer) = running.get(&format!("/v1/logs/{id}"), &token);
        assert_eq!((status, &answer["record"]["uri"]), (200, &json!(OURS[0])), "{answer}");
        for key in ["upip", "ups_rsp_t"] {
            assert_eq!(answer["record"].get(key).is_some(), backend, "{role} {key}: {answer}");
        }
        assert_eq!(answer.to_string().contains(UPIP), backend, "{role}: {answer}");
        assert_eq!(answer["verdict"]["billable"], true, "{role}: the verdict stays");
    }
    // Its own order counts; the seller's bill is none of its business.
    let buyer = token(&world, "buyer", BUYER, "");
    let (_, order) = running.get("/v1/marketplace/orders/order-ours/calls", &buyer);
    assert_eq!((&order["calls"], &order["billable"]), (&json!(1), &json!(1)), "{order}");
    let operator = token(&world, "operator", BUYER, "");
    let (_, bills) = running.get(&format!("/v1/bills/{}", lines::hour(9)), &operator);
    assert_eq!(bills["bills"], json!([]), "{bills}");
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn without_a_valid_token_nothing_is_read_and_reads_of_all_accounts_are_written_down() {
    let (mut world, running) = two_sellers();
    let expired = token(&world, "operator", "", "short");
    running.sql(
        "ALTER TABLE tokens UPDATE expires_at = now64(3) - 1 WHERE name = 'short' \
         SETTINGS mutations_sync = 2",
    );
    let all = token(&world, "auditor", "", "the auditor");
    let bound = token(&world, "auditor", SELLER, "bound");
    let mut asked = BTreeMap::<String, u64>::new();
    for case in cases() {
        if case.resource.is_none() {
            assert_eq!(running.get(&case.ours, "").0, 200, "{}", case.ours);
            continue;
        }
        let unknown = format!("tollgate_{}", "0".repeat(64));
        for (token, code) in [
            ("", "token_missing"),
            ("x", "token_unknown"),
            (&*unknown, "token_unknown"),
            (&*expired, "token_expired"),
        ] {
            let (status, answer) = running.get(&case.ours, token);
            assert_eq!((status, &answer["code"]), (401, &json!(code)), "{answer}");
            assert!(!shows(&answer, SELLER, OURS), "{answer}");
        }
        for path in [&case.ours, &case.theirs] {
            running.get(path, &bound);
            let (status, answer) = running.get(path, &all);
            assert_eq!(status, 200, "{answer}");
            *asked.entry(format!("GET {path}")).or_default() += 1;
        }
    }
    let logged = running.rows(
        "SELECT what, count() AS n FROM access_log WHERE token_name = 'the auditor' \
         AND role = 'auditor' AND account = '' GROUP BY what",
    );
    let logged: BTreeMap<String, u64> = logged
        .iter()
        .map(|row| (row["what"].as_str().unwrap_or("").to_owned(), row["n"].as_u64().unwrap_or(0)))
        .collect();
    assert_eq!(logged, asked);
    let others = running.number("SELECT count() FROM access_log WHERE token_name = 'bound'");
    assert_eq!(others, 0, "who reads its own rows is not logged");
    // No token stands anywhere as it is.
    let stored = running.sql("SELECT * FROM tokens FORMAT JSONEachRow");
    for secret in [&all, &bound, &expired] {
        let hex = secret.trim_start_matches("tollgate_");
        assert!(!stored.contains(hex) && !world.log().contains(hex), "a token was kept");
    }
    assert!(world.stop().success(), "{}", world.log());
}
