//! Canonical JSON: these bytes are stored, compared and read back.

use pricing::{Bill, BillError, HourUsage, KnownHour, MonthUse, State, correct, rate};
use serde_json::Value;

use crate::tables::{hour, month_use, published, tiered, usage};

const GB: u64 = 1 << 30;
const AT: &str = "2026-11-20T14:00:00Z";

/// Two tiers of calls, traffic, and a correction of the hour before.
fn bill() -> Bill {
    let book = published();
    let late = KnownHour {
        hour: hour("2026-11-20T13:00:00Z"),
        book: &book,
        usage: usage("calls 1"),
        billed: Vec::new(),
    };
    let corrected = correct(&month_use("calls 9_999_998"), &[late]).expect("a correction");
    let used = usage(&format!("calls 3; backend ap-tokyo dedicated {GB}"));
    let rated = rate(&book, &corrected.after, &used).expect("it can be rated");
    Bill::new("acme", hour(AT), State::Closed, &used, &rated, &[corrected]).expect("a bill")
}

#[test]
fn a_bill_is_written_in_one_way() {
    let book = published().sha256;
    let line =
        |from: &str| format!(r#"{from},"price_book":"{book}","price_book_id":"published-usd""#);
    let expect = [
        r#"{"hour":"2026-11-20T14:00:00Z","account":"acme","state":"closed","currency":"USD","lines":["#,
        &line(
            r#"{"id":"calls:t1","item":"calls","region":"","direction":"","instance_type":"shared","tier":"1","quantity":"1","unit":"call","unit_price":"0.00000089","amount":"0.00000089""#,
        ),
        "},",
        &line(
            r#"{"id":"calls:t2","item":"calls","region":"","direction":"","instance_type":"shared","tier":"2","quantity":"2","unit":"call","unit_price":"0.00000059","amount":"0.00000118""#,
        ),
        "},",
        &line(
            r#"{"id":"traffic:ap-tokyo:backend:dedicated:t1","item":"traffic","region":"ap-tokyo","direction":"backend","instance_type":"dedicated","tier":"1","quantity":"1.0000","unit":"GB","unit_price":"0.12","amount":"0.12000000""#,
        ),
        "},",
        &line(
            r#"{"id":"correction:2026-11-20T13:00:00Z:calls:t1","item":"calls","region":"","direction":"","instance_type":"shared","tier":"1","quantity":"1","unit":"call","unit_price":"0.00000089","amount":"0.00000089""#,
        ),
        r#","corrects_hour":"2026-11-20T13:00:00Z","corrects_line":"calls:t1"}],"#,
        r#""total":"0.12000296","#,
        r#""usage":{"calls":[{"instance_type":"shared","calls":"3"}],"traffic":[{"region":"ap-tokyo","direction":"backend","instance_type":"dedicated","bytes":"1073741824"}]}}"#,
    ];
    assert_eq!(bill().to_json(), expect.concat());
    assert_eq!(Bill::from_json(&expect.concat()).expect("ours"), bill());
}

#[test]
fn an_altered_bill_is_not_read() {
    let text = bill().to_json();
    let fails = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let altered = text.replacen(from, to, 1);
        Bill::from_json(&altered).expect_err("it was altered").to_string()
    };
    assert_eq!(
        fails(r#""amount":"0.12000000""#, r#""amount":"0.02000000""#),
        "the lines sum to 0.02000296, the total says 0.12000296"
    );
    assert_eq!(fails("0.12000296", "0.120003"), "`0.120003` can not stand in `total`");
    assert_eq!(fails(r#""1.0000""#, r#""1""#), "`1` can not stand in `quantity`");
    assert_eq!(fails(r#""0.12""#, r#""0.120""#), "`0.120` can not stand in `unit_price`");
    assert_eq!(fails(r#""tier":"1""#, r#""tier":"01""#), "`01` can not stand in `tier`");
    assert_eq!(fails("closed", "paid"), "`paid` can not stand in `state`");
    assert_eq!(fails(r#""unit":"GB""#, r#""unit":"GiB""#), "`GiB` can not stand in `unit`");
    assert_eq!(fails(r#""account""#, r#""acount""#), "the text is not the JSON that was expected");
    assert_eq!(fails("2026-11-20T14:00:00Z", "today"), "`today` can not stand in `hour`");
}

#[test]
fn use_is_written_in_one_way() {
    let used = usage("calls 3; calls dedicated 4; backend b 5; response b 6; response a 7");
    let text = concat!(
        r#"{"calls":[{"instance_type":"shared","calls":"3"},{"instance_type":"dedicated","calls":"4"}],"#,
        r#""traffic":[{"region":"a","direction":"response","instance_type":"shared","bytes":"7"},"#,
        r#"{"region":"b","direction":"response","instance_type":"shared","bytes":"6"},"#,
        r#"{"region":"b","direction":"backend","instance_type":"shared","bytes":"5"}]}"#
    );
    assert_eq!(used.to_json(), text);
    assert_eq!(HourUsage::from_json(text).expect("ours"), used);
    let twice = text
        .replace(r#""region":"b","direction":"backend""#, r#""region":"b","direction":"response""#);
    assert!(HourUsage::from_json(&twice).is_err(), "a key stands twice");

    let month = month_use("calls 5; b 1.5; a 0.0001; free_gb 1; free_calls 9");
    let text = concat!(
        r#"{"month":"2026-11","since":null,"calls":"5","#,
        r#""traffic":[{"region":"a","gb":"0.0001"},{"region":"b","gb":"1.5000"}],"#,
        r#""free_calls":"9","free_traffic_gb":"1.0000"}"#
    );
    assert_eq!(month.to_json(), text);
    assert_eq!(MonthUse::from_json(text).expect("ours"), month);
    assert!(MonthUse::from_json(&text.replace("1.5000", "-1.5000")).is_err());
}

#[test]
fn no_number_of_a_bill_is_a_json_number() {
    fn walk(value: &Value) {
        match value {
            Value::Number(number) => unreachable!("{number} is a JSON number"),
            Value::Array(items) => items.iter().for_each(walk),
            Value::Object(entries) => entries.values().for_each(walk),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    walk(&serde_json::from_str(&bill().to_json()).expect("JSON"));
}

#[test]
fn a_bill_has_one_currency() {
    let (book, nothing) = (published(), usage(""));
    let rated = rate(&book, &month_use(""), &nothing).expect("it can be rated");
    let yuan = tiered();
    let late = KnownHour {
        hour: hour("2026-11-20T13:00:00Z"),
        book: &yuan,
        usage: usage("calls 1"),
        billed: Vec::new(),
    };
    let corrected = correct(&month_use(""), &[late]).expect("a correction");
    let bill = Bill::new("acme", hour(AT), State::Closed, &nothing, &rated, &[corrected]);
    assert!(matches!(bill, Err(BillError::Currencies { .. })), "{bill:?}");
}
