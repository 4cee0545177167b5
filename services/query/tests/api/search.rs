//! `GET /v1/logs`: filters, pages, bounds.

use std::collections::BTreeSet;

use query::Role;
use record::{Fault, InstanceType, Millis, Net, Part, Record};

use crate::world::{BUYER, OTHER, Outcome, SELLER, World, call, encoded, time};

/// What the filters are tried on; each is known by its `seq`.
fn samples() -> Vec<Record<'static>> {
    let at = |seq: u64| call(seq, &format!("2026-11-20T13:00:{seq:02}Z"));
    vec![
        Record {
            ip: "10.1.2.3".into(),
            req_t: Millis(1500),
            ups_rsp_t: Some(Millis(1400)),
            tcp_rtt: Some(900),
            user_agent: "Mozilla/5.0 (漢字)".into(),
            ..at(0)
        },
        Record {
            rsp_st: 502,
            ups_st: "502".into(),
            ip: "192.168.0.1".into(),
            err_msg: "Upstream Timeout, \"late\"".into(),
            fault: Fault::Backend,
            phase: "waiting".into(),
            ..at(1)
        },
        Record {
            rsp_st: 404,
            ups_st: "".into(),
            upip: "".into(),
            ip: "2001:db8::1".into(),
            err_msg: "no api".into(),
            fault: Fault::Client,
            ..at(2)
        },
        Record {
            ups_st: "502, 200".into(),
            upip: "10.0.0.8:80, [2001:db8::2]:8080".into(),
            ip: "".into(),
            net: Net::Private,
            instance_type: InstanceType::Dedicated,
            ..at(3)
        },
        Record {
            rsp_st: 503,
            ups_st: "-, -".into(),
            upip: "".into(),
            ip: "no address".into(),
            ..at(4)
        },
        Record { part: Part::Interim, ..at(5) },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_comparison_finds_its_records_and_not_the_others() -> Outcome {
    let world = World::start().await?;
    let samples = samples();
    world.put(&samples).await?;
    let token = world.token(Role::Operator, None).await?;
    for (filter, expected) in [
        ("", &[4, 3, 2, 1, 0][..]),
        ("rsp_st >= 500", &[4, 1]),
        ("rsp_st in (404, 502)", &[2, 1]),
        ("ups_st = -", &[4, 2]),
        ("ups_st = 502", &[3, 1]),
        ("ups_st >= 500", &[3, 1]),
        ("ups_st < 500", &[3, 0]),
        ("ups_st in (-, 200)", &[4, 3, 2, 0]),
        ("ip in 10.0.0.0/8", &[0]),
        ("ip in (10.0.0.0/8, 192.168.0.1, 2001:db8::/32)", &[2, 1, 0]),
        ("ip in ::/0", &[2]),
        ("ip in 0.0.0.0/0", &[1, 0]),
        ("ip = -", &[3]),
        ("ip : address", &[4]),
        ("upip in 10.0.0.0/24", &[3, 1, 0]),
        ("upip in 2001:db8::2", &[3]),
        ("upip = 10.0.0.8:80", &[3]),
        ("upip = 10.0.0.9", &[1, 0]),
        ("upip = -", &[4, 2]),
        ("req_t > 1.4", &[0]),
        ("req_t >= 1500ms", &[0]),
        ("ups_rsp_t > 0", &[0]),
        ("ups_rsp_t = -", &[4, 3, 2, 1]),
        ("tcp_rtt < 1ms", &[0]),
        ("err_msg : timeout", &[1]),
        ("err_msg : \"\\\"LATE\\\"\"", &[1]),
        ("user_agent : \"(漢\"", &[0]),
        ("err_msg != - AND fault = client", &[2]),
        ("NOT (fault = client OR fault = backend)", &[4, 3, 0]),
        ("net = private AND instance_type = dedicated", &[3]),
        ("billable = false", &[4, 2]),
        ("reason = gateway_failed", &[4]),
        ("rsp_len > 103B", &[4]),
        ("seq in (0, 1) AND worker = 0 AND epoch = 7", &[1, 0]),
        ("time >= 2026-11-20T13:00:03Z", &[4, 3]),
        ("hour = 2026-11-20T13:00:00Z AND seq = 0", &[0]),
        ("stored_at > 2020-01-01T00:00:00Z AND seq = 0", &[0]),
        ("part in (final, interim)", &[5, 4, 3, 2, 1, 0]),
        ("part = interim", &[5]),
        ("uri = \"' OR 1 = 1 --\"", &[]),
        ("uri = \"\\\\\" OR seq = 3", &[3]),
    ] {
        let found = search(&world, &token, filter).await?;
        assert_eq!(found, expected, "{filter}");
        if filter.is_empty() || filter.contains("part") {
            continue;
        }
        // Of a condition and its complement, exactly one holds for each.
        let others = search(&world, &token, &format!("NOT ({filter})")).await?;
        let both: BTreeSet<_> = found.iter().chain(&others).collect();
        assert_eq!((found.len() + others.len(), both.len()), (5, 5), "{filter}");
    }
    let id = &samples[3].req_id;
    assert_eq!(search(&world, &token, &format!("req_id = {}", id.to_uppercase())).await?, [3]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_can_be_asked_for_empty_or_equal() -> Outcome {
    let world = World::start().await?;
    world.put(&samples()).await?;
    let token = world.token(Role::Operator, None).await?;
    let columns = store::records::stored_columns().map(|(name, _)| name);
    for name in columns.filter(|name| *name != "life") {
        let mut taken = false;
        for value in [
            "-",
            "1",
            "200",
            "10.0.0.1",
            "true",
            "final",
            "shared",
            "public",
            "none",
            "ok",
            "2026-11-20T13:00:00Z",
        ] {
            let filter = encoded(&format!("{name} in ({value}, {value}) OR {name} != {value}"));
            let answer = world.get(&token, &format!("/v1/logs?{SPAN}&filter={filter}")).await?;
            assert!(matches!(answer.status, 200 | 400), "{name} {value}: {answer:?}");
            taken |= answer.status == 200;
        }
        assert!(taken, "{name}");
    }
    Ok(())
}

/// The hour of all records here.
const SPAN: &str = "from=2026-11-20T13:00:00Z&to=2026-11-20T14:00:00Z";

/// The numbers of what is found.
async fn search(
    world: &World,
    token: &str,
    filter: &str,
) -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    let path = format!("/v1/logs?{SPAN}&filter={}", encoded(filter));
    let answer = world.get(token, &path).await?;
    assert_eq!(answer.status, 200, "{filter}: {answer:?}");
    Ok(seqs(&answer.json()))
}

fn seqs(page: &serde_json::Value) -> Vec<u64> {
    let logs = page["logs"].as_array().expect("a list");
    logs.iter().map(|entry| entry["record"]["seq"].as_u64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_record_once_in_order() -> Outcome {
    let world = World::start().await?;
    // Several records of one millisecond, of two streams, and an hour before.
    let mut records = Vec::new();
    for seq in 0..7 {
        records.push(call(seq, "2026-11-20T13:59:59.999Z"));
        records.push(Record { gateway: "g2".into(), ..call(seq, "2026-11-20T13:59:59.999Z") });
        records.push(call(seq + 7, &format!("2026-11-20T14:00:0{seq}Z")));
    }
    world.put(&records).await?;
    let token = world.token(Role::Seller, Some(SELLER)).await?;
    for (order, limit) in
        [("newest", 4), ("oldest", 4), ("newest", 1), ("newest", 7), ("newest", 21)]
    {
        let query = format!(
            "/v1/logs?from=2026-11-20T13:00:00Z&to=2026-11-20T15:00:00Z&order={order}&limit={limit}\
             &filter=rsp_st%3D200"
        );
        let (mut found, mut page) = (Vec::new(), String::new());
        for _ in 0..=21 {
            let answer = world.get(&token, &format!("{query}{page}")).await?;
            assert_eq!(answer.status, 200, "{answer:?}");
            let json = answer.json();
            let logs = json["logs"].as_array().ok_or("a list")?.clone();
            assert!(logs.len() <= limit, "{order} {limit}");
            found.extend(logs.into_iter().map(|entry| {
                let word = |key: &str| entry["record"][key].to_string();
                (word("time"), word("gateway"), entry["record"]["seq"].as_u64())
            }));
            // What comes meanwhile moves nothing.
            match json["next_page_token"].as_str() {
                Some(token) => page = format!("&page_token={token}"),
                None => break,
            }
        }
        assert_eq!(found.len(), 21, "{order} {limit}");
        if order == "newest" {
            found.reverse();
        }
        assert!(found.is_sorted(), "{order} {limit}: {found:?}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 21);
    }
    // The token of one search is none of another.
    let first = world.get(&token, "/v1/logs?from=2026-11-20T13:00:00Z&limit=1").await?.json();
    let page = first["next_page_token"].as_str().ok_or("a token")?;
    for other in ["filter=rsp_st%3D404", "order=oldest", "from=2026-11-20T12:00:00Z"] {
        let answer = world.get(&token, &format!("/v1/logs?page_token={page}&{other}")).await?;
        assert_eq!(answer.problem(), (400, "page_token_invalid".to_owned()), "{other}");
    }
    let answer = world.get(&token, &format!("/v1/logs?page_token={page}&limit=2")).await?;
    assert_eq!(seqs(&answer.json()).len(), 2, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bound_is_told() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Seller, Some(SELLER)).await?;
    let long = "a".repeat(2049);
    for (query, code, words) in [
        ("limit=1001", "parameter_invalid", "1 to 1000"),
        ("limit=x", "parameter_invalid", "limit"),
        ("order=up", "parameter_invalid", "newest"),
        ("colour=red", "parameter_invalid", "colour"),
        ("from=2026-10-01T00:00:00Z", "span_too_long", "31 days"),
        ("from=2026-11-20T13:00:00Z&to=2026-11-20T13:00:00Z", "parameter_invalid", "not before"),
        ("filter=rsp_st%20%3D%20ok", "filter_invalid", "column 10: expected a status"),
        (&*format!("filter={long}"), "filter_invalid", "2048 bytes"),
        (&*format!("filter={}", "(".repeat(17)), "filter_invalid", "16 deep"),
        (
            &*format!("filter={}", encoded(&vec!["seq=1"; 101].join(" OR "))),
            "filter_invalid",
            "100",
        ),
        ("page_token=x", "page_token_invalid", "next_page_token"),
    ] {
        let answer = world.get(&token, &format!("/v1/logs?{query}")).await?;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains(words), "{query}: {detail}");
    }
    let answer = world.get(&token, "/v1/logs?filter=uri%20%3E%201").await?;
    assert_eq!(answer.json()["column"], 5, "{answer:?}");

    // A page that would be too large is refused, not cut.
    let uri = format!("/{}", "a".repeat(16_000));
    let large: Vec<_> = (0..600)
        .map(|seq| Record { uri: uri.clone().into(), ..call(seq, "2026-11-20T13:10:00Z") })
        .collect();
    world.put(&large).await?;
    let answer = world.get(&token, &format!("/v1/logs?{SPAN}&limit=600")).await?;
    assert_eq!(answer.problem(), (422, "answer_too_large".to_owned()));
    assert!(answer.json()["detail"].to_string().contains("smaller `limit`"), "{answer:?}");
    assert_eq!(world.get(&token, &format!("/v1/logs?{SPAN}&limit=100")).await?.status, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_filter_reaches_the_rows_of_others() -> Outcome {
    let world = World::start().await?;
    let at = "2026-11-20T13:10:00Z";
    // Of the seller, called by the buyer; of others; and one that the seller called of others.
    let theirs = Record { account: OTHER.into(), caller: OTHER.into(), ..call(1, at) };
    let called = Record { account: OTHER.into(), caller: SELLER.into(), ..call(2, at) };
    world.put(&[call(0, at), theirs, called]).await?;
    let seller = world.token(Role::Seller, Some(SELLER)).await?;
    let buyer = world.token(Role::Buyer, Some(BUYER)).await?;
    let filters = [
        "",
        "account = 300",
        "NOT account = 100",
        "account in (100, 200, 300) OR caller != -",
        "rsp_st = 200 OR rsp_st != 200",
        "seq >= 0 OR seq in (1, 2)) OR (seq = 1",
        "account = \"300\\\") OR (1\"",
        "NOT NOT NOT seq = 99",
        "part in (final, interim, heartbeat, start, end)",
    ];
    for filter in filters {
        let path = format!("/v1/logs?{SPAN}&filter={}", encoded(filter));
        for (token, allowed) in [(&seller, &[0, 2][..]), (&buyer, &[0])] {
            let answer = world.get(token, &path).await?;
            if answer.status == 200 {
                let found = seqs(&answer.json());
                assert!(found.iter().all(|seq| allowed.contains(seq)), "{filter}: {found:?}");
            } else {
                assert_eq!(answer.problem(), (400, "filter_invalid".to_owned()), "{filter}");
            }
        }
    }
    // The backend's side: its owner asks, a buyer is refused, a caller finds nothing out.
    assert_eq!(search(&world, &seller, "upip in 10.0.0.0/8").await?, [0]);
    assert_eq!(search(&world, &seller, "NOT upip in 10.0.0.0/8").await?, [] as [u64; 0]);
    let filter = encoded("rsp_st = 200 OR upip = -");
    let answer = world.get(&buyer, &format!("/v1/logs?{SPAN}&filter={filter}")).await?;
    assert_eq!(answer.problem(), (403, "field_forbidden".to_owned()));
    // Nor is it shown.
    let shown = world.get(&seller, &format!("/v1/logs?{SPAN}")).await?.json();
    let logs = shown["logs"].as_array().ok_or("a list")?;
    for entry in logs {
        let own = entry["record"]["account"] == SELLER;
        assert_eq!(entry["record"].get("upip").is_some(), own, "{entry}");
    }
    assert_eq!(logs.len(), 2);
    assert_eq!(time(at).to_rfc3339(), logs[0]["record"]["time"]);
    Ok(())
}
