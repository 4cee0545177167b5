//! The codec against itself, against serde_json, and against texts written by hand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{DECODE_MAX, decode, encode};
use crate::samples::{record, sample};
use crate::{Fault, Net, Part, Record};

/// The least that a record says.
const PLACE: &str =
    r#""time":"2024-01-17T04:08:49.000Z","gateway":"g","epoch":1,"worker":0,"seq":0"#;

fn encoded(record: &Record<'_>) -> String {
    let mut out = Vec::new();
    encode(record, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A record with these members beside its place.
fn with(members: &str) -> String {
    format!("{{{PLACE},{members}}}")
}

/// The error that these members give.
fn error(members: &str) -> String {
    decode(with(members).as_bytes()).expect_err(members).to_string()
}

#[test]
fn a_record_is_written_key_by_key() {
    let text = encoded(&sample());
    let golden = concat!(
        r#"{"req_id":"018d15c3ad687abc8def0123456789ab","client_req_id":"client-7","#,
        r#""time":"2024-01-17T04:08:49.000Z","gateway":"gz-1","epoch":1705460000000,"worker":3,"#,
        r#""seq":41,"part":"final","account":"1251762227","caller":"buyer","#,
        r#""service_id":"service-asoj98o0","api_id":"api-1","env":"release","#,
        r#""region":"ap-guangzhou","instance":"shared-1","instance_type":"shared","#,
        r#""net":"public","scheme":"https","method":"GET","host":"example.com","#,
        r#""uri":"/tool/\"123\"","query":"a=1","proto":"HTTP/1.1","rsp_st":404,"ups_st":"404","#,
        r#""ip":"203.0.113.7","upip":"10.0.0.1:8080","vip":"198.51.100.1","req_len":566,"#,
        r#""rsp_len":644,"ups_req_len":600,"ups_rsp_len":590,"ups_net":"private","#,
        r#""req_t":0.041,"ups_rsp_t":0.028,"ups_conn_t":0.012,"ups_head_t":0.028,"#,
        r#""tcp_rtt":1500,"fault":"backend","phase":"waiting","secret_id":"AKID1","#,
        r#""plan_id":"plan-1","order_id":"order-1","goods_id":"goods-1","user_agent":"curl/8","#,
        r#""trace_id":"0af7651916cd43dd8448eb211c80319c"}"#,
    );
    assert_eq!(text, golden);
}

#[test]
fn an_empty_record_says_its_place_only() {
    let heartbeat = Record { part: Part::Heartbeat, gateway: "g".into(), ..Record::default() };
    let golden = concat!(
        r#"{"time":"1970-01-01T00:00:00.000Z","gateway":"g","epoch":0,"worker":0,"seq":0,"#,
        r#""part":"heartbeat"}"#,
    );
    assert_eq!(encoded(&heartbeat), golden);
}

#[test]
fn what_is_already_in_the_buffer_stays() {
    let mut out = b"before".to_vec();
    encode(&sample(), &mut out);
    assert_eq!(out, format!("before{}", encoded(&sample())).as_bytes());
}

#[test]
fn texts_are_borrowed_unless_they_hold_escapes() {
    let text = encoded(&sample());
    let record = decode(text.as_bytes()).expect("a record");
    for (key, value) in [("host", &record.host), ("account", &record.account)] {
        assert!(matches!(value, Cow::Borrowed(_)), "{key}");
    }
    assert!(matches!(record.uri, Cow::Owned(_)));
    assert_eq!(record.uri, "/tool/\"123\"");
}

#[test]
fn empty_values_are_known_in_every_form() {
    for empty in ["null", r#""""#, r#""-""#, r#""\u002d""#] {
        let text = with(&format!(r#""ups_st":{empty},"err_msg":{empty},"upip":{empty}"#));
        let record = decode(text.as_bytes()).expect(empty);
        assert_eq!((&*record.ups_st, &*record.err_msg, &*record.upip), ("", "", ""), "{empty}");
    }
    for empty in ["null", r#""""#, r#""-""#] {
        let text = with(&format!(
            r#""ups_rsp_t":{empty},"tcp_rtt":{empty},"rsp_len":{empty},"net":{empty},"life":{empty}"#
        ));
        let record = decode(text.as_bytes()).expect(empty);
        assert_eq!((record.ups_rsp_t, record.tcp_rtt, record.rsp_len), (None, None, 0), "{empty}");
        assert_eq!((record.net, record.life), (Net::Public, None), "{empty}");
    }
}

#[test]
fn other_writers_are_understood() {
    let text = format!(
        r#" {{ "cip" : "10.0.0.9", "uip":"10.0.0.1:80", "ups_st":404, "n\u0065t":"private",
        "new":[{{"deep":[1.5e300,null]}}], "req_id":"017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "client_req_id":"a\/b", "fault":"client", {PLACE} }} "#
    );
    let record = decode(text.as_bytes()).expect("a record");
    assert_eq!((&*record.ip, &*record.upip, &*record.ups_st), ("10.0.0.9", "10.0.0.1:80", "404"));
    assert_eq!((record.net, record.fault, record.part), (Net::Private, Fault::Client, Part::Final));
    assert_eq!(record.req_id, "017f22e279b07cc398c4dc0c0c07398f");
    assert_eq!(record.client_req_id, "a/b");
}

#[test]
fn the_place_must_be_whole() {
    let members: Vec<&str> = PLACE.split(',').collect();
    for (at, key) in ["time", "gateway", "epoch", "worker", "seq"].into_iter().enumerate() {
        let mut rest = members.clone();
        rest.remove(at);
        let text = format!("{{{}}}", rest.join(","));
        let error = decode(text.as_bytes()).expect_err(key);
        assert_eq!(error.to_string(), format!("`{key}` is missing"));
    }
    let text = format!("{{{}}}", PLACE.replace(r#""gateway":"g""#, r#""gateway":"-""#));
    assert_eq!(decode(text.as_bytes()).expect_err("empty").to_string(), "`gateway` is missing");
}

#[test]
fn errors_name_the_key_and_what_is_accepted() {
    let long = "x".repeat(129);
    for (members, text) in [
        (r#""epoch":2"#, "`epoch` stands twice"),
        (r#""ip":"a","cip":"a""#, "`ip` stands twice"),
        (r#""part":"last""#, "`part` is not one of final, start, interim, heartbeat, end"),
        (r#""part":"start""#, "`life` is missing"),
        (r#""life":{"workers":1}"#, "`life` stands in a record of part `final`"),
        (r#""fault":"user""#, "`fault` is not one of none, client, gateway, backend"),
        (r#""net":"vpc""#, "`net` is not public or private"),
        (r#""instance_type":1"#, "`instance_type` is not shared or dedicated"),
        (r#""account":7"#, "`account` is not a text"),
        (r#""account":"\ud800""#, "`account` is not a text"),
        (r#""req_t":1e3"#, "`req_t` is not a number of seconds without exponent"),
        (r#""req_t":-1"#, "`req_t` is not a number of seconds without exponent"),
        (r#""req_t":"0.1""#, "`req_t` is not a number of seconds without exponent"),
        (r#""req_len":1.0"#, "`req_len` is not a whole number below 2^64"),
        (r#""req_len":-1"#, "`req_len` is not a whole number below 2^64"),
        (r#""rsp_len":18446744073709551616"#, "`rsp_len` is not a whole number below 2^64"),
        (r#""rsp_st":1000"#, "`rsp_st` is not a status of at most three digits"),
        (r#""rsp_st":"404""#, "`rsp_st` is not a status of at most three digits"),
        (r#""ups_st":{}"#, "`ups_st` is not a status or a text of them"),
        (r#""trace_id":"abc""#, "`trace_id` is not 32 hex digits"),
        (r#""req_id":"a\nb""#, "`req_id` is not an id without control characters"),
        (&format!(r#""account":"{long}""#), "`account` is longer than 128 bytes"),
        (&format!(r#""req_id":"{long}""#), "`req_id` is longer than 64 bytes"),
    ] {
        assert_eq!(error(members), text, "{members}");
    }
}

#[test]
fn places_out_of_range_are_refused() {
    for (from, to, text) in [
        ("\"epoch\":1", "\"epoch\":9007199254740992", "`epoch` is not a whole number below 2^53"),
        ("\"worker\":0", "\"worker\":65536", "`worker` is not a whole number below 2^16"),
        ("\"seq\":0", "\"seq\":\"0\"", "`seq` is not a whole number below 2^64"),
        ("2024-", "2106-", "`time` is not an RFC 3339 time of the years 1970 to 2105"),
        ("2024-01-17T", "", "`time` is not an RFC 3339 time of the years 1970 to 2105"),
    ] {
        let text_of = format!("{{{}}}", PLACE.replace(from, to));
        assert_eq!(decode(text_of.as_bytes()).expect_err(to).to_string(), text);
    }
    let highest = PLACE.replace("\"epoch\":1", "\"epoch\":9007199254740991");
    assert!(decode(format!("{{{highest}}}").as_bytes()).is_ok());
}

#[test]
fn what_is_not_one_object_is_refused() {
    for text in ["", "[]", "7", "{", "{}{}", r#"{"a":01}"#, r#"{"a"}"#, "\u{feff}{}"] {
        let error = decode(text.as_bytes()).expect_err(text).to_string();
        let known = error.starts_with("not one JSON object: ") || error == "`time` is missing";
        assert!(known, "{text}: {error}");
    }
    let error = decode(b"{\"a\":\"\xff\"}").expect_err("no text");
    assert_eq!(error.to_string(), "byte 6 is not UTF-8");
    let long = vec![b' '; DECODE_MAX.saturating_add(1)];
    let error = decode(&long).expect_err("long");
    assert_eq!(error.to_string(), "record of 1048577 bytes is longer than 1048576");
    // Depth costs neither stack nor time.
    let deep = with(&format!("\"x\":{}{}", "[".repeat(500_000), "]".repeat(500_000)));
    assert!(decode(deep.as_bytes()).is_ok());
}

#[test]
fn a_life_is_refused_when_it_says_too_little_or_too_much() {
    let text = "`life` is not an object with `workers`, and in `previous` an epoch below 2^53 \
                and `last`";
    for life in [
        "{}",
        "[]",
        "\"x\"",
        r#"{"workers":65536}"#,
        r#"{"workers":1,"previous":{"epoch":9007199254740992,"last":[]}}"#,
        r#"{"workers":1,"previous":{"epoch":1}}"#,
        r#"{"workers":1,"previous":{"epoch":1,"last":[-1]}}"#,
    ] {
        assert_eq!(error(&format!(r#""part":"start","life":{life}"#)), text, "{life}");
    }
}

/// A naive second reading: each key's value as JSON text, empty ones left out.
fn expected(record: &Record<'_>) -> BTreeMap<String, String> {
    let quoted = |text: &str| serde_json::to_string(text).expect("a text");
    let mut keys: BTreeMap<&str, String> = record
        .texts()
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.as_str(), quoted(text)))
        .collect();
    keys.insert("time", quoted(&record.time.to_rfc3339()));
    keys.insert("epoch", record.epoch.to_string());
    keys.insert("worker", record.worker.to_string());
    keys.insert("seq", record.seq.to_string());
    keys.insert("part", quoted(record.part.as_str()));
    for (key, count) in [
        ("rsp_st", u64::from(record.rsp_st)),
        ("req_len", record.req_len),
        ("rsp_len", record.rsp_len),
        ("ups_req_len", record.ups_req_len),
        ("ups_rsp_len", record.ups_rsp_len),
    ] {
        if count != 0 {
            keys.insert(key, count.to_string());
        }
    }
    let spans = [
        ("ups_rsp_t", record.ups_rsp_t),
        ("ups_conn_t", record.ups_conn_t),
        ("ups_head_t", record.ups_head_t),
    ];
    for (key, span) in spans {
        if let Some(span) = span {
            keys.insert(key, span.to_string());
        }
    }
    if let Some(tcp_rtt) = record.tcp_rtt {
        keys.insert("tcp_rtt", tcp_rtt.to_string());
    }
    if record.fault != Fault::None {
        keys.insert("fault", quoted(record.fault.as_str()));
    }
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

proptest! {
    #[test]
    fn a_record_comes_back_whole(record in record()) {
        let text = encoded(&record);
        prop_assert_eq!(decode(text.as_bytes()), Ok(record));
    }

    #[test]
    fn serde_json_reads_the_same(record in record()) {
        let text = encoded(&record);
        let read: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).expect("JSON");
        let mut read: BTreeMap<String, String> = read
            .into_iter()
            .map(|(key, value)| (key, value.get().to_owned()))
            .collect();
        // These stand or not by the kind of the record; the golden texts hold them.
        for key in ["life", "instance_type", "net", "ups_net", "req_t"] {
            read.remove(key);
        }
        // Escapes may be written in more ways than one: compare what they mean.
        for value in read.values_mut().filter(|value| value.starts_with('"')) {
            let text: String = serde_json::from_str(value).expect("a text");
            *value = serde_json::to_string(&text).expect("a text");
        }
        prop_assert_eq!(read, expected(&record));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn no_damage_makes_it_panic(
        record in record(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&record).into_bytes();
        let (at, keep) = (at.index(bytes.len()), keep.index(bytes.len()));
        prop_assert!(decode(&bytes[..keep]).is_err());
        bytes[at] = byte;
        if let Ok(read) = decode(&bytes) {
            let again = encoded(&read);
            prop_assert_eq!(decode(again.as_bytes()), Ok(read));
        }
    }
}
