//! `tollgate logs get`: what happened to one request, whose fault it was, and was it charged. The
//! other commands about records have a file each.

mod explain;
pub(crate) mod search;
mod tail;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;

use crate::cli::{Logs, LogsGet, Output};
use crate::client::{Client, segment};
use crate::output::{self, List, say};

/// Keys in the order in which a person asks: what, when, how it went, who, where to, how large.
const ORDER: &[&str] = &[
    "req_id",
    "client_req_id",
    "time",
    "method",
    "scheme",
    "host",
    "uri",
    "query",
    "rsp_st",
    "ups_st",
    "err_msg",
    "fault",
    "phase",
    "req_t",
    "ups_conn_t",
    "ups_head_t",
    "ups_rsp_t",
    "account",
    "caller",
    "secret_id",
    "plan_id",
    "order_id",
    "goods_id",
    "service_id",
    "api_id",
    "env",
    "region",
    "instance",
    "ip",
    "upip",
    "vip",
    "req_len",
    "rsp_len",
    "ups_req_len",
    "ups_rsp_len",
];

/// Does what the command line says.
pub(crate) async fn run(args: &Logs, output: Output) -> anyhow::Result<ExitCode> {
    match args {
        Logs::Get(args) => get(args, output).await,
        Logs::Search(args) => search::search(args, output).await,
        Logs::Tail(args) => tail::tail(args, output).await,
        Logs::Explain(args) => explain::explain(args, output).await,
    }
}

/// Fetches one record and prints it.
async fn get(args: &LogsGet, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let answer = fetch(&client, &args.req_id).await?;
    if output == Output::Text {
        print_bracket(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    if output == Output::Table {
        say!("{}\n", headline(&answer))?;
    }
    output::print(output, &list(&answer), &flat(&answer))?;
    Ok(ExitCode::SUCCESS)
}

/// The API's answer for an id.
pub(crate) async fn fetch(client: &Client, req_id: &str) -> anyhow::Result<Value> {
    client.get(&format!("/v1/logs/{}", segment(req_id))).await
}

/// The record's keys, its verdict beside them.
pub(crate) fn flat(answer: &Value) -> Value {
    let mut flat = answer["record"].as_object().cloned().unwrap_or_default();
    for key in ["billable", "reason", "rule"] {
        flat.insert(key.to_owned(), answer["verdict"][key].clone());
    }
    flat.insert("stored_at".to_owned(), answer["stored_at"].clone());
    Value::Object(flat)
}

/// One sentence: how it went, whose fault it was, whether it counts and why.
pub(crate) fn headline(answer: &Value) -> String {
    let record = &answer["record"];
    let word = |key: &str| text(&record[key]);
    let status = word("rsp_st");
    let went = match (word("ups_st").as_str(), word("err_msg").as_str()) {
        ("", "") => format!("answered {status} by the gateway itself"),
        ("", error) => format!("answered {status} by the gateway: {error}"),
        (ups, "") => format!("answered {status}; the backend said {ups}"),
        (ups, error) => format!("answered {status}; the backend said {ups}: {error}"),
    };
    let fault = match word("fault").as_str() {
        "" | "none" => "Nobody's fault".to_owned(),
        fault => format!("The {fault}'s fault"),
    };
    let counts = match (text(&answer["verdict"]["billable"]).as_str(), reason(answer)) {
        ("true", reason) => format!("it counts, because {reason}"),
        (_, reason) => format!("it does not count, because {reason}"),
    };
    format!("{} {}: {went}. {fault}; {counts}.", word("method"), word("uri"))
}

/// The reason of the verdict in words (RULE-1).
fn reason(answer: &Value) -> &'static str {
    match answer["verdict"]["reason"].as_str().unwrap_or_default() {
        "ok" => "the status is 200",
        "backend_answered" => "the request reached the backend",
        "gateway_rejected" => "the gateway refused it before any backend",
        "gateway_failed" => "the gateway could not reach a backend",
        "gateway_answered" => "the gateway answered by itself with another status than 200",
        "client_left" => "the client left before the backend answered",
        "not_a_call" => "it is no call but a part of a stream's life",
        _ => "the verdict says so",
    }
}

pub(crate) fn list(answer: &Value) -> List {
    let mut list = List::new(&["field", "value"]);
    let flat = flat(answer);
    let known = ORDER.iter().filter(|&&key| !text(&flat[key]).is_empty());
    for &key in known {
        list.row([key.to_owned(), with_unit(key, &text(&flat[key]))]);
    }
    for key in ["billable", "reason", "rule", "stored_at"] {
        list.row([key.to_owned(), text(&flat[key])]);
    }
    for also in answer["also"].as_array().into_iter().flatten() {
        list.row(["also".to_owned(), text(also)]);
    }
    list
}

fn with_unit(key: &str, value: &str) -> String {
    match key {
        "req_t" | "ups_conn_t" | "ups_head_t" | "ups_rsp_t" => format!("{} s", thousandths(value)),
        "req_len" | "rsp_len" | "ups_req_len" | "ups_rsp_len" => format!("{value} bytes"),
        _ => value.to_owned(),
    }
}

/// Seconds with three decimals: a JSON reader may have dropped zeros at the end.
fn thousandths(seconds: &str) -> String {
    let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, ""));
    format!("{whole}.{rest:0<3}")
}

/// A JSON scalar without quotes; nothing for null.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn print_bracket(answer: &Value) -> anyhow::Result<()> {
    let json = answer["record"].to_string();
    let record = record::decode(json.as_bytes()).context("the answer is no record")?;
    let mut line = Vec::new();
    record::bracket::write(&record, record::bracket::Zone::UTC, &mut line);
    line.push(b'\n');
    io::stdout().lock().write_all(&line)?;
    Ok(())
}
