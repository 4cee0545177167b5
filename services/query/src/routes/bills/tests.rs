//! Bills as text, and the form of a bill against the crate that makes it.

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
    };
    let text = serde_json::to_string(&body).expect("JSON");
    assert!(text.contains(&bill), "{text}");
    assert!(text.contains(r#""state":"closed""#), "{text}");
}
