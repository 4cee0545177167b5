//! `tollgate usage`: how much was called, by hour or day, and by what.

use std::process::ExitCode;

use serde_json::Value;

use super::logs::search::Query;
use super::logs::text;
use crate::cli::{Output, Usage};
use crate::client::Client;
use crate::output::{self, List, say};
use crate::process::now;

/// Columns of groups, in the order in which they are shown, if they were asked for.
const GROUPS: [&str; 6] = ["account", "service_id", "api_id", "region", "env", "secret_id"];

/// Columns of numbers; the last is not shown to all.
const NUMBERS: [(&str, &str); 8] = [
    ("#requests", "requests"),
    ("#calls", "calls"),
    ("#client_faults", "client_faults"),
    ("#gateway_faults", "gateway_faults"),
    ("#backend_faults", "backend_faults"),
    ("#request_bytes", "request_bytes"),
    ("#response_bytes", "response_bytes"),
    ("#backend_bytes", "backend_bytes"),
];

/// Fetches the sums and prints them.
pub(crate) async fn usage(args: &Usage, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let query = Query::new("/v1/usage")
        .span(&args.span, now())
        .with("by", args.by.as_str())
        .with("group", &args.group.join(","))
        .with("filter", &args.filter);
    let answer = client.get(&query.path).await?;
    let list = list(&answer);
    if output == Output::Table && list.is_empty() {
        say!("No use from {} to {}.", text(&answer["from"]), text(&answer["to"]))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(output, &list, &answer)?;
    Ok(ExitCode::SUCCESS)
}

/// A row for each period and group; the columns are those that the answer has.
fn list(answer: &Value) -> List {
    let rows = answer["usage"].as_array().map(Vec::as_slice).unwrap_or_default();
    let there = |key: &str| rows.first().is_some_and(|row| row.get(key).is_some());
    let groups = GROUPS.into_iter().filter(|key| there(key)).map(|key| (key, key));
    let numbers = NUMBERS.into_iter().filter(|(_, key)| there(key));
    let columns: Vec<_> = [("start", "start")].into_iter().chain(groups).chain(numbers).collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let mut list = List::new(&names);
    for row in rows {
        list.row_of(columns.iter().map(|(_, key)| text(&row[*key])).collect());
    }
    list
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_columns_are_those_of_the_answer() {
        let answer =
            json!({ "usage": [{ "start": "s", "region": "r", "calls": 2, "requests": 3 }] });
        let table = list(&answer).to_table();
        let head: Vec<_> = table.lines().next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(head, ["start", "region", "requests", "calls"]);
        assert!(list(&json!({ "usage": [] })).is_empty());
    }
}
