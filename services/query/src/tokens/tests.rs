//! Tokens without a store: what is refused, what is remembered.

use settings::Secret;
use store::Endpoint;

use super::*;

fn tokens() -> Tokens {
    let endpoint = Endpoint {
        url: "http://127.0.0.1:1".to_owned(),
        user: String::new(),
        password: Secret::new(""),
        header: None,
        database: "t".to_owned(),
    };
    Tokens::new(Store::new(endpoint).expect("an endpoint"))
}

fn new(name: &str, role: Role, account: Option<&str>, expires_at: Option<i64>) -> NewToken {
    NewToken {
        name: name.to_owned(),
        role,
        account: account.map(str::to_owned),
        expires_at: expires_at.map(Time),
    }
}

fn row(role: &str, account: &str, expires_at: Option<&str>) -> Option<Known> {
    Row {
        name: "n".to_owned(),
        role: role.to_owned(),
        account: account.to_owned(),
        expires_at: expires_at.map(str::to_owned),
    }
    .known()
}

#[test]
fn what_makes_no_token() {
    let check = |new: &NewToken| check(new, Time(1000)).map_err(|error| error.to_string());
    assert_eq!(check(&new("n", Role::Operator, None, None)), Ok(()));
    assert_eq!(check(&new("n", Role::Buyer, Some("7"), Some(1001))), Ok(()));
    for (bad, why) in [
        (new("", Role::Operator, None, None), "name"),
        (new("a\nb", Role::Operator, None, None), "name"),
        (new(&"n".repeat(65), Role::Operator, None, None), "name"),
        (new("n", Role::Operator, Some(""), None), "account"),
        (new("n", Role::Operator, Some(" "), None), "account"),
        (new("n", Role::Buyer, None, None), "bound to an account"),
        (new("n", Role::Seller, None, None), "bound to an account"),
        (new("n", Role::Operator, None, Some(1000)), "expired"),
    ] {
        let error = check(&bad).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_row_that_makes_no_sense_gives_no_access() {
    assert_eq!(row("auditor", "", None).expect("good").account, None);
    assert_eq!(row("buyer", "7", None).expect("good").account.as_deref(), Some("7"));
    assert_eq!(
        row("buyer", "7", Some("2026-01-01T00:00:00.000Z")).expect("good").expires_at,
        Time::parse_rfc3339("2026-01-01T00:00:00Z")
    );
    assert_eq!(row("root", "", None), None);
    assert_eq!(row("buyer", "", None), None);
    assert_eq!(row("buyer", "7", Some("soon")), None);
}

#[test]
fn an_answer_is_remembered_for_its_life_only() {
    let tokens = tokens();
    let start = Instant::now();
    let known = row("auditor", "", None);
    tokens.remember("a".to_owned(), known.clone(), start);
    tokens.remember("b".to_owned(), None, start);
    let just = LIFE - Duration::from_millis(1);
    assert_eq!(tokens.remembered("a", start + just), Some(known));
    assert_eq!(tokens.remembered("b", start + just), Some(None));
    assert_eq!(tokens.remembered("a", start + LIFE), None);
    assert_eq!(tokens.remembered("c", start), None);
}

#[test]
fn what_is_remembered_is_bounded() {
    let tokens = tokens();
    for number in 0..=2 * REMEMBERED_MAX {
        tokens.remember(number.to_string(), None, Instant::now());
        let held = tokens.remembered.lock().expect("no panic").len();
        assert!(held <= REMEMBERED_MAX);
    }
}

#[test]
fn a_hash_is_that_of_the_standard() {
    // FIPS 180-2, appendix B.1.
    assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
