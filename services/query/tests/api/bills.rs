//! `GET /v1/bills/{hour}` and `GET /v1/proofs/{hour}`.

use query::Role;
use record::{Hour, Record};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Sql;

use crate::world::{BUYER, HOUR, NOW, OTHER, Outcome, SELLER, World, call};

/// The columns of the stored proof's hash.
const COLUMNS: [&str; 4] = ["req_id", "seq", "rsp_len", "billable"];

fn bill(account: &str) -> String {
    // An order of keys and a number that a parser would not give back.
    format!(r#"{{"total":"1.20000000","account":"{account}","usage":{{"calls":1.50}}}}"#)
}

fn proof() -> String {
    json!({
        "hour": HOUR, "complete": true, "rule": 1, "columns": COLUMNS, "function": "cityHash64",
        "streams": [{ "gateway": "g1", "epoch": 7, "worker": 0, "first": 0, "last": 9 }],
        "sql": "SELECT 1",
    })
    .to_string()
}

/// Records 0 to 3 of the seller (2 of them in the cut's two ranges), 4 of somebody else.
async fn closed() -> Result<World, Box<dyn std::error::Error>> {
    let world = World::start().await?;
    let at = "2026-11-20T13:10:00Z";
    world
        .put(&[
            call(0, at),
            Record { rsp_st: 403, ups_st: "".into(), ..call(1, at) },
            // Late: its number is in no range of the cut.
            call(2, at),
            // Another stream's: the number alone is not enough.
            Record { epoch: 8, ..call(3, at) },
            Record { account: OTHER.into(), caller: SELLER.into(), ..call(4, at) },
        ])
        .await?;
    let cut = json!({
        "hour": HOUR,
        "streams": [{
            "gateway": "g1", "epoch": 7, "worker": 0, "first": 0, "last": 9,
            "ranges": [[0, 1], [3, 9]], "dead": [],
        }],
    });
    let insert = |table: &str, columns: &str, values: &str| {
        Sql::new(format!("INSERT INTO {table} ({columns}) SELECT {values}"))
            .param("hour", HOUR.parse::<Hour>().expect("an hour"))
    };
    let hour = "{hour:DateTime('UTC')}";
    let values = format!("{hour}, {{cut:String}}");
    world.run(insert("cuts", "hour, cut", &values).param("cut", cut.to_string())).await?;
    for account in [SELLER, OTHER] {
        let values = format!("{hour}, {{account:String}}, {{bill:String}}");
        let sql = insert("bills", "hour, account, bill", &values);
        world.run(sql.param("account", account).param("bill", bill(account))).await?;
    }
    let values = format!("{hour}, {{proof:String}}");
    world.run(insert("closings", "hour, proof", &values).param("proof", proof())).await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_hours_bills_are_given_as_they_stand() -> Outcome {
    let world = closed().await?;
    let seller = world.token(Role::Seller, Some(SELLER)).await?;
    for path in ["/v1/bills/2026-11-20T13", "/v1/bills/2026-11-20T13:00:00Z?account=100"] {
        let answer = world.get(&seller, path).await?;
        let json = answer.json();
        assert_eq!(json["hour"], HOUR);
        assert_eq!(json["state"], "closed");
        assert!(json["closed_at"].is_string());
        assert!(answer.text.ends_with(&format!(r#""bills":[{}]}}"#, bill(SELLER))), "{answer:?}");
    }
    let answer = world.get(&seller, "/v1/bills/2026-11-20T13?account=300").await?;
    assert_eq!(answer.problem(), (403, "account_forbidden".to_owned()));

    let finance = world.token(Role::Finance, None).await?;
    let accounts = |json: &Value| {
        let bills = json["bills"].as_array().cloned().unwrap_or_default();
        bills.iter().map(|bill| bill["account"].clone()).collect::<Vec<_>>()
    };
    let json = world.get(&finance, "/v1/bills/2026-11-20T13").await?.json();
    assert_eq!(accounts(&json), [SELLER, OTHER]);
    let json = world.get(&finance, "/v1/bills/2026-11-20T13?account=300").await?.json();
    assert_eq!(accounts(&json), [OTHER]);

    let answer = world.get(&finance, "/v1/bills/2026-11-20T12").await?;
    assert_eq!(answer.problem(), (404, "hour_uncounted".to_owned()), "it will never close");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_is_not_closed_is_shown_and_says_so() -> Outcome {
    let world = World::start().await?;
    let seller = world.token(Role::Seller, Some(SELLER)).await?;
    let all = world.token(Role::Auditor, None).await?;
    for (hour, state) in [("2026-11-20T15", "open"), ("2026-11-20T14", "provisional")] {
        let json = world.get(&seller, &format!("/v1/bills/{hour}")).await?.json();
        assert_eq!(json["state"], state);
        assert!(json.get("closed_at").is_none());
        // Whoever counts gave everybody's: TENANT-1 holds here too.
        let bills = json["bills"].as_array().ok_or("a list")?;
        assert_eq!(bills.len(), 1, "{json}");
        assert_eq!(bills[0]["account"], SELLER);
        let json = world.get(&all, &format!("/v1/bills/{hour}")).await?.json();
        assert_eq!(json["bills"].as_array().map(Vec::len), Some(2));
        let proof = world.get(&all, &format!("/v1/proofs/{hour}")).await?;
        assert_eq!(proof.problem(), (404, "hour_not_closed".to_owned()));
    }
    for (hour, problem) in [
        ("2026-11-20T16", (404, "hour_future")),
        ("yesterday", (400, "parameter_invalid")),
        ("2026-11-20", (400, "parameter_invalid")),
    ] {
        for route in ["bills", "proofs"] {
            let answer = world.get(&seller, &format!("/v1/{route}/{hour}")).await?;
            assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{route} {hour}");
        }
    }
    assert!(NOW.starts_with("2026-11-20T15"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_proof_is_for_operators_and_auditors_of_all() -> Outcome {
    let world = closed().await?;
    for role in [Role::Operator, Role::Auditor] {
        let token = world.token(role, None).await?;
        let answer = world.get(&token, "/v1/proofs/2026-11-20T13").await?;
        let json = answer.json();
        assert!(answer.text.contains(&format!(r#""proof":{}"#, proof())), "{answer:?}");
        assert_eq!(json["complete"], true);
        assert!(json.get("own").is_none());
    }
    let finance = world.token(Role::Finance, None).await?;
    let answer = world.get(&finance, "/v1/proofs/2026-11-20T13").await?;
    assert_eq!(answer.problem(), (403, "role_forbidden".to_owned()));
    for role in [Role::Buyer, Role::Support] {
        let token = world.token(role, Some(SELLER)).await?;
        let answer = world.get(&token, "/v1/proofs/2026-11-20T13").await?;
        assert_eq!(answer.problem(), (403, "role_forbidden".to_owned()));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_proof_is_the_sums_over_its_rows_in_the_cut() -> Outcome {
    #[derive(Deserialize)]
    struct Naive {
        hash: String,
    }
    let world = closed().await?;
    let seller = world.token(Role::Operator, Some(SELLER)).await?;
    let json = world.get(&seller, "/v1/proofs/2026-11-20T13").await?.json();
    assert!(json.get("proof").is_none(), "{json}");
    // By hand: the rows that are the account's and in the cut are 0 and 1.
    let naive: Vec<Naive> = world
        .store
        .query(&Sql::new(format!(
            "SELECT leftPad(lower(hex(sumWithOverflow(cityHash64({})))), 16, '0') AS hash \
             FROM records WHERE epoch = 7 AND seq IN (0, 1)",
            COLUMNS.join(", ")
        )))
        .await?;
    let sums = json!({ "stored": 2, "billable": 1, "rsp_len": 201, "ups_req_len": 2000 });
    let mut stream = sums.clone();
    stream["gateway"] = json!("g1");
    stream["epoch"] = json!(7);
    stream["worker"] = json!(0);
    stream["hash"] = json!(naive[0].hash);
    assert_eq!(
        json["own"],
        json!({
            "account": SELLER, "rule": 1, "columns": COLUMNS, "function": "cityHash64",
            "streams": [stream], "total": sums,
        })
    );
    let buyer = world.token(Role::Seller, Some(BUYER)).await?;
    let json = world.get(&buyer, "/v1/proofs/2026-11-20T13").await?.json();
    assert_eq!(json["own"]["streams"], json!([]), "a caller is not billed: {json}");
    Ok(())
}
