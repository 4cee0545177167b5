//! Small hours, as text.

use record::{Net, Part};

use super::*;
use crate::recount::frozen::Spans;

fn frozen() -> Frozen {
    let spans = [("g/1/0", vec![(0, 3)]), ("ingest:f/1/0", vec![(0, 0)])];
    let spans: Spans =
        spans.into_iter().map(|(stream, spans)| (stream.parse().expect("one"), spans)).collect();
    Frozen::new(spans, Spans::new()).expect("few")
}

fn record(gateway: &str, seq: u64) -> Record<'static> {
    Record {
        req_id: format!("r{seq}").into(),
        gateway: gateway.to_owned().into(),
        epoch: 1,
        seq,
        part: Part::Final,
        account: if seq == 3 { "b" } else { "a" }.into(),
        rsp_st: 200,
        net: Net::Public,
        rsp_len: 10 + seq,
        ..Record::default()
    }
}

fn row(record: Record<'static>) -> Row {
    Row { record, billable: true, reason: "ok".to_owned() }
}

fn said(differences: &Differences) -> Vec<String> {
    let word = |difference: &Difference| {
        let what = match &difference.what {
            What::Verdict { stored, judged } => format!("{stored} / {judged}"),
            What::Twice => "twice".to_owned(),
            What::NotStored => "not stored".to_owned(),
            What::NotShipped => "not shipped".to_owned(),
            What::Facts { differ, .. } => format!("{differ:?}"),
        };
        let Difference { req_id, stream, seq, .. } = difference;
        format!("{stream} {seq} {}: {what}", req_id.as_deref().unwrap_or("-"))
    };
    differences.named.iter().map(word).collect()
}

/// All records stand in ClickHouse as `stored` changes them, and in Kafka as `shipped` does; what
/// is none is not there.
fn check(
    account: Option<&str>,
    dropped: bool,
    stored: impl Fn(Row) -> Option<Row>,
    shipped: impl Fn(Record<'static>) -> Option<Record<'static>>,
    expect: &[&str],
) -> u64 {
    let frozen = frozen();
    let mut records = Records::new(&frozen, account);
    let all = (0..4).map(|seq| record("g", seq)).chain([record("ingest:f", 0)]);
    let rows: Vec<Row> = all.filter_map(|record| stored(row(record))).collect();
    for row in &rows {
        assert!(records.stored(row));
    }
    assert!(!records.stored(&row(record("g", 4))), "it is in no range");
    assert_eq!(records.missing(), 4);
    for record in (0..4).filter_map(|seq| shipped(record("g", seq))) {
        let stream = record.stream();
        assert!(records.wants(&stream, record.seq) && records.shipped(&stream, &record));
        let again = Record { rsp_len: 0, ..record };
        let twice = records.wants(&stream, again.seq) || records.shipped(&stream, &again);
        assert!(!twice, "the first one counts");
    }
    let gone = records.all_shipped_seen(dropped);
    let mut differences = records.finish();
    for difference in &mut differences.named {
        let same = |row: &&Row| row.record.seq == difference.seq && row.record.gateway == "g";
        if let Some(row) = rows.iter().find(same) {
            difference.complete(row);
        }
    }
    assert_eq!(said(&differences), expect);
    assert_eq!(differences.count, expect.len() as u64);
    gone
}

#[test]
fn equal_records_have_no_difference_and_files_are_in_no_topic() {
    assert_eq!(check(None, false, Some, Some, &[]), 0);
}

#[test]
fn what_differs_is_named_with_its_request_id() {
    let longer = |mut row: Row| {
        row.record.rsp_len += u64::from(row.record.seq == 1);
        Some(row)
    };
    let expect = r#"g/1/0 1 r1: [("rsp_len", "12", "11")]"#;
    check(None, false, longer, Some, &[expect]);
    check(Some("a"), false, longer, Some, &[expect]);
    check(Some("b"), false, longer, Some, &[]);
    // An account that was altered concerns both.
    let other = |mut row: Row| {
        if row.record.seq == 3 {
            row.record.account = "c".into();
        }
        Some(row)
    };
    for account in [None, Some("b"), Some("c")] {
        check(account, false, other, Some, &[r#"g/1/0 3 r3: [("account", "c", "b")]"#]);
    }
    check(Some("a"), false, other, Some, &[]);
    let free = |row: Row| Some(Row { billable: row.record.seq != 2, ..row });
    check(None, false, free, Some, &["g/1/0 2 r2: not billable (ok) / billable (ok)"]);
}

#[test]
fn what_is_in_one_of_them_only_is_named() {
    let without = |row: Row| (row.record.seq != 2).then_some(row);
    check(None, false, without, Some, &["g/1/0 2 r2: not stored"]);
    check(Some("b"), false, without, Some, &[]);
    let lost = |record: Record<'static>| (record.seq != 2).then_some(record);
    check(None, false, Some, lost, &["g/1/0 2 r2: not shipped"]);
    check(Some("b"), false, Some, lost, &[]);
    // Nobody knows whose it was.
    check(Some("b"), false, without, lost, &["g/1/0 2 -: not stored"]);
}

#[test]
fn what_kafka_has_dropped_is_no_difference_but_a_hole_behind_it_is() {
    let last = |record: Record<'static>| (record.seq == 3).then_some(record);
    assert_eq!(check(None, true, Some, last, &[]), 3);
    let ends = |record: Record<'static>| matches!(record.seq, 1 | 3).then_some(record);
    assert_eq!(check(None, true, Some, ends, &["g/1/0 2 r2: not shipped"]), 1);
    assert_eq!(check(None, true, Some, |_| None, &[]), 4);
}

#[test]
fn a_number_that_stands_twice_is_a_difference_and_after_the_retention_nothing_is() {
    let frozen = frozen();
    let mut records = Records::new(&frozen, None);
    let rows = [0, 0, 1, 2, 3].map(|seq| row(record("g", seq)));
    assert!(rows.iter().all(|row| records.stored(row)));
    assert_eq!(said(&records.finish()), ["g/1/0 0 r0: twice", "ingest:f/1/0 0 -: not stored"]);

    let mut records = Records::new(&frozen, None);
    records.stored_are_gone();
    let stream = "g/1/0".parse().expect("a stream");
    assert!((0..4).all(|seq| records.shipped(&stream, &record("g", seq))));
    assert_eq!((records.missing(), records.all_shipped_seen(false)), (0, 0));
    assert_eq!(records.finish().count, 0);
}

#[test]
fn no_more_than_a_hundred_are_named_and_all_are_counted() {
    let spans: Spans = [("g/1/0".parse().expect("a stream"), vec![(0, 249)])].into();
    let frozen = Frozen::new(spans, Spans::new()).expect("few");
    let differences = Records::new(&frozen, None).finish();
    assert_eq!((differences.count, differences.named.len()), (250, NAMED_MAX));
}
