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

/// Late, frozen by the cut of noon.
fn late_use(of: Hour, usage: HourUsage) -> Late {
    Late { cut: noon(), of, usage, book: None }
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
        let own = uses
            .get(index)
            .map_or_else(HourUsage::default, |own| usage(own.calls, own.bytes.into()));
        let mut late = Vec::new();
        for (earlier, one) in uses.iter().enumerate() {
            let Some((delay, calls, bytes)) = one.late else { continue };
            if earlier + delay == index {
                late.push(late_use(Hour(noon().0 + earlier as i64), usage(calls, bytes.into())));
            }
        }
        late.retain(|late| !late.usage.is_empty());
        if own.is_empty() && late.is_empty() {
            continue;
        }
        let sha256 = Some(book.sha256.clone());
        let terms = Terms {
            books: late
                .iter()
                .map(|late| late.of)
                .chain([hour])
                .map(|hour| (hour, sha256.clone()))
                .collect(),
            openings: vec![opening(book)],
        };
        let newest = standing.last().map(|standing| standing.basis.after.clone());
        let made = Account {
            account: "acme",
            hour,
            state: State::Closed,
            terms: &terms,
            own: &own,
            late: &late,
            newest: newest.as_ref(),
            standing: &standing,
            books,
        };
        let Outcome { standing: Some(made), held } = made.bill() else { panic!("a bill") };
        assert!(held.is_empty(), "it can be rated");
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
    let (own, late) = (usage(1, 0), [late_use(noon().prev(), usage(2, 0))]);
    let check = |book: Option<&str>, expect: &str| {
        let books = BTreeMap::from([(noon(), book.map(str::to_owned))]);
        let terms = Terms { books, openings: vec![] };
        let account = Account {
            account: "acme",
            hour: noon(),
            state: State::Closed,
            terms: &terms,
            own: &own,
            late: &late,
            newest: None,
            standing: &[],
            books: &Books::new(),
        };
        let Outcome { standing: None, held } = account.bill() else { panic!("no bill") };
        let held: Vec<_> =
            held.iter().map(|(cut, of, hold)| (*cut, *of, hold.to_string())).collect();
        let expect = expect.to_owned();
        let earlier = (noon(), noon().prev(), expect.clone());
        assert_eq!(held, [earlier, (noon(), noon(), expect)]);
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
    let own = usage(10, 0);
    let check = |newest: Option<MonthUse>, expect: u64| {
        let account = Account {
            account: "acme",
            hour: noon(),
            state: State::Closed,
            terms: &terms,
            own: &own,
            late: &[],
            newest: newest.as_ref(),
            standing: &[],
            books: &books,
        };
        assert_eq!(account.bill().standing.expect("a bill").basis.before.calls, expect);
    };
    check(None, 9_999_000);
    check(Some(MonthUse { calls: 7, ..MonthUse::new(month, None) }), 7);
    let other = Month::new(2026, 10).expect("a month");
    check(Some(MonthUse { calls: 7, ..MonthUse::new(other, None) }), 9_999_000);
}

#[test]
fn what_can_not_be_rated_is_held_and_the_rest_is_billed() {
    let book = book();
    let books = Books::from([(book.sha256.clone(), book.clone())]);
    let elsewhere = |bytes: u128| {
        let mut usage = usage(0, bytes);
        usage.traffic = usage
            .traffic
            .into_iter()
            .map(|(mut key, bytes)| {
                key.region = "ap-typo".into();
                (key, bytes)
            })
            .collect();
        usage
    };
    let before = |hours: i64| Hour(noon().0 - hours);
    let known = |hour: Hour| (hour, Some(book.sha256.clone()));
    let terms = Terms {
        books: BTreeMap::from([
            known(noon()),
            known(before(1)),
            known(before(2)),
            (before(3), None),
        ]),
        openings: vec![opening(&book)],
    };
    let late = [
        late_use(before(3), usage(1, 0)),
        late_use(before(2), elsewhere(5)),
        late_use(before(1), usage(7, 0)),
    ];
    let bill = |own: &HourUsage| {
        Account {
            account: "acme",
            hour: noon(),
            state: State::Closed,
            terms: &terms,
            own,
            late: &late,
            newest: None,
            standing: &[],
            books: &books,
        }
        .bill()
    };
    let calls = |outcome: &Outcome| -> u64 {
        let bill = &outcome.standing.as_ref().expect("a bill").bill;
        let lines = bill.lines.iter().filter(|line| line.item == pricing::Item::Calls);
        lines.map(|line| u64::try_from(line.quantity).expect("whole calls")).sum()
    };
    let held =
        |outcome: &Outcome| -> Vec<Hour> { outcome.held.iter().map(|held| held.1).collect() };
    let good = bill(&usage(10, 0));
    assert_eq!((calls(&good), held(&good)), (17, vec![before(3), before(2)]));
    // The hour's own use is held as well: what came late has its bill all the same.
    let bad = bill(&elsewhere(5));
    assert_eq!((calls(&bad), held(&bad)), (7, vec![before(3), before(2), noon()]));
}
