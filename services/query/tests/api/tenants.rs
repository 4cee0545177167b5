//! TENANT-1: who reads which rows, on every route; tokens; the access log.

use std::collections::BTreeSet;

use query::{NewToken, Role};
use record::{Record, Time};
use serde::Deserialize;
use store::Sql;

use crate::world::{BUYER, OTHER, Outcome, SELLER, World, call, time};

/// What stands in rows of somebody else only, and in no answer to others.
const SECRET: &str = "somebody-elses-secret";

fn theirs() -> Record<'static> {
    Record {
        account: OTHER.into(),
        caller: OTHER.into(),
        uri: format!("/{SECRET}").into(),
        order_id: "their-order".into(),
        ..call(9, "2026-11-20T13:20:00Z")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_shows_the_rows_of_others() -> Outcome {
    let world = World::start().await?;
    let theirs = theirs();
    world.put(&[call(0, "2026-11-20T13:10:00Z"), theirs.clone()]).await?;
    let mut walked = BTreeSet::new();
    for (role, account) in [(Role::Seller, SELLER), (Role::Buyer, BUYER), (Role::Operator, SELLER)]
    {
        let token = world.token(role, Some(account)).await?;
        for (method, path) in query::routes() {
            let full = match path.as_str() {
                "/v1/logs" => "/v1/logs?from=2026-11-20T13:00:00Z".to_owned(),
                "/v1/logs/{req_id}" => format!("/v1/logs/{}", theirs.req_id),
                "/v1/logs/{req_id}/explain" => format!("/v1/logs/{}/explain", theirs.req_id),
                "/v1/usage" => {
                    "/v1/usage?from=2026-11-20T13:00:00Z&group=account,service,key".to_owned()
                }
                "/v1/errors" => path.clone(),
                "/v1/errors/{code}" => "/v1/errors/internal".to_owned(),
                "/v1/bills/{hour}" => "/v1/bills/2026-11-20T13".to_owned(),
                "/v1/proofs/{hour}" => "/v1/proofs/2026-11-20T13".to_owned(),
                "/v1/marketplace/orders/{id}/calls" => {
                    "/v1/marketplace/orders/their-order/calls".to_owned()
                }
                "/healthz" | "/readyz" => path.clone(),
                other => return Err(format!("{method} {other} has no case").into()),
            };
            let answer = world.get(&token, &full).await?;
            assert!(!answer.text.contains(SECRET), "{path}: {answer:?}");
            assert!(!answer.text.contains(&format!("\"{OTHER}\"")), "{path}: {answer:?}");
            if path.contains("orders") {
                assert_eq!(answer.json()["calls"], 0, "{answer:?}");
            }
            walked.insert(path);
        }
    }
    assert_eq!(walked.len(), query::routes().len());
    // The rows are there for whom they belong to.
    let token = world.token(Role::Seller, Some(OTHER)).await?;
    let answer = world.get(&token, &format!("/v1/logs/{}", theirs.req_id)).await?;
    assert!(answer.text.contains(SECRET), "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_others_looks_like_one_that_is_not() -> Outcome {
    let world = World::start().await?;
    let theirs = theirs();
    world.put(&[call(0, "2026-11-20T15:29:00Z"), theirs.clone()]).await?;
    let token = world.token(Role::Seller, Some(SELLER)).await?;
    let there = world.get(&token, &format!("/v1/logs/{}", theirs.req_id)).await?;
    let not = world
        .get(&token, &format!("/v1/logs/{}", crate::world::id_at("2026-11-20T13:20:00Z")))
        .await?;
    assert_eq!(there.problem(), (404, "record_unknown".to_owned()));
    assert_eq!(there.json()["detail"], not.json()["detail"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_sees_its_calls_without_the_backend() -> Outcome {
    let world = World::start().await?;
    let call = call(0, "2026-11-20T13:10:00Z");
    world.put(std::slice::from_ref(&call)).await?;
    for (role, account, backend) in [
        (Role::Seller, Some(SELLER), true),
        (Role::Buyer, Some(BUYER), false),
        (Role::Support, Some(BUYER), false),
        (Role::Support, None, true),
    ] {
        let token = world.token(role, account).await?;
        let answer = world.get(&token, &format!("/v1/logs/{}", call.req_id)).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text.contains("10.0.0.9"), backend, "{role} {account:?}: {answer:?}");
        assert_eq!(answer.json()["record"].get("ups_req_len").is_some(), backend);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_token_there_is_nothing() -> Outcome {
    let world = World::start().await?;
    let new = NewToken {
        name: "short".to_owned(),
        role: Role::Auditor,
        account: None,
        expires_at: Some(time("2026-11-20T12:00:00Z")),
    };
    let ended = query::create_token(&world.store, &new, time("2026-11-20T11:00:00Z")).await?;
    let paths = [
        "/v1/logs",
        "/v1/logs/x",
        "/v1/logs/x/explain",
        "/v1/usage",
        "/v1/errors",
        "/v1/errors/internal",
        "/v1/bills/2026-11-20T13",
        "/v1/proofs/2026-11-20T13",
        "/v1/marketplace/orders/o-1/calls",
    ];
    let unknown = format!("tollgate_{}", "0".repeat(64));
    for path in paths {
        for (token, code) in [
            ("", "token_missing"),
            (&*unknown, "token_unknown"),
            ("x", "token_unknown"),
            (&*ended, "token_expired"),
        ] {
            let answer = world.get(token, path).await?;
            assert_eq!(answer.problem(), (401, code.to_owned()), "{path}");
            assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
        }
    }
    // Its text is kept nowhere.
    let hash: Vec<serde_json::Value> = world.store.query(&Sql::new("SELECT * FROM tokens")).await?;
    assert_eq!(hash.len(), 1);
    assert!(!hash[0].to_string().contains(&ended[9..]), "{hash:?}");
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Logged {
    at: String,
    token_name: String,
    role: String,
    account: String,
    what: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_for_all_accounts_are_written_down() -> Outcome {
    let world = World::start().await?;
    let all = world.token(Role::Support, None).await?;
    let bound = world.token(Role::Support, Some(SELLER)).await?;
    let log = Sql::new("SELECT at, token_name, role, account, what FROM access_log ORDER BY what");
    world.get(&bound, "/v1/logs/a").await?;
    world.get("", "/healthz").await?;
    assert!(world.store.query::<Logged>(&log).await?.is_empty());
    world.get(&all, "/v1/logs/a").await?;
    // Refused, but asked.
    assert_eq!(world.get(&all, "/v1/bills/2026-11-20T13?account=100").await?.status, 403);
    let lines: Vec<Logged> = world.store.query(&log).await?;
    let what: Vec<_> = lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(what, ["GET /v1/bills/2026-11-20T13?account=100", "GET /v1/logs/a"]);
    for Logged { at, token_name, role, account, .. } in &lines {
        assert_eq!((&**token_name, &**role, &**account), ("support all", "support", ""));
        assert_eq!(Time::parse_rfc3339(at), Some(time(crate::world::NOW)));
    }
    // What can not be written down is not answered.
    world.store.execute(&Sql::new("DROP TABLE access_log")).await?;
    for path in ["/v1/logs/a", "/v1/errors"] {
        let refused = world.get(&all, path).await?;
        assert_eq!(refused.problem(), (503, "store_unavailable".to_owned()), "{path}");
    }
    assert_eq!(world.get(&bound, "/v1/logs/a").await?.status, 404);
    Ok(())
}
