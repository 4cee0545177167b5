use pricing::Month;

use super::*;
use crate::close::seen::{Gateway, Living};

fn stream(gateway: &str) -> Stream {
    Stream { gateway: gateway.into(), epoch: 1_763_600_000_000, worker: 1 }
}

fn cut() -> Cut {
    let hour: Hour = "2026-11-20T13".parse().expect("an hour");
    let share = Share {
        stream: stream("g"),
        first: 3,
        last: 9,
        ranges: [(3, 5), (7, 8)].into_iter().collect(),
        dead: Ranges::span(6, 6),
    };
    let late = BTreeMap::from([(stream("g"), Ranges::span(1, 1))]);
    let month = Month::new(2026, 11).expect("a month");
    let terms = Terms {
        books: BTreeMap::from([(hour, Some("ab".into())), (hour.prev(), None)]),
        openings: vec![MonthUse::new(month, None)],
    };
    let released = |id: &str, how: Release| {
        let (cut, of, account) = (hour.prev(), hour.prev().prev(), "acme".to_owned());
        Released { id: id.to_owned(), cut, of, account, how }
    };
    let regions = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
    let rate = Release::Rate { book: None, regions };
    Cut {
        hour,
        looked_at: Time(hour.end().0 + 1),
        rule: 1,
        settled: false,
        silent: vec!["g".into()],
        books: vec![BookName { id: "standard".into(), sha256: "ab".into() }],
        streams: vec![share],
        late: BTreeMap::from([(hour.prev(), late)]),
        carry: Carry {
            living: vec![Living { stream: stream("g"), next: 10, end: Some(12) }],
            gateways: BTreeMap::from([("g".into(), Gateway { epoch: 5, retired: true })]),
        },
        ends: vec![SourceEnd { source: "spool:g".into(), part: 0, position: 7 }],
        terms: BTreeMap::from([("acme".into(), terms)]),
        released: vec![released("ab", Release::Waive), released("cd", rate)],
    }
}

#[test]
fn the_text_of_a_cut_is_canonical() {
    let opening = MonthUse::new(Month::new(2026, 11).expect("a month"), None).to_json();
    let expect = format!(
        r#"{{"hour":"2026-11-20T13:00:00Z","looked_at":"2026-11-20T14:00:00.001Z","rule":1,"settled":false,"silent":["g"],"books":[{{"id":"standard","sha256":"ab"}}],"streams":[{{"gateway":"g","epoch":1763600000000,"worker":1,"first":3,"last":9,"ranges":[[3,5],[7,8]],"dead":[[6,6]]}}],"late":[{{"hour":"2026-11-20T12:00:00Z","streams":[{{"gateway":"g","epoch":1763600000000,"worker":1,"ranges":[[1,1]]}}]}}],"living":[{{"gateway":"g","epoch":1763600000000,"worker":1,"next":10,"end":12}}],"gateways":[{{"gateway":"g","epoch":5,"retired":true}}],"ends":[{{"source":"spool:g","part":0,"position":7}}],"accounts":[{{"account":"acme","books":[{{"hour":"2026-11-20T12:00:00Z","sha256":null}},{{"hour":"2026-11-20T13:00:00Z","sha256":"ab"}}],"openings":[{opening}]}}],"released":[{{"id":"ab","cut":"2026-11-20T12:00:00Z","hour":"2026-11-20T11:00:00Z","account":"acme","how":"waive"}},{{"id":"cd","cut":"2026-11-20T12:00:00Z","hour":"2026-11-20T11:00:00Z","account":"acme","how":{{"rate":{{"regions":{{"x":"y"}}}}}}}}]}}"#
    );
    assert_eq!(cut().to_json(), expect);
}

#[test]
fn a_cut_is_read_back_from_its_text() {
    let cut = cut();
    let again = Cut::from_json(&cut.to_json()).expect("what was written");
    assert_eq!(again, cut);
    assert_eq!(again.to_json(), cut.to_json());
    Cut::from_json("{}").expect_err("no cut");
}

#[test]
fn a_hash_is_that_of_the_standard() {
    // FIPS 180-2, appendix B.1.
    let expect = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256("abc"), expect);
}

#[test]
fn an_hour_with_anything_dead_missing_or_silent_is_not_complete() {
    let whole =
        Share { ranges: Ranges::span(3, 9), dead: Ranges::new(), ..cut().streams[0].clone() };
    let check = |streams: Vec<Share>, settled: bool, expect: bool| {
        assert_eq!(Cut { streams, settled, ..cut() }.complete(), expect);
    };
    check(vec![whole.clone()], true, true);
    check(vec![whole.clone()], false, false);
    let hole = Share { ranges: Ranges::span(3, 8), ..whole.clone() };
    check(vec![whole.clone(), hole.clone()], true, false);
    check(vec![Share { dead: Ranges::span(9, 9), ..hole }], true, false);
    check(vec![], true, true);
}
