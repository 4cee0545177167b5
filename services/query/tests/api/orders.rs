//! `GET /v1/marketplace/orders/{id}/calls`.

use query::Role;
use record::{Part, Record};
use serde_json::json;

use crate::world::{BUYER, OTHER, Outcome, SELLER, World, call};

/// Four calls of order o-1: two that count and two that do not; and what is no call of it.
async fn world() -> Result<World, Box<dyn std::error::Error>> {
    let world = World::start().await?;
    let at = "2026-11-20T13:10:00Z";
    let rejected = Record { rsp_st: 403, ups_st: "".into(), ..call(2, at) };
    let left = Record { rsp_st: 499, ups_st: "".into(), ..call(3, "2026-11-20T14:00:00Z") };
    world
        .put(&[
            call(0, at),
            Record { rsp_st: 502, ups_st: "502".into(), ..call(1, at) },
            rejected,
            left,
            Record { order_id: "o-2".into(), ..call(4, at) },
            Record { part: Part::Interim, ..call(5, at) },
            // The same order's name at somebody else's.
            Record { account: OTHER.into(), caller: OTHER.into(), ..call(6, at) },
        ])
        .await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_their_stored_verdict() -> Outcome {
    let world = world().await?;
    let expected = json!({
        "order_id": "o-1", "calls": 4, "billable": 2,
        "by_reason": { "ok": 1, "backend_answered": 1, "gateway_rejected": 1, "client_left": 1 },
    });
    for (role, account) in [(Role::Seller, SELLER), (Role::Buyer, BUYER)] {
        let token = world.token(role, Some(account)).await?;
        let answer = world.get(&token, "/v1/marketplace/orders/o-1/calls").await?;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{role}");
    }
    let all = world.token(Role::Auditor, None).await?;
    let json = world.get(&all, "/v1/marketplace/orders/o-1/calls").await?.json();
    assert_eq!((&json["calls"], &json["billable"]), (&json!(5), &json!(3)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_half_open() -> Outcome {
    let world = world().await?;
    let token = world.token(Role::Seller, Some(SELLER)).await?;
    let calls = |query: &'static str| {
        let (world, token) = (&world, &token);
        async move {
            let path = format!("/v1/marketplace/orders/o-1/calls?{query}");
            Ok::<_, Box<dyn std::error::Error>>(
                world.get(token, &path).await?.json()["calls"].clone(),
            )
        }
    };
    assert_eq!(calls("to=2026-11-20T14:00:00Z").await?, 3);
    assert_eq!(calls("from=2026-11-20T14:00:00Z").await?, 1);
    assert_eq!(calls("from=2026-11-20T14:00:00.001Z").await?, 0);
    let answer = world.get(&token, "/v1/marketplace/orders/o-1/calls?from=soon").await?;
    assert_eq!(answer.problem(), (400, "parameter_invalid".to_owned()));
    let answer = world.get(&token, "/v1/marketplace/orders/o-1/calls?form=x").await?;
    assert_eq!(answer.problem(), (400, "parameter_invalid".to_owned()));
    Ok(())
}
