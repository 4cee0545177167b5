//! `tollgate bills show`: what an hour cost, a line per item, region and tier.

use std::process::ExitCode;

use record::Hour;
use serde_json::{Value, json};

use super::logs::text;
use crate::cli::{BillsShow, Output};
use crate::client::{Client, segment};
use crate::output::{self, List, say};

/// Instead of a table without rows.
pub(crate) const NOTHING: &str = "No account has use or corrections in this hour.";

/// Fetches an hour's bills and prints them.
pub(crate) async fn show(args: &BillsShow, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let hour = args.hour;
    let answer = fetch(&client, hour, args.account.as_deref()).await?;
    let mut json = answer.clone();
    let proof = if args.proof { Some(fetch_proof(&client, hour).await?) } else { None };
    if let Some(proof) = &proof {
        json["proof"] = proof.clone();
    }
    if output != Output::Table {
        output::print(output, &lines(&answer), &json)?;
        return Ok(ExitCode::SUCCESS);
    }
    say!("{}", title(&answer))?;
    let bills = answer["bills"].as_array().map(Vec::as_slice).unwrap_or_default();
    if bills.is_empty() && answer["held"].as_array().is_none_or(Vec::is_empty) {
        say!("{NOTHING}")?;
    }
    for bill in bills {
        say!("\naccount {}", text(&bill["account"]))?;
        output::print(output, &lines(&json!({ "bills": [bill] })), &json)?;
        say!("total {} {}", text(&bill["total"]), text(&bill["currency"]))?;
    }
    for held in answer["held"].as_array().into_iter().flatten() {
        let (account, reason) = (text(&held["account"]), text(&held["reason"]));
        let of = text(&held["hour"]);
        say!("\naccount {account}: its use of {of} was held back: {reason}")?;
        say!("`tollgate bills held` shows what still waits, `tollgate bills release` ends it.")?;
    }
    if let Some(proof) = &proof {
        say!("\n{}", proof_title(proof))?;
        output::print(output, &streams(proof), proof)?;
        say!(
            "\nThe query that checks it, for the store itself:\n{}",
            text(&proof["proof"]["sql"])
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The API's answer for an hour.
pub(crate) async fn fetch(
    client: &Client,
    hour: Hour,
    account: Option<&str>,
) -> anyhow::Result<Value> {
    let account = account.map(|id| format!("?account={}", segment(id))).unwrap_or_default();
    client.get(&format!("/v1/bills/{}{account}", segment(&hour.to_string()))).await
}

/// The API's proof of a closed hour.
pub(crate) async fn fetch_proof(client: &Client, hour: Hour) -> anyhow::Result<Value> {
    client.get(&format!("/v1/proofs/{}", segment(&hour.to_string()))).await
}

/// The hour and how far it is.
pub(crate) fn title(answer: &Value) -> String {
    let state = match answer["state"].as_str().unwrap_or_default() {
        "closed" => format!("closed at {}", text(&answer["closed_at"])),
        "provisional" => "provisional: not closed yet, figures may still grow".to_owned(),
        "open" => "open: still running, figures grow".to_owned(),
        other => other.to_owned(),
    };
    format!("hour {} (UTC), {state}", text(&answer["hour"]))
}

/// All lines of all bills.
pub(crate) fn lines(answer: &Value) -> List {
    let mut list = List::new(&[
        "account",
        "item",
        "region",
        "direction",
        "tier",
        "#quantity",
        "unit",
        "#unit_price",
        "#amount",
        "currency",
        "corrects",
    ]);
    for bill in answer["bills"].as_array().into_iter().flatten() {
        for line in bill["lines"].as_array().into_iter().flatten() {
            let word = |key: &str| text(&line[key]);
            let corrects = match word("corrects_hour").as_str() {
                "" => String::new(),
                hour => format!("{hour} {}", word("corrects_line")),
            };
            list.row([
                text(&bill["account"]),
                word("item"),
                word("region"),
                word("direction"),
                word("tier"),
                word("quantity"),
                word("unit"),
                word("unit_price"),
                word("amount"),
                text(&bill["currency"]),
                corrects,
            ]);
        }
    }
    list
}

/// Whether anything is missing, in words, and who was waited for in vain.
pub(crate) fn proof_title(proof: &Value) -> String {
    if proof["complete"] == true {
        return "proof: complete, nothing missing and nothing dead".to_owned();
    }
    let silent = proof["proof"]["silent"].as_array().into_iter().flatten();
    let silent: Vec<String> = silent.map(text).collect();
    match silent.as_slice() {
        [] => "proof: NOT complete; see the streams with missing or dead numbers".to_owned(),
        silent => format!("proof: NOT complete; waited for in vain: {}", silent.join(", ")),
    }
}

/// The streams of a whole proof, or the sums of an account's share.
pub(crate) fn streams(proof: &Value) -> List {
    if let Some(own) = proof.get("own").filter(|own| !own.is_null()) {
        let mut list = List::new(&["of this account", "value"]);
        for (key, value) in own.as_object().into_iter().flatten() {
            list.row([key.clone(), text(value)]);
        }
        return list;
    }
    let mut list = List::new(&[
        "gateway", "#epoch", "#worker", "#first", "#last", "#stored", "#dead", "#missing", "hash",
    ]);
    for stream in proof["proof"]["streams"].as_array().into_iter().flatten() {
        let word = |key: &str| text(&stream[key]);
        list.row([
            word("gateway"),
            word("epoch"),
            word("worker"),
            word("first"),
            word("last"),
            word("stored"),
            word("dead"),
            word("missing"),
            word("hash"),
        ]);
    }
    list
}
