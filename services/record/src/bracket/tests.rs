//! Lines by hand, the examples of the provider's documentation, lines made to mislead, and the
//! way there and back.

use proptest::prelude::*;

use super::{LINE_MAX, Zone, parse, write};
use crate::samples::{record, sample};
use crate::{Millis, Reason, Record, Time, judge};

/// The first example of the provider's documentation as a line.
const FIRST: &str = "[1251762227][release][service][example.com][api-1][/a][https][rsp_st:404]\
    [ups_st:404][cip:203.0.113.7][uip:10.0.0.1:80][vip:198.51.100.1][rsp_len:644][req_len:566]\
    [req_t:0.041][ups_rsp_t:0.028][ups_conn_t:0.012][ups_head_t:0.028][err_msg:-][tcp_rtt:1500]\
    [7][17/Jan/2024:12:08:49 +0800][req_id:016f000a044cc9d3ff6f0c99e7cdc1]";

/// East of UTC by 8 hours, as the provider's console shows times.
fn east() -> Zone {
    Zone::east(480).expect("less than a day")
}

fn line(record: &Record<'_>, zone: Zone) -> String {
    let mut out = Vec::new();
    write(record, zone, &mut out);
    String::from_utf8(out).expect("text")
}

fn error(line: &str) -> String {
    parse(line.as_bytes()).expect_err(line).to_string()
}

/// What the form has of a record.
fn told(record: &Record<'_>) -> Record<'static> {
    let Record { account, env, service_id, host, api_id, uri, scheme, .. } = record.clone();
    let Record { ups_st, ip, upip, vip, err_msg, req_id, .. } = record.clone();
    let whole_seconds = record.time.0.div_euclid(1000).saturating_mul(1000);
    Record {
        account: account.into_owned().into(),
        env: env.into_owned().into(),
        service_id: service_id.into_owned().into(),
        host: host.into_owned().into(),
        api_id: api_id.into_owned().into(),
        uri: uri.into_owned().into(),
        scheme: scheme.into_owned().into(),
        rsp_st: record.rsp_st,
        ups_st: ups_st.into_owned().into(),
        ip: ip.into_owned().into(),
        upip: upip.into_owned().into(),
        vip: vip.into_owned().into(),
        rsp_len: record.rsp_len,
        req_len: record.req_len,
        req_t: record.req_t,
        ups_rsp_t: record.ups_rsp_t,
        ups_conn_t: record.ups_conn_t,
        ups_head_t: record.ups_head_t,
        err_msg: err_msg.into_owned().into(),
        tcp_rtt: record.tcp_rtt,
        worker: record.worker,
        time: Time(whole_seconds),
        req_id: req_id.into_owned().into(),
        ..Record::default()
    }
}

#[test]
fn a_line_is_read_group_by_group() {
    let record = parse(FIRST.as_bytes()).expect("a record");
    let by_hand = Record {
        req_id: "016f000a044cc9d3ff6f0c99e7cdc1".into(),
        time: Time::parse_rfc3339("2024-01-17T04:08:49Z").expect("a time"),
        worker: 7,
        account: "1251762227".into(),
        service_id: "service".into(),
        api_id: "api-1".into(),
        env: "release".into(),
        scheme: "https".into(),
        host: "example.com".into(),
        uri: "/a".into(),
        rsp_st: 404,
        ups_st: "404".into(),
        ip: "203.0.113.7".into(),
        upip: "10.0.0.1:80".into(),
        vip: "198.51.100.1".into(),
        req_len: 566,
        rsp_len: 644,
        req_t: Millis(41),
        ups_rsp_t: Some(Millis(28)),
        ups_conn_t: Some(Millis(12)),
        ups_head_t: Some(Millis(28)),
        tcp_rtt: Some(1500),
        ..Record::default()
    };
    assert_eq!(record, by_hand);
    assert_eq!(line(&by_hand, east()), FIRST);
}

#[test]
fn the_three_examples_are_billed_yes_yes_no() {
    let example = |id: &str, time: &str, env: &str, results: &str| {
        format!(
            "[1251762227][{env}][service][-][-][-][https]{results}[err_msg:-][tcp_rtt:-][-]\
             [17/Jan/2024:{time} +0800][req_id:{id}]"
        )
    };
    let lines = [
        example(
            "016f000a044cc9d3ff6f0c99e7cdc1",
            "12:08:49",
            "release",
            "[rsp_st:404][ups_st:404][cip:-][uip:-][vip:-][rsp_len:644][req_len:566][req_t:0.041]\
             [ups_rsp_t:0.028][ups_conn_t:0.012][ups_head_t:0.028]",
        ),
        example(
            "7ceea94af3f765f75e58ada0991432f2",
            "12:08:09",
            "release",
            "[rsp_st:200][ups_st:200][cip:-][uip:-][vip:-][rsp_len:749][req_len:578][req_t:0.028]\
             [ups_rsp_t:0.016][ups_conn_t:0.000][ups_head_t:0.016]",
        ),
        example(
            "1efc65a11efc88e75ff52d75fec115f",
            "12:00:03",
            "-",
            "[rsp_st:404][ups_st:-][cip:-][uip:-][vip:-][rsp_len:273][req_len:-][req_t:0.000]\
             [ups_rsp_t:-][ups_conn_t:-][ups_head_t:-]",
        ),
    ];
    let verdicts = lines.each_ref().map(|line| {
        let record = parse(line.as_bytes()).expect("a record");
        assert_eq!(record.time.hour().to_string(), "2024-01-17T04:00:00Z");
        judge(&record)
    });
    assert_eq!(verdicts.map(|verdict| verdict.billable), [true, true, false]);
    let reasons = [Reason::BackendAnswered, Reason::Ok, Reason::GatewayRejected];
    assert_eq!(verdicts.map(|verdict| verdict.reason), reasons);
}

#[test]
fn older_lines_lack_the_request_id() {
    let (older, _) = FIRST.split_once("[req_id:").expect("a group");
    let record = parse(older.as_bytes()).expect("a record");
    assert_eq!((&*record.req_id, record.worker, record.rsp_st), ("", 7, 404));
}

#[test]
fn line_ends_and_queries_are_taken_off() {
    let text = format!("{}\r\n", FIRST.replace("[/a]", "[/a?x=1&token=s]"));
    let record = parse(text.as_bytes()).expect("a record");
    assert_eq!((&*record.uri, &*record.query), ("/a", "x=1&token=REDACTED"));
    let text = FIRST.replace("[/a]", "[/a?-]");
    let record = parse(text.as_bytes()).expect("a record");
    assert_eq!((&*record.uri, &*record.query), ("/a", ""));
}

#[test]
fn brackets_of_clients_do_not_end_a_group() {
    for (host, uri) in [
        ("example.com", "/a]b[c"),
        ("example.com", "/a][b]"),
        ("example.com", "/]["),
        ("[::1]:8080", "/a"),
        ("ex]ample", "/[x][/y]"),
        ("ex][ample", "/a"),
        ("ex][am][ple", "/a][b"),
    ] {
        let text = FIRST.replace("[example.com]", &format!("[{host}]"));
        let text = text.replace("[/a]", &format!("[{uri}]"));
        let record = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((&*record.host, &*record.api_id, &*record.uri), (host, "api-1", uri));
    }
    let text = FIRST.replace("[err_msg:-]", "[err_msg:There is no api match host[x][y].]");
    let record = parse(text.as_bytes()).expect("a record");
    assert_eq!(record.err_msg, "There is no api match host[x][y].");
    let text = FIRST.replace("[uip:10.0.0.1:80]", "[uip:[::1]:80, [::2]:80]");
    assert_eq!(parse(text.as_bytes()).expect("a record").upip, "[::1]:80, [::2]:80");
}

#[test]
fn a_line_with_two_answers_is_refused() {
    let (_, forged) = FIRST.split_once("[https]").expect("a scheme");
    let (forged, _) = forged.split_once("[tcp_rtt").expect("a group");
    let forged = forged.replace("[rsp_st:404][ups_st:404]", "[rsp_st:404][ups_st:-]");
    let text = FIRST.replace("[/a]", &format!("[/a][https]{forged}]"));
    let places = "`[rsp_st:…]` and the groups after it stand 2 times: one may be forged";
    assert_eq!(error(&text), places);
    // Our own lines never get there: such a path is written so that it forges nothing.
    let mut record = sample();
    record.uri = format!("/a][https]{forged}").into();
    record.err_msg = format!("There is no api match uri[{}].", record.uri).into();
    let read = line(&record, Zone::UTC);
    let read = parse(read.as_bytes()).expect("a record");
    assert_eq!((read.rsp_st, &*read.ups_st), (404, "404"));
    assert!(read.uri.starts_with("/a%5D%5Bhttps%5D%5Brsp_st:404"));
}

#[test]
fn tries_are_lists() {
    let text = FIRST
        .replace("[ups_st:404]", "[ups_st:502, 404]")
        .replace("[ups_rsp_t:0.028]", "[ups_rsp_t:0.010, 0.028 : 0.002]")
        .replace("[ups_conn_t:0.012]", "[ups_conn_t:-, 0.012]")
        .replace("[ups_head_t:0.028]", "[ups_head_t:-, -]");
    let record = parse(text.as_bytes()).expect("a record");
    assert_eq!(record.ups_st, "502, 404");
    let times = (record.ups_rsp_t, record.ups_conn_t, record.ups_head_t);
    assert_eq!(times, (Some(Millis(40)), Some(Millis(12)), None));
}

#[test]
fn white_space_between_tries_does_not_become_a_status() {
    for ups_st in ["-,\t-", "\u{85}", "null\t:\u{b}-", "502,\t-", "\u{1}"] {
        let record = Record { rsp_st: 404, ups_st: ups_st.into(), ..sample() };
        let text = line(&record, Zone::UTC);
        let read = parse(text.as_bytes()).expect(&text);
        assert_eq!(judge(&read), judge(&record), "{ups_st:?} as {text}");
    }
}

#[test]
fn errors_name_the_group() {
    for (from, to, text) in [
        ("[vip:198.51.100.1]", "", "group `uip` is missing or broken"),
        ("[rsp_len:644]", "", "group `rsp_len` is missing or broken"),
        ("[err_msg:-]", "", "group `err_msg` is missing or broken"),
        ("[rsp_st:404]", "", "group `rsp_st` is missing or broken"),
        ("[tcp_rtt:1500]", "", "group `tcp_rtt` is missing or broken"),
        ("[tcp_rtt:1500]", "[tcp_rtt:x]", "group `tcp_rtt` is not a whole number"),
        ("[7]", "[seven]", "group `pid` is not a whole number"),
        ("[rsp_st:404]", "[rsp_st:+4]", "group `rsp_st` is not a whole number"),
        ("[rsp_st:404]", "[rsp_st:4040]", "group `rsp_st` is not a status of at most three digits"),
        ("[req_t:0.041]", "[req_t:1e3]", "group `req_t` is not seconds like 0.041"),
        ("[req_len:566]", "[req_len:-5]", "group `req_len` is not a whole number"),
        ("Jan", "Foo", "group `time_local` is not a time like 17/Jan/2024:12:08:49 +0800"),
        (" +0800", "", "group `time_local` is not a time like 17/Jan/2024:12:08:49 +0800"),
        ("2024", "1969", "group `time_local` is not a time like 17/Jan/2024:12:08:49 +0800"),
        ("[1251762227][release]", "[a]", "group `api_id` is missing or broken"),
        ("[1251762227]", "1251762227]", "group `app_id` is missing or broken"),
    ] {
        assert_eq!(error(&FIRST.replace(from, to)), text, "{from} → {to}");
    }
    let long = FIRST.replace("[release]", &format!("[{}]", "e".repeat(129)));
    assert_eq!(error(&long), "group `env_name` is longer than 128 bytes");
    assert_eq!(error(""), "group `time_local` is missing or broken");
    let long = "x".repeat(LINE_MAX.saturating_add(1));
    assert_eq!(error(&long), "line of 65537 bytes is longer than 65536");
    assert_eq!(parse(b"\xff").expect_err("no text").to_string(), "byte 0 is not UTF-8");
}

#[test]
fn names_look_like_no_other_group() {
    for (from, to, group) in [
        ("[https]", "[h[t]", "scheme"),
        ("27][", "27]][", "app_id"),
        ("[api-1]", "[a\t]", "api_id"),
        ("[service]", "[rsp_st:404]", "service_id"),
        ("c1]", "c1]]", "req_id"),
    ] {
        let name = "is not a name without brackets, control characters and `rsp_st:`";
        let text = format!("group `{group}` {name}");
        assert_eq!(error(&FIRST.replace(from, to)), text, "{from} → {to}");
    }
}

#[test]
fn a_process_id_beyond_our_workers_is_no_mistake() {
    let text = FIRST.replace("[7]", "[4194304]");
    assert_eq!(parse(text.as_bytes()).expect("a record").worker, 0);
}

#[test]
fn zones_are_less_than_a_day() {
    assert_eq!(Zone::east(1440), None);
    assert_eq!(Zone::east(-1440), None);
    let mut record = sample();
    record.time = Time(0);
    let west = Zone::east(-330).expect("less than a day");
    assert!(line(&record, west).contains("[31/Dec/1969:18:30:00 -0530]"));
    assert!(line(&record, Zone::UTC).contains("[01/Jan/1970:00:00:00 +0000]"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        record in record(),
        uri in "(/[ ->@-~é]{0,20})?",
        host in "([a-z.:\\[]{0,6}\\]?){0,2}",
        err_msg in "([ -~]{2,20})?",
        minutes in -1439..1440_i16,
    ) {
        prop_assume!(!host.contains("]["));
        let mut record = told(&record);
        record.uri = uri.into();
        record.host = host.into();
        record.err_msg = err_msg.into();
        record.upip = "[::1]:80, 10.0.0.1:80".into();
        let text = line(&record, Zone::east(minutes).expect("less than a day"));
        prop_assert_eq!(parse(text.as_bytes()), Ok(record), "{}", text);
    }

    #[test]
    fn whatever_a_client_sends_makes_one_line_with_the_same_answer(record in record()) {
        let text = line(&record, Zone::UTC);
        prop_assert!(!text.contains(char::is_control));
        let read = parse(text.as_bytes()).expect(&text);
        prop_assert_eq!((read.rsp_st, &read.ups_st), (record.rsp_st, &record.ups_st));
        prop_assert_eq!((&read.account, &read.api_id), (&record.account, &record.api_id));
        prop_assert_eq!((read.rsp_len, read.req_len), (record.rsp_len, record.req_len));
    }

    #[test]
    fn no_line_makes_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        inserted in "\\PC{0,8}|[\\]\\[:a-z]{0,12}",
    ) {
        prop_assert!(parse(&bytes).is_err());
        let (before, after) = FIRST.split_at(at.index(FIRST.len()));
        // Both outcomes are right; the record is only asked to be one.
        if let Ok(record) = parse(format!("{before}{inserted}{after}").as_bytes()) {
            prop_assert!(record.time.storable());
        }
    }
}
