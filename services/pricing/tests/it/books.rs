//! Price books: what is accepted, and every mistake at once with line and path.

use pricing::{Book, Currency, Month, Zone, bundled};
use settings::Sink;

use crate::tables::{hour, month, published, tiered};

/// The mistakes of a text, one line each; empty when there are none.
fn check(text: &str) -> String {
    let sink = Sink::new();
    let book = Book::read("b.yaml", text, &sink);
    match sink.finish(book) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    }
}

const GOOD: &str = "\
id: ours
currency: EUR
month_zone: -03:00
effective_from: 2026-11-01T00:00:00-03:00
calls:
  per: 100
  tiers: [{up_to: 10, price: 1.50}, {price: 0.000001}]
traffic:
  - {regions: [a, b-2], tiers: [{up_to: 0.0001, price: 2}, {price: 0.5}]}
  - {regions: [c], model: graduated, tiers: [{price: 0}]}
";

#[test]
fn a_good_book_is_read_whole() {
    assert_eq!(check(GOOD), "");
    let book = crate::tables::book(GOOD);
    assert_eq!((book.id.as_str(), book.text.as_str()), ("ours", GOOD));
    assert_eq!(book.currency, "EUR".parse::<Currency>().expect("a currency"));
    assert_eq!(book.effective_from, hour("2026-11-01T03:00:00Z"));
    assert_eq!(book.zone.to_string(), "-03:00");
    assert_eq!(book.traffic.keys().collect::<Vec<_>>(), ["a", "b-2", "c"]);
    let calls: Vec<_> = book.calls.as_slice().iter().map(|t| t.unit_price.to_string()).collect();
    assert_eq!(calls, ["0.015", "0.00000001"]);
    assert_eq!(book.traffic["a"].as_slice()[0].up_to, Some(1));
    assert_eq!(book.free_tier, None);
}

#[test]
fn bundled_books_are_good_and_known_by_name() {
    assert_eq!((published().id, tiered().id), ("published-usd".into(), "tiered-cny".into()));
    assert_eq!((published().currency, tiered().currency), (Currency::USD, Currency::CNY));
    assert_eq!(published().free_tier, None);
    let free = tiered().free_tier.expect("the second book has one");
    assert_eq!(
        (free.calls, free.traffic.to_string().as_str(), free.months),
        (1_000_000, "1.0000", Some(12))
    );
    assert_eq!(
        published().traffic.keys().collect::<Vec<_>>(),
        tiered().traffic.keys().collect::<Vec<_>>()
    );
    assert!(tiered().traffic.values().all(|tiers| tiers.as_slice().len() > 1));
    assert_eq!(bundled("other"), None);
}

#[test]
fn every_mistake_of_a_bad_book_is_reported_at_once() {
    let bad = "\
id: Our Book
currency: Dollar
month_zone: +05:30
effective_from: 2026-11-01T00:30:00Z
calls:
  per: 3000
  model: volume
  tiers:
    - price: 0.01
    - {up_to: 20, price: -1}
    - {up_to: 20, price: 1e3}
traffic:
  - regions: [a, a]
    tiers: [{up_to: 1.00001, price: 1}, {up_to: 7, price: 0.123456789}]
  - regions: [a]
    tiers: []
  - tiers: [{price: 1, to: 2}]
free_tier: {calls: many, months: 0}
discount: 5
";
    assert_eq!(
        check(bad),
        "\
b.yaml:1: id: `Our Book` is not an id of lower-case letters, digits and `-`
b.yaml:2: currency: `Dollar` is not a currency of three capital letters, like `USD`
b.yaml:3: month_zone: `+05:30` is not a fixed offset from UTC, like `+08:00` or `Z`: a month must begin on a UTC hour, so the offset is in whole hours
b.yaml:4: effective_from: `2026-11-01T00:30:00Z` is not a time on a full UTC hour, like `2026-11-01T00:00:00+08:00`
b.yaml:6: calls.per: `3000` is not the number of calls that a price is for, like `10000`: 1, 10, 100 and so on to 1000000000, so that one call has an exact price
b.yaml:7: calls.model: `volume` is not a model that this version has, which is `graduated` only
b.yaml:9: calls.tiers[0]: `up_to` is missing; only the last tier has none
b.yaml:10: calls.tiers[1].price: `-1` is not a price, like `0.0089`
b.yaml:11: calls.tiers[2].price: `1e3` is not a price, like `0.0089`
b.yaml:11: calls.tiers[2].up_to: the last tier has no bound: leave `up_to` out
b.yaml:11: calls.tiers[2].up_to: a bound must be above 0 and above the one before it
b.yaml:13: traffic[0].regions[1]: `a` has its price in line 13 already
b.yaml:14: traffic[0].tiers[0].up_to: `1.00001` is not a quantity in GB with at most 4 decimals, like `12.5`
b.yaml:14: traffic[0].tiers[1].price: `0.123456789` is not a price, like `0.0089`: at most 6 digits before and 8 after the point
b.yaml:14: traffic[0].tiers[1].up_to: the last tier has no bound: leave `up_to` out
b.yaml:15: traffic[1].regions[0]: `a` has its price in line 13 already
b.yaml:16: traffic[1].tiers: from 1 to 32 tiers are accepted
b.yaml:17: traffic[2]: `regions` is missing
b.yaml:17: traffic[2].tiers[0].to: unknown key; known here: up_to, price
b.yaml:18: free_tier.calls: `many` is not a whole number: from 0 to 18446744073709551615 are accepted
b.yaml:18: free_tier.months: at least 1; leave `months` out for a free tier without end
b.yaml:19: discount: unknown key; known here: id, currency, month_zone, effective_from, calls, traffic, free_tier"
    );
}

#[test]
fn an_empty_book_is_told_what_it_lacks() {
    assert_eq!(
        check("{}"),
        "b.yaml:1: `id` is missing\n\
         b.yaml:1: `currency` is missing\n\
         b.yaml:1: `month_zone` is missing\n\
         b.yaml:1: `effective_from` is missing\n\
         b.yaml:1: `calls` is missing\n\
         b.yaml:1: `traffic` is missing"
    );
}

#[test]
fn the_price_of_one_call_is_never_finer_than_an_amount() {
    let fine = GOOD.replace("price: 0.000001", "price: 0.0000015");
    assert_eq!(
        check(&fine),
        "b.yaml:7: calls.tiers[1].price: one call would cost 0.000000015, but prices of one call \
         have at most 8 decimals, as amounts do"
    );
}

#[test]
fn odd_offsets_and_times_are_refused() {
    let zone =
        |text: &str| check(&GOOD.replace("month_zone: -03:00", &format!("month_zone: {text}")));
    for good in ["Z", "+00:00", "+14:00", "-12:00", "\"+08:00\""] {
        assert_eq!(zone(good), "", "{good}");
    }
    for bad in ["+15:00", "-13:00", "+8:00", "08:00", "+08", "+0800", "Asia/Shanghai", "+08:60"] {
        assert!(zone(bad).contains("month_zone"), "{bad}: {}", zone(bad));
    }
}

#[test]
fn months_begin_at_midnight_of_their_zone() {
    let zone = |hours| Zone::new(hours).expect("an offset");
    let table = [
        (8, "2026-10-31T15:00:00Z", "2026-10"),
        (8, "2026-10-31T16:00:00Z", "2026-11"),
        (0, "2026-10-31T23:00:00Z", "2026-10"),
        (0, "2026-11-01T00:00:00Z", "2026-11"),
        (-3, "2026-11-01T02:00:00Z", "2026-10"),
        (-3, "2026-11-01T03:00:00Z", "2026-11"),
        (8, "2023-12-31T16:00:00Z", "2024-01"),
        (0, "1969-12-31T23:00:00Z", "1969-12"),
    ];
    for (hours, at, expect) in table {
        assert_eq!(zone(hours).month_of(hour(at)), Some(month(expect)), "{at} at {hours}");
    }
    assert_eq!(zone(8).first_hour(month("2026-11")), hour("2026-10-31T16:00:00Z"));
    assert_eq!(zone(-3).first_hour(month("2026-11")), hour("2026-11-01T03:00:00Z"));
    assert_eq!(zone(0).first_hour(month("1969-12")), hour("1969-12-01T00:00:00Z"));
    assert!(zone(8).begins_month(hour("2026-10-31T16:00:00Z")));
    assert!(!zone(8).begins_month(hour("2026-11-01T00:00:00Z")));
    assert_eq!(month("2027-02").months_since(month("2026-11")), 3);
    assert_eq!(Month::new(2026, 13), None);
    assert!("2026-1".parse::<Month>().is_err() && "2026-+1".parse::<Month>().is_err());
}
