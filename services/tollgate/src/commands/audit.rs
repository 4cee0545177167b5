//! `tollgate audit orders`: how many calls of an order count, and for which reason.

use std::process::ExitCode;

use record::Hour;
use serde_json::{Value, json};

use super::logs::text;
use crate::cli::{AuditOrders, Output};
use crate::client::{Client, segment};
use crate::output::{self, List};

/// Fetches the counts of each order and prints them.
pub(crate) async fn orders(args: &AuditOrders, output: Output) -> anyhow::Result<ExitCode> {
    let client = Client::find(&args.server)?;
    let bound = |name: &str, hour: Option<Hour>| {
        hour.map(|hour| format!("{name}={}", segment(&hour.to_string())))
    };
    let bounds = [bound("from", args.from), bound("to", args.to)];
    let query = bounds.into_iter().flatten().collect::<Vec<_>>().join("&");
    let json = fetch(&client, &args.orders, &query).await?;
    output::print(output, &list(&json), &json)?;
    Ok(ExitCode::SUCCESS)
}

/// The API's counts of some orders, as `{"orders": […]}`.
pub(crate) async fn fetch(
    client: &Client,
    orders: &[String],
    query: &str,
) -> anyhow::Result<Value> {
    let mut found = Vec::with_capacity(orders.len());
    for order in orders {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let path = format!("/v1/marketplace/orders/{}/calls{query}", segment(order));
        found.push(client.get(&path).await?);
    }
    Ok(json!({ "orders": found }))
}

/// One row per order, the reasons in one cell.
pub(crate) fn list(json: &Value) -> List {
    let mut list = List::new(&["order", "#calls", "#billable", "#not billable", "by reason"]);
    for order in json["orders"].as_array().into_iter().flatten() {
        let number = |key: &str| order[key].as_u64().unwrap_or_default();
        let reasons = order["by_reason"].as_object().into_iter().flatten();
        let reasons = reasons.map(|(reason, calls)| format!("{reason} {calls}"));
        list.row([
            text(&order["order_id"]),
            number("calls").to_string(),
            number("billable").to_string(),
            number("calls").saturating_sub(number("billable")).to_string(),
            reasons.collect::<Vec<_>>().join(", "),
        ]);
    }
    list
}
