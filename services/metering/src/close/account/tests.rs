//! Bills and corrections against a naive account: every hour rated in order, with everything that
//! was ever used in it.

use pricing::{CallsKey, Direction, Line, TrafficKey, bundled};
use proptest::prelude::{Strategy, proptest};
use record::InstanceType;
use rust_decimal::Decimal;
use settings::Sink;

use super::*;

const REGION: &str = "ap-singapore";

fn book() -> Book {
    let sink = Sink::new();
    let text = bundled("tiered").expect("it comes with Tollgate");
    let book = Book::read("tiered", text, &sink);
    sink.finish(book).expect("a good book")
}

fn usage(calls: u64, bytes: u128) -> HourUsage {
    let mut usage = HourUsage::default();
    if calls > 0 {
        usage.calls.insert(CallsKey { instance_type: InstanceType::Shared }, calls);
    }
    if bytes > 0 {
        let (region, direction) = (REGION.to_owned(), Direction::Response);
        let key = TrafficKey { region, direction, instance_type: InstanceType::Shared };
        usage.traffic.insert(key, bytes);
    }
    usage
}

fn noon() -> Hour {
    "2026-11-20T12".parse().expect("an hour")
}

fn opening(book: &Book) -> MonthUse {
    let month = book.zone.month_of(noon()).expect("a month");
    // Near the first bound, and no free tier: it is the first month of nobody.
    MonthUse { calls: 9_999_000, ..MonthUse::new(month, None) }
}

/// Use of one hour: in time, and how many hours later the rest is billed.
#[derive(Debug, Clone)]
struct Use {
    calls: u64,
    bytes: u64,
    late: Option<(usize, u64, u64)>,
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let bytes = 0_u64..200_000_000;
    let late = proptest::option::of((1_usize..4, 0_u64..2_000, bytes.clone()));
    let one =
        (0_u64..2_000, bytes, late).prop_map(|(calls, bytes, late)| Use { calls, bytes, late });
    proptest::collection::vec(one, 1..8)
}

/// Bills hours in order; late use stands in the cut of the hour that it comes in.
fn bill(uses: &[Use], books: &Books, book: &Book) -> Vec<Standing> {
    let hours = uses.len() + 4;
    let mut standing: Vec<Standing> = Vec::new();
    for index in 0..hours {
        let hour = Hour(noon().0 + index as i64);
        let mut now = BTreeMap::new();
        if let Some(own) = uses.get(index) {
            now.insert(hour, usage(own.calls, own.bytes.into()));
        }
        for (earlier, one) in uses.iter().enumerate() {
            let Some((delay, calls, bytes)) = one.late else { continue };
            if earlier + delay == index {
                now.insert(Hour(noon().0 + earlier as i64), usage(calls, bytes.into()));
            }
        }
        now.retain(|_, usage| !usage.is_empty());
        if now.is_empty() {
            continue;
        }
        let sha256 = Some(book.sha256.clone());
        let terms = Terms {
            books: now.keys().chain([&hour]).map(|&hour| (hour, sha256.clone())).collect(),
            openings: vec![opening(book)],
        };
        let newest = standing.last().map(|standing| standing.basis.after.clone());
        let made = Account {
            account: "acme",
            hour,
            state: State::Closed,
            terms: &terms,
            usage: &now,
            newest: newest.as_ref(),
            standing: &standing,
            books,
        };
        let made = made.bill().expect("it can be rated");
        let text = made.basis.to_json();
        assert_eq!(Basis::from_json(&text).expect("what was written"), made.basis);
        standing.push(made);
    }
    standing
}

/// What is billed for each place of each hour, corrections with it: quantity and amount.
fn places(
    lines: impl Iterator<Item = (Hour, Line)>,
) -> BTreeMap<(Hour, String), (Decimal, Decimal)> {
    let mut places: BTreeMap<_, (Decimal, Decimal)> = BTreeMap::new();
    for (hour, line) in lines {
        let place = match &line.corrects {
            None => (hour, line.id.clone()),
            Some(corrects) => (corrects.hour, corrects.line.clone()),
        };
        let sums = places.entry(place).or_default();
        sums.0 += line.quantity;
        sums.1 += line.amount;
    }
    places.retain(|_, sums| !sums.0.is_zero() || !sums.1.is_zero());
    places
}

proptest! {
    #[test]
    fn bills_and_corrections_come_to_what_everything_known_in_time_would_cost(uses in uses()) {
        let book = book();
        let books = Books::from([(book.sha256.clone(), book.clone())]);
        let standing = bill(&uses, &books, &book);
        let billed = standing.iter().flat_map(|standing| {
            let bill = &standing.bill;
            bill.lines.iter().map(|line| (bill.hour, line.clone()))
        });

        let (mut expect, mut before) = (Vec::new(), opening(&book));
        for (index, one) in uses.iter().enumerate() {
            let (_, calls, bytes) = one.late.unwrap_or((0, 0, 0));
            let all = usage(one.calls + calls, u128::from(one.bytes) + u128::from(bytes));
            let rated = rate(&book, &before, &all).expect("it can be rated");
            let hour = Hour(noon().0 + index as i64);
            expect.extend(rated.lines.into_iter().map(|line| (hour, line)));
            before = rated.after;
        }
        assert_eq!(places(billed), places(expect.into_iter()));
        if let Some(last) = standing.last() {
            assert_eq!(last.basis.after, before);
        }
        for standing in &standing {
            let sum: Decimal = standing.bill.lines.iter().map(|line| line.amount).sum();
            assert_eq!(sum, standing.bill.total.amount);
        }
    }
}

#[test]
fn a_bill_without_a_book_or_with_a_lost_one_is_held() {
    let usage = BTreeMap::from([(noon(), usage(1, 0))]);
    let check = |book: Option<&str>, expect: &str| {
        let books = BTreeMap::from([(noon(), book.map(str::to_owned))]);
        let terms = Terms { books, openings: vec![] };
        let account = Account {
            account: "acme",
            hour: noon(),
            state: State::Closed,
            terms: &terms,
            usage: &usage,
            newest: None,
            standing: &[],
            books: &Books::new(),
        };
        assert_eq!(account.bill().expect_err("it is held").to_string(), expect);
    };
    check(None, "no price book is in force in 2026-11-20T12:00:00Z");
    check(Some("ab"), "price book ab is not among the stored ones");
}

#[test]
fn a_new_month_begins_at_its_opening() {
    let book = book();
    let books = Books::from([(book.sha256.clone(), book.clone())]);
    let month = book.zone.month_of(noon()).expect("a month");
    let terms = Terms {
        books: BTreeMap::from([(noon(), Some(book.sha256.clone()))]),
        openings: vec![opening(&book)],
    };
    let usage = BTreeMap::from([(noon(), usage(10, 0))]);
    let check = |newest: Option<MonthUse>, expect: u64| {
        let account = Account {
            account: "acme",
            hour: noon(),
            state: State::Closed,
            terms: &terms,
            usage: &usage,
            newest: newest.as_ref(),
            standing: &[],
            books: &books,
        };
        assert_eq!(account.bill().expect("a bill").basis.before.calls, expect);
    };
    check(None, 9_999_000);
    check(Some(MonthUse { calls: 7, ..MonthUse::new(month, None) }), 7);
    let other = Month::new(2026, 10).expect("a month");
    check(Some(MonthUse { calls: 7, ..MonthUse::new(other, None) }), 9_999_000);
}
