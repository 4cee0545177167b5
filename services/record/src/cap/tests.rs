//! Caps: what fits, what is cut, and what never is.

use proptest::prelude::*;

use super::{CAP_MIN, LIFE_MAX, LIFE_WORKER_MAX, share};
use crate::samples::{record, sample, text};
use crate::{Fault, InstanceType, Life, Millis, Net, Part, PreviousLife, Record, decode, encode};

fn bytes(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(record, &mut out);
    out
}

#[test]
fn a_record_that_fits_stays_as_it_is() {
    let mut record = sample();
    record.cap(CAP_MIN);
    assert_eq!(record, sample());
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let mut record = sample();
    record.user_agent = "a".repeat(600).into();
    record.referer = "é".repeat(300).into();
    record.uri = format!("/{}", "u".repeat(20_000)).into();
    record.query = "q=1".into();
    record.cap(16 * 1024);
    assert_eq!(record.user_agent, format!("{}…[cut]", "a".repeat(504)));
    assert_eq!(record.referer, format!("{}…[cut]", "é".repeat(252)));
    assert_eq!(record.query, "q=1");
    assert!(record.uri.starts_with("/uuu") && record.uri.ends_with("u…[cut]"));
    let len = bytes(&record).len();
    assert!((15_000..=16 * 1024).contains(&len), "{len} bytes use the room that there is");
    assert!(decode(&bytes(&record)).is_ok());
}

#[test]
fn a_text_at_its_limit_is_not_cut() {
    let mut record = sample();
    record.user_agent = "a".repeat(512).into();
    record.cap(CAP_MIN);
    assert_eq!(record.user_agent.len(), 512);
}

#[test]
fn escapes_count_as_what_they_become() {
    let mut record = sample();
    record.user_agent = "\u{1}".repeat(100).into();
    record.cap(CAP_MIN);
    assert_eq!(record.user_agent, format!("{}…[cut]", "\u{1}".repeat(84)));
}

#[test]
fn names_and_statuses_are_never_cut() {
    let mut record = sample();
    let long = "n".repeat(200);
    record.account = long.clone().into();
    record.gateway = long.clone().into();
    record.order_id = long.clone().into();
    record.ups_st = "-, ".repeat(90).into();
    let uncut = record.clone();
    record.cap(CAP_MIN);
    assert_eq!(record, uncut);
}

#[test]
fn uri_and_query_share_what_is_left() {
    for (room, first, second, shares) in [
        (100, 80, 80, (50, 50)),
        (100, 10, 200, (10, 90)),
        (100, 200, 10, (90, 10)),
        (100, 50, 50, (50, 50)),
        (0, 5, 5, (0, 0)),
    ] {
        assert_eq!(share(room, first, second), shares, "{room} for {first} and {second}");
    }
}

/// The heaviest record that the limits allow.
fn heaviest() -> Record<'static> {
    let text = |max: usize| "\"".repeat(max).into();
    let name = |max: usize| "n".repeat(max).into();
    Record {
        req_id: name(64),
        client_req_id: name(64),
        time: crate::Time(4_000_000_000_000),
        gateway: name(128),
        epoch: crate::EPOCH_END.saturating_sub(1),
        worker: u16::MAX,
        seq: u64::MAX,
        part: Part::Heartbeat,
        life: None,
        account: name(128),
        caller: name(128),
        service_id: name(128),
        api_id: name(128),
        env: name(128),
        region: name(128),
        instance: name(128),
        instance_type: InstanceType::Dedicated,
        net: Net::Private,
        scheme: text(16),
        method: text(64),
        host: text(512),
        uri: text(100_000),
        query: text(100_000),
        proto: text(16),
        rsp_st: 999,
        ups_st: name(256),
        ip: name(64),
        upip: text(1024),
        vip: name(64),
        req_len: u64::MAX,
        rsp_len: u64::MAX,
        ups_req_len: u64::MAX,
        ups_rsp_len: u64::MAX,
        ups_net: Net::Private,
        req_t: Millis(u64::MAX),
        ups_rsp_t: Some(Millis(u64::MAX)),
        ups_conn_t: Some(Millis(u64::MAX)),
        ups_head_t: Some(Millis(u64::MAX)),
        tcp_rtt: Some(u32::MAX),
        err_msg: text(1024),
        fault: Fault::Backend,
        phase: text(32),
        secret_id: name(128),
        app_code: name(128),
        plan_id: name(128),
        order_id: name(128),
        goods_id: name(128),
        user_agent: text(512),
        referer: text(512),
        trace_id: name(32),
    }
}

#[test]
fn the_heaviest_record_fits_the_smallest_cap_with_room_for_its_path() {
    let mut record = heaviest();
    record.cap(CAP_MIN);
    let len = bytes(&record).len();
    assert!(len <= CAP_MIN, "{len}");
    assert!(record.uri.len() > 64 && record.query.len() > 64, "{}", record.uri.len());
}

#[test]
fn a_life_gets_the_room_that_is_promised() {
    let mut record = heaviest();
    let previous =
        PreviousLife { epoch: crate::EPOCH_END.saturating_sub(1), last: vec![Some(u64::MAX); 200] };
    record.life = Some(Box::new(Life {
        workers: u16::MAX,
        previous: Some(previous),
        refused: u64::MAX,
        unrecorded: u64::MAX,
        retires: false,
    }));
    let min = [CAP_MIN, LIFE_MAX, 200_usize.saturating_mul(LIFE_WORKER_MAX)].iter().sum();
    record.cap(min);
    let len = bytes(&record).len();
    assert!(len <= min, "{len} > {min}");
}

proptest! {
    #[test]
    fn whatever_fits_the_limits_fits_the_cap(
        record in record(),
        texts in prop::collection::vec(text(), 9),
        lens in prop::collection::vec(prop_oneof![Just(0), 0..100_usize, 0..4000_usize], 9),
        max in CAP_MIN..CAP_MIN.saturating_mul(3),
    ) {
        let mut record = record;
        let mut long = texts.iter().zip(&lens).map(|(text, &times)| text.repeat(times).into());
        let mut next = || long.next().unwrap_or_default();
        record.uri = next();
        record.query = next();
        record.user_agent = next();
        record.referer = next();
        record.host = next();
        record.method = next();
        record.err_msg = next();
        record.upip = next();
        record.secret_id = next();
        let before = record.clone();
        record.cap(max);
        let capped = bytes(&record);
        prop_assert!(capped.len() <= max.saturating_add(200), "{} > {max}", capped.len());
        prop_assert!(record.life.is_some() || capped.len() <= max, "{} > {max}", capped.len());
        prop_assert!(decode(&capped).is_ok());
        for ((key, cut), (_, whole)) in record.texts().iter().zip(before.texts()) {
            let kept = cut.strip_suffix("…[cut]").unwrap_or(cut);
            prop_assert!(*cut == whole || whole.starts_with(kept), "{key}");
        }
        let once = record.clone();
        record.cap(max);
        prop_assert_eq!(record, once);
    }
}
