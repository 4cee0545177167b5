//! `GET /v1/logs/{req_id}/explain`, `/v1/errors` and `/v1/errors/{code}`.

use query::Role;
use record::{Fault, Hour, Millis, Record};
use serde_json::json;
use store::Sql;

use crate::world::{BUYER, HOUR, Outcome, SELLER, World, call, id_at};

/// A closed hour whose cut holds the numbers 0 to 5, with one bill.
async fn closed(world: &World) -> Outcome {
    let stream = json!({ "gateway": "g1", "epoch": 7, "worker": 0, "ranges": [[0, 5]] });
    let line = |id: &str, item: &str, direction: &str, region: &str| {
        json!({ "id": id, "item": item, "direction": direction, "region": region,
            "instance_type": "shared", "amount": "0.10" })
    };
    let lines = [
        line("0", "calls", "", ""),
        line("1", "traffic", "response", "north"),
        line("2", "traffic", "response", "south"),
    ];
    let bill = json!({ "account": SELLER, "lines": lines });
    let proof = json!({ "held": [] });
    for (table, columns, values, text) in [
        ("cuts", "hour, cut", "{text:String}", json!({ "streams": [stream] })),
        ("bills", "hour, account, bill", "'100', {text:String}", bill),
        ("closings", "hour, proof", "{text:String}", proof),
    ] {
        let sql =
            format!("INSERT INTO {table} ({columns}) SELECT {{hour:DateTime('UTC')}}, {values}");
        let sql =
            Sql::new(sql).param("hour", HOUR.parse::<Hour>()?).param("text", text.to_string());
        world.run(sql).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_explained_in_words() -> Outcome {
    let world = World::start().await?;
    closed(&world).await?;
    let at = "2026-11-20T13:10:00Z";
    let late = Record {
        rsp_st: 504,
        ups_st: "504".into(),
        req_t: Millis(3_200),
        ups_conn_t: Some(Millis(50)),
        ups_rsp_t: Some(Millis(3_000)),
        err_msg: "Gateway Time-out.".into(),
        fault: Fault::Backend,
        phase: "waiting".into(),
        region: "north".into(),
        ..call(0, at)
    };
    world.put(std::slice::from_ref(&late)).await?;
    let path = format!("/v1/logs/{}/explain", late.req_id);
    let seller = world.token(Role::Seller, Some(SELLER)).await?;
    let json = world.get(&seller, &path).await?.json();
    assert_eq!(json["req_id"], *late.req_id);
    assert_eq!(json["fault"]["whose"], "backend");
    assert_eq!(json["error"]["status"], 504);
    assert_eq!(json["verdict"]["reason"], "backend_answered");
    assert_eq!(json["bill"]["state"], "billed");
    let lines = json["bill"]["lines"].as_array().ok_or("a list")?;
    let ids: Vec<_> = lines.iter().map(|line| &line["id"]).collect();
    assert_eq!(ids, ["0", "1"], "{json}");
    let phases = json["phases"].as_array().ok_or("a list")?;
    assert_eq!(phases.len(), 4, "{json}");

    let zh = world.get_in("zh-CN,zh;q=0.9,en;q=0.8", &seller, &path).await?.json();
    assert_eq!(zh["language"], "zh");
    assert_ne!(zh["error"]["remedy"], json["error"]["remedy"]);
    assert_eq!(zh["bill"]["lines"], json["bill"]["lines"]);

    // A buyer reads neither the bill nor the backend's side.
    let buyer = world.token(Role::Buyer, Some(BUYER)).await?;
    let json = world.get(&buyer, &path).await?.json();
    assert_eq!(json["bill"]["state"], "hidden", "{json}");
    assert_eq!(json["phases"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["fault"]["words"], "The backend's.");
    let support = world.token(Role::Support, None).await?;
    assert_eq!(world.get(&support, &path).await?.json()["bill"]["state"], "hidden");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_says_how_it_stands_to_its_bill() -> Outcome {
    let world = World::start().await?;
    closed(&world).await?;
    let at = "2026-11-20T13:10:00Z";
    let free = Record { rsp_st: 403, ups_st: "".into(), rsp_len: 0, ups_req_len: 0, ..call(1, at) };
    let records = [
        (call(6, at), "late"),
        (free, "free"),
        (call(0, "2026-11-20T14:10:00Z"), "provisional"),
        (call(0, "2026-11-20T15:10:00Z"), "open"),
    ];
    world.put(&records.clone().map(|(record, _)| record)).await?;
    let finance = world.token(Role::Finance, None).await?;
    for (record, state) in records {
        let answer = world.get(&finance, &format!("/v1/logs/{}/explain", record.req_id)).await?;
        assert_eq!(answer.json()["bill"]["state"], state, "{answer:?}");
    }
    let unknown = format!("/v1/logs/{}/explain", id_at("2026-11-20T13:11:00Z"));
    let problem = world.get(&finance, &unknown).await?.problem();
    assert_eq!(problem, (404, "record_unknown".to_owned()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_read_by_everybody_with_a_token() -> Outcome {
    let world = World::start().await?;
    let buyer = world.token(Role::Buyer, Some(BUYER)).await?;
    let all = world.get(&buyer, "/v1/errors").await?.json();
    let zh = world.get_in("zh", &buyer, "/v1/errors").await?.json();
    let errors = all["errors"].as_array().ok_or("a list")?;
    assert!(errors.len() > 20, "{all}");
    for (at, entry) in errors.iter().enumerate() {
        let code = entry["code"].as_str().ok_or("a code")?;
        let one = world.get(&buyer, &format!("/v1/errors/{code}")).await?.json();
        assert_eq!(&one, entry, "{code}");
        assert_eq!(zh["errors"][at]["code"], code);
        assert_ne!(zh["errors"][at]["cause"], entry["cause"], "{code}");
    }
    let problem = world.get(&buyer, "/v1/errors/none-such").await?.problem();
    assert_eq!(problem, (404, "error_unknown".to_owned()));
    Ok(())
}
