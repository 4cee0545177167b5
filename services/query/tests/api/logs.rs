//! `GET /v1/logs/{req_id}`.

use query::Role;
use record::{Part, Record};

use crate::world::{Outcome, World, call, id_at};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_its_id_alone() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Support, None).await?;
    let near = call(0, "2026-11-20T13:00:01Z");
    // The record is written at the end of a long request.
    let long =
        Record { req_id: id_at("2026-11-20T09:00:00Z").into(), ..call(1, "2026-11-20T13:00:02Z") };
    let longer =
        Record { req_id: id_at("2026-11-17T09:00:00Z").into(), ..call(2, "2026-11-20T13:00:03Z") };
    let foreign = Record { req_id: "4e1b2c".into(), ..call(3, "2026-11-20T13:00:04Z") };
    let named = Record { client_req_id: "my-own".into(), ..call(4, "2026-11-20T13:00:05Z") };
    world.put(&[near.clone(), long.clone(), longer.clone(), foreign, named.clone()]).await?;
    let id = near.req_id.to_string();
    let hyphens =
        [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-").to_uppercase();
    for (asked, seq) in [
        (&*id, 0),
        (&*id.to_uppercase(), 0),
        (&*hyphens, 0),
        (&*long.req_id, 1),
        (&*longer.req_id, 2),
        ("4e1b2c", 3),
        ("my-own", 4),
        (&*named.req_id, 4),
    ] {
        let answer = world.get(&token, &format!("/v1/logs/{asked}")).await?;
        assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["record"]["seq"], seq, "{asked}");
        assert_eq!(json["verdict"]["reason"], "ok");
        assert_eq!(json["verdict"]["billable"], true);
        assert_eq!(json["verdict"]["rule"], record::RULE_VERSION);
        assert!(json["stored_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_the_one_that_was_stored() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Operator, None).await?;
    let mut stored = call(5, "2026-11-20T13:00:01.234Z");
    stored.err_msg = "a \"quoted\" text\n".into();
    stored.ups_rsp_t = Some(record::Millis(41));
    world.put(std::slice::from_ref(&stored)).await?;
    let answer = world.get(&token, &format!("/v1/logs/{}", stored.req_id)).await?;
    let text = answer.json()["record"].to_string();
    assert_eq!(record::decode(text.as_bytes())?, stored);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_final_record_comes_before_its_interim_ones() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Operator, None).await?;
    let id = id_at("2026-11-20T13:00:00Z");
    let of = |seq, at, part| Record { req_id: id.clone().into(), part, ..call(seq, at) };
    world
        .put(&[
            of(0, "2026-11-20T13:05:00Z", Part::Final),
            of(1, "2026-11-20T13:05:01Z", Part::Interim),
        ])
        .await?;
    let json = world.get(&token, &format!("/v1/logs/{id}")).await?.json();
    assert_eq!(json["record"]["seq"], 0);
    assert!(json.get("also").is_none(), "{json}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_found_says_why() -> Outcome {
    let world = World::start().await?;
    let token = world.token(Role::Support, None).await?;
    // It is 15:30. Storing has come to 15:20.
    world.put(&[call(0, "2026-11-20T15:20:00Z")]).await?;
    for (id, code) in [
        (id_at("2026-11-20T15:29:00Z"), "record_arriving"),
        (id_at("2026-11-20T15:19:30Z"), "record_arriving"),
        (id_at("2026-11-20T15:18:00Z"), "record_unknown"),
        (id_at("2026-11-01T00:00:00Z"), "record_unknown"),
        (id_at("2026-10-21T15:00:00Z"), "record_expired"),
        (id_at("2026-11-20T16:00:00Z"), "record_unknown"),
        ("foreign".to_owned(), "record_unknown"),
    ] {
        let problem = world.get(&token, &format!("/v1/logs/{id}")).await?.problem();
        assert_eq!(problem, (404, code.to_owned()), "{id}");
    }
    let long = "x".repeat(65);
    let problem = world.get(&token, &format!("/v1/logs/{long}")).await?.problem();
    assert_eq!(problem, (400, "parameter_invalid".to_owned()));
    Ok(())
}
