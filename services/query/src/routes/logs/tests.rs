//! The searches as text, and what a buyer sees.

use serde_json::{Value, json};

use super::*;

const OURS: &str = "01997b3e-1c00-7abc-8def-0123456789ab";

/// A stored row as a query gives it.
const ROW: &str = r#"{
        "req_id": "r", "client_req_id": "", "time": "2026-11-20T13:00:00.000Z", "gateway": "g",
        "epoch": 1, "worker": 0, "seq": 7, "part": "final", "life": "", "account": "7",
        "caller": "8", "service_id": "s", "api_id": "a", "env": "release", "region": "r",
        "instance": "i", "instance_type": "shared", "net": "public", "scheme": "http",
        "method": "GET", "host": "h", "uri": "/", "query": "", "proto": "HTTP/1.1",
        "rsp_st": 502, "ups_st": "502", "ip": "1.2.3.4", "upip": "10.0.0.9:80", "vip": "",
        "req_len": 1, "rsp_len": 2, "ups_req_len": 3, "ups_rsp_len": 4, "ups_net": "private",
        "req_t": 41, "ups_rsp_t": 40, "ups_conn_t": 1, "ups_head_t": 39, "tcp_rtt": 50,
        "err_msg": "m", "fault": "backend", "phase": "receiving", "secret_id": "k",
        "app_code": "", "plan_id": "", "order_id": "o", "goods_id": "", "user_agent": "",
        "referer": "", "trace_id": "", "billable": true, "reason": "backend_answered", "rule": 1,
        "stored_at": "2026-11-20T13:00:01.000Z"
    }"#;

fn stored(members: &Value) -> StoredRecord {
    let mut row: Value = serde_json::from_str(ROW).expect("JSON");
    for (key, value) in members.as_object().expect("an object") {
        row[key] = value.clone();
    }
    serde_json::from_value(row).expect("a row")
}

fn body(scope: &Scope, role: Role, rows: Vec<StoredRecord>) -> Value {
    let body = LogBody::new(rows, scope, role).expect("good").expect("one");
    serde_json::to_value(body).expect("JSON")
}

#[test]
fn our_id_is_searched_around_its_time_first() {
    let id = normalize_id(OURS).expect("an id");
    let texts: Vec<_> = searches(&id)
        .iter()
        .map(|select| {
            let sql = select.sql(&Scope::account("7"));
            let conditions = sql.text().split("\nWHERE ").nth(1).expect("conditions");
            conditions.to_owned()
        })
        .collect();
    let guard = "(account = {scope:String} OR caller = {scope:String})\n  AND ";
    let tail = "\nORDER BY part = 'final' DESC, time DESC\nLIMIT 20";
    let from = "(time >= {from:DateTime64(3, 'UTC')})";
    let to = "(time < {to:DateTime64(3, 'UTC')})";
    let id = "(req_id = {id:String})\n  AND ";
    assert_eq!(
        texts,
        [
            format!("{guard}{id}{from}\n  AND {to}{tail}"),
            format!("{guard}{id}{from}\n  AND {to}{tail}"),
            format!("{guard}{id}{from}{tail}"),
            format!("{guard}{id}{from}\n  AND {to}{tail}"),
            format!("{guard}(client_req_id = {{id:String}}){tail}"),
        ]
    );
    let at = arrival(OURS).expect("ours");
    let text = |ms: i64| Time(ms).to_rfc3339().trim_end_matches('Z').to_owned();
    let debug = format!("{:?}", searches(OURS)[0]);
    assert!(debug.contains(&text(at.0 - SLACK_MS)), "{debug}");
    assert!(debug.contains(&text(at.0 + NEAR_MS)), "{debug}");
}

#[test]
fn a_foreign_id_is_searched_by_the_indexes_alone() {
    let searches = searches("4e1b2c");
    assert_eq!(searches.len(), 2);
    for select in searches {
        assert!(!select.sql(&Scope::all()).text().contains("time >="));
    }
}

#[test]
fn the_owner_sees_the_backend_and_a_buyer_does_not() {
    let hidden = [
        "upip",
        "ups_net",
        "ups_req_len",
        "ups_rsp_len",
        "ups_rsp_t",
        "ups_conn_t",
        "ups_head_t",
        "phase",
    ];
    let check = |scope: &Scope, role, shown: bool| {
        let body = body(scope, role, vec![stored(&json!({}))]);
        for key in hidden {
            assert_eq!(body["record"].get(key).is_some(), shown, "{key} {role} {scope:?}");
        }
        assert_eq!(body["record"]["ups_st"], "502");
        assert_eq!(body["verdict"]["reason"], "backend_answered");
    };
    check(&Scope::all(), Role::Operator, true);
    check(&Scope::account("7"), Role::Seller, true);
    check(&Scope::account("7"), Role::Buyer, false);
    check(&Scope::account("8"), Role::Buyer, false);
    check(&Scope::account("8"), Role::Seller, false);
}

#[test]
fn the_record_has_the_form_that_it_has_everywhere() {
    let body = body(&Scope::all(), Role::Operator, vec![stored(&json!({}))]);
    let text = body["record"].to_string();
    let record = record::decode(text.as_bytes()).expect("a record");
    assert_eq!((record.seq, &*record.upip), (7, "10.0.0.9:80"));
    assert_eq!(body["stored_at"], "2026-11-20T13:00:01.000Z");
    assert!(body.get("also").is_none());
}

#[test]
fn further_records_are_named_once() {
    let rows = ["a", "b", "a", "b", "c"].map(|id| stored(&json!({ "req_id": id })));
    let body = body(&Scope::all(), Role::Operator, rows.to_vec());
    assert_eq!(body["record"]["req_id"], "a");
    assert_eq!(body["also"], json!(["b", "c"]));
}

#[test]
fn an_altered_row_is_an_error_not_a_guess() {
    let rows = vec![stored(&json!({ "reason": "because" }))];
    let problem = LogBody::new(rows, &Scope::all(), Role::Operator).expect_err("refused");
    assert_eq!(problem.code, Code::Internal);
}
