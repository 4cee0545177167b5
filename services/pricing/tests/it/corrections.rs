//! BILL-2 by example.

use pricing::{CorrectError, Corrected, KnownHour, Line, MonthUse, correct, rate};

use crate::tables::{hour, month_use, published, text, tiered, usage};

const FIRST: &str = "2026-11-20T13:00:00Z";
const SECOND: &str = "2026-11-20T14:00:00Z";

/// Each hour as (hour, what was known when it was billed, what is known now).
fn check(before: &str, hours: &[(&str, &str, &str)], expect: &str) -> Corrected {
    let book = published();
    let before = month_use(before);
    let mut month: MonthUse = before.clone();
    let mut known = Vec::new();
    for &(at, then, now) in hours {
        let rated = rate(&book, &month, &usage(then)).expect("it can be rated");
        month = rated.after;
        let (hour, usage) = (hour(at), usage(now));
        known.push(KnownHour { hour, book: &book, usage, billed: rated.lines });
    }
    let corrected = correct(&before, &known).expect("it can be corrected");
    let expect: String = expect.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(text(&corrected.lines), expect);
    corrected
}

#[test]
fn nothing_late_gives_no_lines() {
    check("", &[(FIRST, "calls 5", "calls 5")], "");
    check("", &[], "");
}

#[test]
fn ten_late_records_are_billed_as_their_sum() {
    // 30,000 bytes are 0.0000 GB, 300,000 are 0.0003.
    check("", &[(FIRST, "response ap-tokyo 30000", "response ap-tokyo 30000")], "");
    check(
        "",
        &[(FIRST, "", "response ap-tokyo 300000")],
        "correction:2026-11-20T13:00:00Z:traffic:ap-tokyo:response:shared:t1 \
         0.0003 x 0.12 = 0.00003600",
    );
    // With 30,000 billed as nothing before, nine more make the same.
    check(
        "",
        &[(FIRST, "response ap-tokyo 30000", "response ap-tokyo 300000")],
        "correction:2026-11-20T13:00:00Z:traffic:ap-tokyo:response:shared:t1 \
         0.0003 x 0.12 = 0.00003600",
    );
}

#[test]
fn a_correction_is_priced_where_its_hour_stood() {
    // Wherever the open hour stands: the late call is the seventh of its month.
    let corrected = check(
        "calls 5",
        &[(FIRST, "calls 1", "calls 2")],
        "correction:2026-11-20T13:00:00Z:calls:t1 1 x 0.00000089 = 0.00000089",
    );
    let [Line { corrects: Some(corrects), .. }] = corrected.lines.as_slice() else {
        unreachable!("one line");
    };
    assert_eq!((corrects.hour, corrects.line.as_str()), (hour(FIRST), "calls:t1"));
    assert_eq!(corrected.after.calls, 7);
}

#[test]
fn later_hours_are_corrected_where_the_tiers_moved() {
    check(
        "calls 9_999_990",
        &[(FIRST, "calls 4", "calls 7"), (SECOND, "calls 6", "calls 6")],
        "correction:2026-11-20T13:00:00Z:calls:t1 3 x 0.00000089 = 0.00000267
         correction:2026-11-20T14:00:00Z:calls:t1 -3 x 0.00000089 = -0.00000267
         correction:2026-11-20T14:00:00Z:calls:t2 3 x 0.00000059 = 0.00000177",
    );
}

#[test]
fn hours_that_do_not_belong_together_are_refused() {
    let (published, tiered) = (published(), tiered());
    let known = |at: &str, book, billed: Vec<Line>| KnownHour {
        hour: hour(at),
        book,
        usage: usage(""),
        billed,
    };
    let fails = |hours: &[KnownHour<'_>]| correct(&month_use(""), hours).expect_err("it fails");

    let twice = fails(&[known(FIRST, &published, vec![]), known(FIRST, &published, vec![])]);
    assert_eq!(twice, CorrectError::Order { hour: hour(FIRST) });

    // 16:00 UTC of the last day is the first hour of December in UTC+8.
    let december = fails(&[known("2026-11-30T16:00:00Z", &published, vec![])]);
    assert!(matches!(december, CorrectError::OtherMonth { .. }), "{december:?}");

    let lines = rate(&tiered, &month_use(""), &usage("calls 1")).expect("rated").lines;
    let other = fails(&[known(FIRST, &published, lines)]);
    assert!(matches!(other, CorrectError::OtherBook { .. }), "{other:?}");

    let mixed = fails(&[known(FIRST, &published, vec![]), known(SECOND, &tiered, vec![])]);
    assert!(matches!(mixed, CorrectError::OtherCurrency { .. }), "{mixed:?}");

    let late = [KnownHour {
        hour: hour(FIRST),
        book: &published,
        usage: usage("calls 1"),
        billed: vec![],
    }];
    let corrections = correct(&month_use(""), &late).expect("corrected").lines;
    let elsewhere = fails(&[known(SECOND, &published, corrections)]);
    assert!(matches!(elsewhere, CorrectError::OtherHour { .. }), "{elsewhere:?}");

    let mars = [KnownHour {
        hour: hour(FIRST),
        book: &published,
        usage: usage("response mars 1"),
        billed: vec![],
    }];
    let error = fails(&mars);
    assert!(matches!(error, CorrectError::Rate { .. }), "{error:?}");
}
