//! Records for tests: one as a gateway would write it, and random ones.

use std::borrow::Cow;

use proptest::option;
use proptest::prelude::*;

use crate::{Fault, InstanceType, Life, Millis, Net, Part, PreviousLife, Record, Time};

/// The first example of the provider's documentation, as our gateway would have written it.
pub(crate) fn sample() -> Record<'static> {
    Record {
        req_id: "018d15c3ad687abc8def0123456789ab".into(),
        client_req_id: "client-7".into(),
        time: Time(1_705_464_529_000),
        gateway: "gz-1".into(),
        epoch: 1_705_460_000_000,
        worker: 3,
        seq: 41,
        account: "1251762227".into(),
        caller: "buyer".into(),
        service_id: "service-asoj98o0".into(),
        api_id: "api-1".into(),
        env: "release".into(),
        region: "ap-guangzhou".into(),
        instance: "shared-1".into(),
        scheme: "https".into(),
        method: "GET".into(),
        host: "example.com".into(),
        uri: "/tool/\"123\"".into(),
        query: "a=1".into(),
        proto: "HTTP/1.1".into(),
        rsp_st: 404,
        ups_st: "404".into(),
        ip: "203.0.113.7".into(),
        upip: "10.0.0.1:8080".into(),
        vip: "198.51.100.1".into(),
        req_len: 566,
        rsp_len: 644,
        ups_req_len: 600,
        ups_rsp_len: 590,
        ups_net: Net::Private,
        req_t: Millis(41),
        ups_rsp_t: Some(Millis(28)),
        ups_conn_t: Some(Millis(12)),
        ups_head_t: Some(Millis(28)),
        tcp_rtt: Some(1500),
        fault: Fault::Backend,
        phase: "waiting".into(),
        secret_id: "AKID1".into(),
        plan_id: "plan-1".into(),
        order_id: "order-1".into(),
        goods_id: "goods-1".into(),
        user_agent: "curl/8".into(),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        ..Record::default()
    }
}

/// A name as configurations have them.
fn name() -> impl Strategy<Value = Cow<'static, str>> {
    "[a-z0-9][a-z0-9_.:-]{0,11}|".prop_map(Cow::Owned)
}

/// What a client may send: plain, any sign, and much that needs escapes.
pub(crate) fn text() -> impl Strategy<Value = Cow<'static, str>> {
    let any = prop_oneof!["[ -~]{0,24}", "\\PC{0,12}", "[\\x00-\\x1f\"\\\\\\x7fé日😀/-]{0,12}"];
    any.prop_filter("`-` is the empty text", |text| text != "-").prop_map(Cow::Owned)
}

fn id() -> impl Strategy<Value = Cow<'static, str>> {
    "[0-9a-f]{32}|[0-9a-f]{30,31}|[a-z0-9]{1,20}|".prop_map(Cow::Owned)
}

fn statuses() -> impl Strategy<Value = Cow<'static, str>> {
    "(([1-5][0-9]{2}|-), ){0,2}[1-5][0-9]{2}|".prop_map(Cow::Owned)
}

fn span() -> impl Strategy<Value = Option<Millis>> {
    option::of(prop_oneof![0..5000_u64, any::<u64>()].prop_map(Millis))
}

fn word<W: Clone + std::fmt::Debug>(all: &'static [W]) -> impl Strategy<Value = W> {
    proptest::sample::select(all)
}

fn life() -> impl Strategy<Value = Life> {
    let previous = (0..crate::EPOCH_END, prop::collection::vec(option::of(any::<u64>()), 0..5))
        .prop_map(|(epoch, last)| PreviousLife { epoch, last });
    let counts = (any::<u16>(), any::<u64>(), any::<u64>(), any::<bool>());
    (option::of(previous), counts).prop_map(
        |(previous, (workers, refused, unrecorded, retires))| Life {
            workers,
            previous,
            refused,
            unrecorded,
            retires,
        },
    )
}

/// Where it stands, and with it what kind of record it is.
fn placed() -> impl Strategy<Value = Record<'static>> {
    let ids = (id(), id(), "[a-z0-9:]{1,12}");
    let stream = (0..crate::EPOCH_END, any::<u16>(), any::<u64>(), 0..4_000_000_000_000_i64);
    (ids, stream, word(Part::ALL), life()).prop_map(|(ids, stream, part, life)| Record {
        req_id: ids.0,
        client_req_id: ids.1,
        gateway: ids.2.into(),
        epoch: stream.0,
        worker: stream.1,
        seq: stream.2,
        time: Time(stream.3),
        part,
        life: (!matches!(part, Part::Final | Part::Interim)).then(|| Box::new(life)),
        ..Record::default()
    })
}

/// A placed record with names.
fn named() -> impl Strategy<Value = Record<'static>> {
    let owner = (name(), name(), name(), name(), name());
    let place = (name(), name(), word(InstanceType::ALL), word(Net::ALL), word(Net::ALL));
    let right = (name(), name(), name(), name(), name(), "[0-9a-f]{32}|");
    (placed(), owner, place, right).prop_map(|(record, owner, place, right)| Record {
        account: owner.0,
        caller: owner.1,
        service_id: owner.2,
        api_id: owner.3,
        env: owner.4,
        region: place.0,
        instance: place.1,
        instance_type: place.2,
        net: place.3,
        ups_net: place.4,
        secret_id: right.0,
        app_code: right.1,
        plan_id: right.2,
        order_id: right.3,
        goods_id: right.4,
        trace_id: right.5.into(),
        ..record
    })
}

/// Any record that a gateway or an ingest may hand over, within the limits.
pub(crate) fn record() -> impl Strategy<Value = Record<'static>> {
    let asked = (name(), name(), text(), text(), text(), name(), text(), text());
    let answered = (0..1000_u16, statuses(), name(), text(), name(), text(), word(Fault::ALL));
    let counts = (any::<u64>(), any::<u64>(), 0..9_u64, 0..9_u64, option::of(any::<u32>()));
    let spans = (span(), span(), span(), span(), name());
    (named(), asked, answered, counts, spans).prop_map(
        |(record, asked, answered, counts, spans)| Record {
            scheme: asked.0,
            method: asked.1,
            host: asked.2,
            uri: asked.3,
            query: asked.4,
            proto: asked.5,
            user_agent: asked.6,
            referer: asked.7,
            rsp_st: answered.0,
            ups_st: answered.1,
            ip: answered.2,
            upip: answered.3,
            vip: answered.4,
            err_msg: answered.5,
            fault: answered.6,
            req_len: counts.0,
            rsp_len: counts.1,
            ups_req_len: counts.2,
            ups_rsp_len: counts.3,
            tcp_rtt: counts.4,
            req_t: spans.0.unwrap_or_default(),
            ups_rsp_t: spans.1,
            ups_conn_t: spans.2,
            ups_head_t: spans.3,
            phase: spans.4,
            ..record
        },
    )
}
