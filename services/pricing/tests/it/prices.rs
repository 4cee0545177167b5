//! Section `prices:`: books, accounts, opening use.

use std::io;
use std::path::Path;

use pricing::Prices;
use settings::{Document, Mistakes, Sink};

use crate::tables::{hour, month};

/// A book `ours` with some things replaced.
fn ours(replace: &[(&str, &str)]) -> String {
    let text = "id: ours\ncurrency: EUR\nmonth_zone: Z\neffective_from: 2026-01-01T00:00:00Z\n\
                calls: {per: 1, tiers: [{price: 1}]}\n\
                traffic: [{regions: [a], tiers: [{price: 1}]}]\n\
                free_tier: {calls: 10, traffic_gb: 2}\n";
    replace.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn load(path: &Path) -> io::Result<String> {
    match path.to_str().unwrap_or_default() {
        "ours.yaml" => Ok(ours(&[])),
        "february.yaml" => Ok(ours(&[("2026-01-01", "2026-02-01"), ("[a]", "[a, b]")])),
        "dollars.yaml" => Ok(ours(&[("2026-01-01", "2026-03-01"), ("EUR", "USD")])),
        "dollars-mid-month.yaml" => Ok(ours(&[("2026-01-01", "2026-03-02"), ("EUR", "USD")])),
        "same.yaml" => Ok(ours(&[("per: 1,", "per: 10,")])),
        "zone.yaml" => Ok(ours(&[("2026-01-01", "2026-02-01"), (": Z", ": +08:00")])),
        "bad.yaml" => Ok(ours(&[("EUR", "Euro"), ("per: 1,", "per: 2,")])),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn read(text: &str) -> Result<Prices, Mistakes> {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink).expect("well-formed YAML");
    let prices = Prices::read(&document.root(&sink), &sink, &load);
    sink.finish(prices)
}

/// The mistakes of a section, one line each.
fn check(text: &str) -> String {
    read(text).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
}

#[test]
fn versions_price_from_their_hour_on() {
    let text = "books: [bundled:published, february.yaml, ours.yaml, dollars.yaml]\n\
                default_book: published-usd\naccounts:\n- {id: acme, book: ours}";
    let prices = read(text).expect("no mistakes");
    let table = [
        ("acme", "2025-12-31T23:00:00Z", None),
        ("acme", "2026-01-01T00:00:00Z", Some((1, "EUR"))),
        ("acme", "2026-01-31T23:00:00Z", Some((1, "EUR"))),
        ("acme", "2026-02-01T00:00:00Z", Some((2, "EUR"))),
        ("acme", "2026-03-01T00:00:00Z", Some((1, "USD"))),
        ("other", "2026-03-01T00:00:00Z", Some((17, "USD"))),
        ("other", "2019-12-31T15:00:00Z", None),
        ("other", "2019-12-31T16:00:00Z", Some((17, "USD"))),
    ];
    for (account, at, expect) in table {
        let book = prices.book_at(account, hour(at));
        let got = book.map(|book| (book.traffic.len(), book.currency.as_str()));
        assert_eq!(got, expect, "{account} at {at}");
    }
    let ids: Vec<_> = prices.books().map(|book| book.id.as_str()).collect();
    assert_eq!(ids, ["ours", "ours", "ours", "published-usd"]);
}

#[test]
fn one_book_is_the_default() {
    let prices = read("books: [ours.yaml]").expect("no mistakes");
    let book = prices.book_at("anybody", hour("2026-11-01T00:00:00Z")).expect("a book");
    assert_eq!(book.id, "ours");
}

#[test]
fn a_month_begins_with_its_opening_use() {
    let text = "\
books: [ours.yaml]
accounts:
  - id: acme
    since: 2026-03
    opening_use:
      - {month: 2026-11, calls: 9_999_000, traffic: [{region: a, gb: 12.5}]}
      - {month: 2026-12, calls: 7, free_calls: 3, free_traffic_gb: 0.5}
";
    let prices = read(text).expect("no mistakes");
    let november = prices.opening("acme", month("2026-11"));
    assert_eq!(
        november.to_json(),
        r#"{"month":"2026-11","since":"2026-03","calls":"9999000","traffic":[{"region":"a","gb":"12.5000"}],"free_calls":"10","free_traffic_gb":"2.0000"}"#
    );
    let december = prices.opening("acme", month("2026-12"));
    assert_eq!(
        december.to_json(),
        r#"{"month":"2026-12","since":"2026-03","calls":"7","traffic":[],"free_calls":"3","free_traffic_gb":"0.5000"}"#
    );
    let october = prices.opening("acme", month("2026-10"));
    assert_eq!((october.calls, october.free_calls, october.since), (0, 0, Some(month("2026-03"))));
    assert_eq!(prices.opening("other", month("2026-11")).since, None);

    // The month goes on from its latest use, and a new one from its opening.
    let mut last = november.clone();
    last.calls += 5;
    let first_hour = hour("2026-11-01T00:00:00Z");
    let from = |at, last| prices.use_before("acme", at, last).expect("a book").calls;
    assert_eq!(from(first_hour, None), 9_999_000);
    assert_eq!(from(first_hour.next(), Some(last.clone())), 9_999_005);
    assert_eq!(from(hour("2026-12-01T00:00:00Z"), Some(last)), 7);
    assert_eq!(prices.use_before("acme", hour("2025-01-01T00:00:00Z"), None), None);
}

#[test]
fn versions_that_do_not_follow_each_other_are_refused() {
    let text = "books:\n- zone.yaml\n- ours.yaml\n- dollars-mid-month.yaml\n- same.yaml";
    assert_eq!(
        check(text),
        "t.yaml:2: books[0]: the version of `ours` from 2026-02-01T00:00:00Z changes `month_zone` \
         from +00:00 to +08:00: some hours would belong to two months or none; give the book \
         another id\n\
         t.yaml:4: books[2]: the version of `ours` from 2026-03-02T00:00:00Z changes `month_zone` \
         from +08:00 to +00:00: some hours would belong to two months or none; give the book \
         another id\n\
         t.yaml:4: books[2]: the version of `ours` from 2026-03-02T00:00:00Z changes the currency \
         inside a month\n\
         t.yaml:5: books[3]: two versions of `ours` are effective from 2026-01-01T00:00:00Z"
    );
}

#[test]
fn every_mistake_of_section_and_books_is_reported_at_once() {
    let text = "\
books: [bundled:other, away.yaml, bad.yaml, ours.yaml]
acounts: []
accounts:
  - id: acme
    since: 2026-13
    opening_use:
      - {month: 2026-11, calls: -1, traffic: [{region: mars, gb: 1}, {region: a, gb: 1}, {region: a, gb: 2}]}
      - {month: 2026-11}
  - id: acme
  - book: ours
";
    let mistakes = check(text);
    assert_eq!(
        mistakes,
        "\
bad.yaml:2: currency: `Euro` is not a currency of three capital letters, like `USD`
bad.yaml:5: calls.per: `2` is not the number of calls that a price is for, like `10000`: 1, 10, 100 and so on to 1000000000, so that one call has an exact price
t.yaml:1: books[0]: `other` does not come with Tollgate; these do: published, tiered
t.yaml:1: books[1]: the price book `away.yaml` can not be read: entity not found
t.yaml:2: acounts: unknown key; known here: books, default_book, accounts
t.yaml:5: accounts[0].since: `2026-13` is not a month, like `2026-11`
t.yaml:7: accounts[0].opening_use[0].calls: `-1` is not a whole number: from 0 to 18446744073709551615 are accepted
t.yaml:7: accounts[0].opening_use[0].traffic[0].region: the account's price book has no region `mars`
t.yaml:7: accounts[0].opening_use[0].traffic[2]: the region `a` stands twice
t.yaml:8: accounts[0].opening_use[1]: the month 2026-11 stands twice
t.yaml:9: accounts[1]: the account stands twice
t.yaml:10: accounts[2]: `id` is missing"
    );
}

#[test]
fn books_are_named_by_ids_that_exist() {
    assert_eq!(check("books: []"), "t.yaml:1: books: at least one price book is needed");
    assert_eq!(check("accounts: []"), "t.yaml:1: `books` is missing");
    assert_eq!(
        check("books: [ours.yaml, bundled:tiered]"),
        "t.yaml:1: `default_book` is missing; choose one of ours, tiered-cny"
    );
    assert_eq!(
        check("books: [ours.yaml]\ndefault_book: yours\naccounts: [{id: a, book: theirs}]"),
        "t.yaml:2: default_book: no price book has the id `yours`; known here: ours\n\
         t.yaml:3: accounts[0].book: no price book has the id `theirs`; known here: ours"
    );
}
