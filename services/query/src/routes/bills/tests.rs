//! Bills as text, and the form of a bill against the crate that makes it.

use pricing::{Bill, Book, CallsKey, Direction, HourUsage, Month, MonthUse, State as BillState};
use pricing::{TrafficKey, bundled, rate};
use record::InstanceType;
use settings::Sink;

use super::*;

#[test]
fn bills_are_those_of_the_hour_and_the_account() {
    let hour: Hour = "2026-11-20T13".parse().expect("an hour");
    assert_eq!(
        bills_sql(hour, None).sql(&Scope::account("7")).text(),
        "SELECT bill\n\
         FROM bills\n\
         WHERE (account = {scope:String})\n  \
         AND (hour = {hour:DateTime('UTC')})\n\
         ORDER BY account\n\
         LIMIT 1001"
    );
    assert_eq!(
        bills_sql(hour, Some("7")).sql(&Scope::all()).text(),
        "SELECT bill\n\
         FROM bills\n\
         WHERE (hour = {hour:DateTime('UTC')})\n  \
         AND (account = {account:String})\n\
         ORDER BY account\n\
         LIMIT 1001"
    );
}

#[test]
fn another_account_is_refused_by_name() {
    let check = |scope: &Scope, account| check_account(scope, account).map_err(|p| p.code);
    assert_eq!(check(&Scope::account("7"), None), Ok(()));
    assert_eq!(check(&Scope::account("7"), Some("7")), Ok(()));
    assert_eq!(check(&Scope::account("7"), Some("8")), Err(Code::AccountForbidden));
    assert_eq!(check(&Scope::all(), Some("8")), Ok(()));
}

#[test]
fn too_many_bills_ask_for_an_account() {
    let bills = |count| vec!["{}".to_owned(); count];
    assert_eq!(raw(bills(BILLS_MAX)).expect("good").len(), BILLS_MAX);
    assert_eq!(raw(bills(BILLS_MAX + 1)).expect_err("refused").code, Code::AccountNeeded);
}

#[test]
fn a_bill_is_passed_on_byte_for_byte() {
    let bill = r#"{"total":"0.10","a":{"b":[1.50,"x"]}}"#.to_owned();
    let body = BillsBody {
        hour: "2026-11-20T13:00:00Z".to_owned(),
        state: HourState::Closed,
        closed_at: None,
        bills: raw(vec![bill.clone()]).expect("JSON"),
        held: Vec::new(),
    };
    let text = serde_json::to_string(&body).expect("JSON");
    assert!(text.contains(&bill), "{text}");
    assert!(text.contains(r#""state":"closed""#), "{text}");
}

#[test]
fn the_described_form_is_the_one_that_bills_have() {
    let text = bundled("tiered").expect("bundled");
    let book = Book::read("tiered", text, &Sink::new()).expect("a good book");
    let instance_type = InstanceType::Shared;
    let traffic = TrafficKey {
        region: "ap-guangzhou".to_owned(),
        direction: Direction::Response,
        instance_type,
    };
    let usage = HourUsage {
        calls: [(CallsKey { instance_type }, 5_000_000)].into(),
        traffic: [(traffic, 7 << 30)].into(),
    };
    let before = MonthUse::new(Month::new(2026, 11).expect("a month"), None);
    let rated = rate(&book, &before, &usage).expect("rated");
    let hour: Hour = "2026-11-20T13".parse().expect("an hour");
    let bill = Bill::new("7", hour, BillState::Closed, &usage, &rated, &[]).expect("a bill");
    assert!(bill.lines.len() > 1, "calls and traffic");
    let text = bill.to_json();
    let body: BillBody = serde_json::from_str(&text).expect("as described");
    assert_eq!(serde_json::to_string(&body).expect("JSON"), text);
}

#[test]
fn a_bill_that_is_held_back_is_told_to_its_account_only() {
    let proof = r#"{"held":[
        {"account":"7","cut":"2026-11-20T13:00:00Z","hour":"2026-11-20T12:00:00Z","reason":"a"},
        {"account":"8","cut":"2026-11-20T13:00:00Z","hour":"2026-11-20T13:00:00Z","reason":"b"}
    ],"x":1}"#;
    let check = |scope: &Scope, account, expected: &[&str]| {
        let held = held(proof, scope, account).expect("a proof");
        assert!(held.iter().map(|held| held.account.as_str()).eq(expected.iter().copied()));
    };
    check(&Scope::account("7"), None, &["7"]);
    check(&Scope::account("9"), None, &[]);
    check(&Scope::all(), None, &["7", "8"]);
    check(&Scope::all(), Some("8"), &["8"]);
    assert_eq!(held("{}", &Scope::all(), None).expect("none"), []);
}
