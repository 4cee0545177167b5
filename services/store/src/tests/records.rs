//! Every column there and back.

use record::{Fault, InstanceType, Life, Millis, Net, Part, PreviousLife, Record, Time, judge};

use super::Outcome;
use super::lab::{HOUR, block, claim, record, store};
use crate::records::{Day, RecordBlock, StoredRecord};
use crate::{Sql, Store};

/// Each text names its column, so that two columns that were exchanged would be seen.
fn full(mark: &str) -> Record<'static> {
    let text = |column: &str| format!("{column}{mark}").into();
    Record {
        req_id: text("req_id"),
        client_req_id: text("client_req_id"),
        time: Time(HOUR.start().0 + 1),
        gateway: text("gateway"),
        epoch: 1,
        worker: 2,
        seq: 3,
        part: Part::End,
        life: Some(Box::new(Life {
            workers: 4,
            previous: Some(PreviousLife { epoch: 5, last: vec![Some(u64::MAX), None] }),
            refused: 6,
            unrecorded: 7,
            retires: true,
        })),
        account: text("account"),
        caller: text("caller"),
        service_id: text("service_id"),
        api_id: text("api_id"),
        env: text("env"),
        region: text("region"),
        instance: text("instance"),
        instance_type: InstanceType::Dedicated,
        net: Net::Private,
        scheme: text("scheme"),
        method: text("method"),
        host: text("host"),
        uri: text("uri"),
        query: text("query"),
        proto: text("proto"),
        rsp_st: 502,
        ups_st: text("ups_st"),
        ip: text("ip"),
        upip: text("upip"),
        vip: text("vip"),
        req_len: 8,
        rsp_len: 9,
        ups_req_len: 10,
        ups_rsp_len: 11,
        ups_net: Net::Private,
        req_t: Millis(12),
        ups_rsp_t: Some(Millis(13)),
        ups_conn_t: Some(Millis(14)),
        ups_head_t: Some(Millis(15)),
        tcp_rtt: Some(16),
        err_msg: text("err_msg"),
        fault: Fault::Backend,
        phase: text("phase"),
        secret_id: text("secret_id"),
        app_code: text("app_code"),
        plan_id: text("plan_id"),
        order_id: text("order_id"),
        goods_id: text("goods_id"),
        user_agent: text("user_agent"),
        referer: text("referer"),
        trace_id: text("trace_id"),
    }
}

fn greatest() -> Record<'static> {
    let span = Millis(u32::MAX.into());
    Record {
        time: Time(HOUR.start().0 + 3_599_999),
        epoch: u64::MAX,
        worker: u16::MAX,
        seq: u64::MAX,
        rsp_st: u16::MAX,
        req_len: u64::MAX,
        rsp_len: u64::MAX,
        ups_req_len: u64::MAX,
        ups_rsp_len: u64::MAX,
        req_t: span,
        ups_rsp_t: Some(span),
        ups_conn_t: Some(span),
        ups_head_t: Some(span),
        tcp_rtt: Some(u32::MAX),
        ..full(&"x".repeat(20_000))
    }
}

async fn stored(store: &Store) -> Result<Vec<StoredRecord>, crate::QueryError> {
    let columns = StoredRecord::columns();
    store.query(&Sql::new(format!("SELECT {columns} FROM records ORDER BY stored_at, seq"))).await
}

#[tokio::test]
async fn what_is_stored_is_what_was_sent() -> Outcome {
    let store = store("records_whole").await?;
    let claim = claim(&store).await?;
    let empty = Record { time: HOUR.start(), ..Record::default() };
    let odd = full(" ü漢🦀 \t\n\r\\ '\"` \u{7f} \u{1}");
    for (i, record) in [empty, full(""), odd, greatest()].into_iter().enumerate() {
        store.insert(&claim, &block([record.clone()])).await?;
        let found = stored(&store).await?;
        let found = found.iter().find(|row| row.account() == record.account).ok_or("stored")?;
        assert_eq!(found.verdict()?, judge(&record), "{i}");
        assert_eq!(found.rule(), record::RULE_VERSION);
        assert_eq!(found.caller(), record.caller);
        assert!(found.stored_at()? > HOUR.start());
        assert_eq!(found.clone().into_record()?, record, "{i}");
    }
    Ok(())
}

#[tokio::test]
async fn the_hour_is_that_of_the_time() -> Outcome {
    let store = store("records_hour").await?;
    let claim = claim(&store).await?;
    // The first and the last millisecond that the table can hold, and of a day in between.
    let last = 49_709 * 86_400_000 + 86_399_999;
    for time in [0, 3_599_999, HOUR.start().0, HOUR.end().0 - 1, last] {
        store.insert(&claim, &block([record(time as u64, Time(time))])).await?;
    }
    let wrong = "records WHERE hour != toStartOfHour(time) OR toUnixTimestamp64Milli(time) != seq";
    assert_eq!(super::lab::count(&store, wrong).await?, 0);
    assert_eq!(super::lab::count(&store, "records").await?, 5);
    assert_eq!(Day::of(Time(-1)), None);
    assert_eq!(Day::of(Time(last + 1)), None);
    Ok(())
}

/// The server checks whether a block is in order before it sorts it.
#[test]
fn a_block_is_in_the_order_of_the_key() {
    let at = |id: &'static str, minutes: i64, account: &'static str| Record {
        req_id: id.into(),
        account: account.into(),
        ..record(0, Time(HOUR.start().0 + minutes * 60_000))
    };
    let block = block([
        at("7", 121, ""),
        at("4", 9, "b"),
        at("5", 60, "B"),
        at("3", 1, "b"),
        at("1", 5, "a"),
        at("2", 8, "a"),
        at("6", 60, "b"),
    ]);
    // The first piece is the head; the second is `req_id`: name, type, and texts of one byte.
    let ids = block.pieces[1].strip_prefix(b"\x06req_id\x06String").expect("the first column");
    let ids: Vec<u8> = ids.chunks(2).map(|text| text[1]).collect();
    assert_eq!(ids, b"1234567");
}

#[test]
fn a_span_of_months_is_stored_as_the_longest() {
    // Not an error: the record must be stored, and nothing is computed from the figure.
    let long = Record { req_t: Millis(u64::MAX), ..record(0, HOUR.start()) };
    let longest = Record { req_t: Millis(u32::MAX.into()), ..record(0, HOUR.start()) };
    assert_eq!(block([long]).pieces, block([longest]).pieces);
}

#[test]
fn nothing_is_no_block() {
    let day = Day::of(HOUR.start()).expect("a day of the table");
    assert!(RecordBlock::new(day).finish().is_none());
}
