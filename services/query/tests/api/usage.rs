//! `GET /v1/usage`.

use query::Role;
use record::{Fault, Part, Record};
use serde_json::{Value, json};

use crate::world::{BUYER, OTHER, Outcome, SELLER, World, call, encoded};

async fn stored() -> Result<World, Box<dyn std::error::Error>> {
    let world = World::start().await?;
    let of = |seq, at: &str, service: &'static str| Record {
        service_id: service.into(),
        region: "north".into(),
        secret_id: "key".into(),
        rsp_len: 100,
        ..call(seq, at)
    };
    world
        .put(&[
            of(0, "2026-11-20T13:10:00Z", "a"),
            of(1, "2026-11-20T13:20:00Z", "b"),
            Record {
                rsp_st: 403,
                ups_st: "".into(),
                fault: Fault::Client,
                ..of(2, "2026-11-20T13:30:00Z", "a")
            },
            // The bytes so far of a long request; the life of a stream.
            Record { part: Part::Interim, ..of(3, "2026-11-20T13:40:00Z", "a") },
            Record {
                part: Part::Heartbeat,
                account: "".into(),
                ..of(4, "2026-11-20T13:50:00Z", "")
            },
            of(5, "2026-11-20T14:00:00Z", "a"),
            // Of others; the second was called by the seller.
            Record {
                account: OTHER.into(),
                caller: OTHER.into(),
                ..of(6, "2026-11-20T13:10:00Z", "c")
            },
            Record {
                account: OTHER.into(),
                caller: SELLER.into(),
                ..of(7, "2026-11-20T13:10:00Z", "d")
            },
        ])
        .await?;
    Ok(world)
}

const SPAN: &str = "from=2026-11-20T13:00:00Z&to=2026-11-20T15:00:00Z";

async fn usage(
    world: &World,
    token: &str,
    more: &str,
) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let answer = world.get(token, &format!("/v1/usage?{SPAN}{more}")).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(answer.json()["usage"].as_array().ok_or("a list")?.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn use_is_summed_up_by_time_and_group() -> Outcome {
    let world = stored().await?;
    let seller = world.token(Role::Seller, Some(SELLER)).await?;
    let rows = usage(&world, &seller, "&group=service").await?;
    let services: Vec<_> = rows.iter().map(|row| &row["service_id"]).collect();
    assert_eq!(services, ["a", "b", "d", "a"]);
    assert_eq!(
        rows[0],
        json!({
            "start": "2026-11-20T13:00:00Z", "service_id": "a", "requests": 2, "calls": 1,
            "client_faults": 1, "gateway_faults": 0, "backend_faults": 0, "request_bytes": "30",
            "response_bytes": "300", "backend_bytes": "3000",
        })
    );
    // What it called of others: its requests, but nothing of their backend.
    assert_eq!((&rows[2]["calls"], &rows[2]["backend_bytes"]), (&json!(1), &json!("0")));
    let rows = usage(&world, &seller, "&by=day").await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["start"], &rows[0]["requests"]),
        (&json!("2026-11-20T00:00:00Z"), &json!(5))
    );
    let rows = usage(&world, &seller, "&group=region,environment,key,api,account").await?;
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!((&rows[0]["region"], &rows[0]["secret_id"]), (&json!("north"), &json!("key")));
    let filter = format!("&filter={}", encoded("rsp_st = 403 AND rsp_len >= 100 AND req_len > 1"));
    let rows = usage(&world, &seller, &filter).await?;
    assert_eq!((rows.len(), &rows[0]["requests"]), (1, &json!(1)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_the_use_of_its_own() -> Outcome {
    let world = stored().await?;
    for (role, account, requests) in [
        (Role::Seller, Some(SELLER), 5),
        (Role::Buyer, Some(BUYER), 4),
        (Role::Seller, Some(OTHER), 2),
        (Role::Seller, Some("999"), 0),
        (Role::Operator, None, 6),
    ] {
        let token = world.token(role, account).await?;
        for more in
            ["&group=account", "&group=account&filter=account%20%3D%20300%20OR%20seq%20%3E%3D%200"]
        {
            let rows = usage(&world, &token, more).await?;
            let found: u64 = rows.iter().filter_map(|row| row["requests"].as_u64()).sum();
            assert_eq!(found, requests, "{role} {account:?} {more}: {rows:?}");
            let shown = rows.iter().all(|row| row.get("backend_bytes").is_some());
            assert!(rows.is_empty() || shown == (role != Role::Buyer), "{rows:?}");
        }
    }
    let buyer = world.token(Role::Buyer, Some(BUYER)).await?;
    let answer = world.get(&buyer, "/v1/usage?filter=ups_rsp_len%20%3E%201").await?;
    assert_eq!(answer.problem(), (403, "field_forbidden".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bound_is_told() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Seller, Some(SELLER)).await?;
    for (query, code) in [
        ("by=week", "parameter_invalid"),
        ("group=uri", "parameter_invalid"),
        ("from=2026-10-01T00:00:00Z", "span_too_long"),
        ("from=2026-11-21T00:00:00Z", "parameter_invalid"),
        ("filter=x", "filter_invalid"),
    ] {
        let answer = world.get(&token, &format!("/v1/usage?{query}")).await?;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
    }
    let many: Vec<_> = (0..10_001)
        .map(|seq| Record {
            api_id: format!("api-{seq}").into(),
            ..call(seq, "2026-11-20T13:10:00Z")
        })
        .collect();
    world.put(&many).await?;
    let answer = world.get(&token, &format!("/v1/usage?{SPAN}&group=api")).await?;
    assert_eq!(answer.problem(), (422, "answer_too_large".to_owned()));
    assert!(answer.json()["detail"].to_string().contains("more than 10000 rows"), "{answer:?}");
    assert_eq!(usage(&world, &token, "&group=service").await?.len(), 1);
    Ok(())
}
