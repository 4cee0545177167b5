//! `GET /v1/marketplace/orders/{id}/calls`: how many calls of an order count, and why.
//!
//! An order that has no calls yet, one that does not exist and one of others look the same: no
//! calls. Whether a call counts is the stored verdict (RULE-1), never judged again here.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Extract};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::roles::Resource;
use crate::routes::{Problems, span};
use crate::scope::{Select, Table};

/// Longest id of an order, bytes, as in records.
const ORDER_MAX: usize = 128;

/// Which part of the order's life is counted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Span {
    /// Calls recorded at this time or later, RFC 3339; without it, from the oldest kept record.
    #[param(example = "2026-11-20T13:00:00Z")]
    from: Option<String>,
    /// Calls recorded before this time, RFC 3339; without it, up to now.
    #[param(example = "2026-11-20T14:00:00Z")]
    to: Option<String>,
}

/// The calls of an order.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OrderCallsBody {
    /// The order.
    order_id: String,
    /// As asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// As asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// All calls of the order.
    calls: u64,
    /// Those that count.
    billable: u64,
    /// All calls by the reason of their verdict.
    by_reason: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
struct Row {
    reason: String,
    billable: bool,
    calls: u64,
}

/// Counts the calls of a marketplace order, by the reason of their verdict.
#[utoipa::path(
    get,
    path = "/v1/marketplace/orders/{id}/calls",
    operation_id = "get_order_calls",
    tag = "marketplace",
    params(("id" = String, Path, description = "The order."), Span),
    responses((status = 200, description = "The counts.", body = OrderCallsBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_order_calls(
    Extract(app): Extract<State>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Json<OrderCallsBody>, Problem> {
    let scope = caller.read(Resource::Orders)?;
    let (Path(order), Query(span)) = (path?, span?);
    let select = calls_sql(&order, &span)?;
    let rows = app.reader.fetch(&scope, &select).await?;
    Ok(Json(OrderCallsBody::new(order, span, rows)))
}

fn calls_sql(order: &str, span: &Span) -> Result<Select, Problem> {
    if order.is_empty() || order.len() > ORDER_MAX {
        let detail = format!("the id of an order has 1 to {ORDER_MAX} bytes");
        return Err(Problem::new(Code::ParameterInvalid, detail));
    }
    let mut select = Select::new(Table::Records, "reason, billable, count() AS calls")
        .filter("order_id = {order:String}")
        .filter("part = 'final'")
        .param("order", order)
        .group("reason, billable");
    if let Some(from) = span::time("from", span.from.as_deref())? {
        select = select.filter("time >= {from:DateTime64(3, 'UTC')}").param("from", from);
    }
    if let Some(to) = span::time("to", span.to.as_deref())? {
        select = select.filter("time < {to:DateTime64(3, 'UTC')}").param("to", to);
    }
    Ok(select)
}

impl OrderCallsBody {
    fn new(order_id: String, span: Span, rows: Vec<Row>) -> Self {
        let mut by_reason = BTreeMap::new();
        let (mut calls, mut billable) = (0, 0);
        for row in rows {
            calls += row.calls;
            billable += if row.billable { row.calls } else { 0 };
            *by_reason.entry(row.reason).or_default() += row.calls;
        }
        Self { order_id, from: span.from, to: span.to, calls, billable, by_reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn span(from: Option<&str>, to: Option<&str>) -> Span {
        Span { from: from.map(str::to_owned), to: to.map(str::to_owned) }
    }

    #[test]
    fn only_calls_of_the_order_and_the_caller_are_counted() {
        let select = calls_sql("o-1", &span(Some("2026-11-20T13:00:00+08:00"), None));
        assert_eq!(
            select.expect("good").sql(&Scope::account("7")).text(),
            "SELECT reason, billable, count() AS calls\n\
             FROM records\n\
             WHERE (account = {scope:String} OR caller = {scope:String})\n  \
             AND (order_id = {order:String})\n  \
             AND (part = 'final')\n  \
             AND (time >= {from:DateTime64(3, 'UTC')})\n\
             GROUP BY reason, billable"
        );
    }

    #[test]
    fn what_is_no_order_and_no_time_is_refused() {
        for (order, from) in [
            ("", None),
            (&*"o".repeat(129), None),
            ("o", Some("now")),
            ("o", Some("1901-01-01T00:00:00Z")),
        ] {
            let refused = calls_sql(order, &span(from, None)).expect_err("refused");
            assert_eq!(refused.code, Code::ParameterInvalid);
        }
    }

    #[test]
    fn reasons_sum_to_the_calls() {
        let row =
            |reason: &str, billable, calls| Row { reason: reason.to_owned(), billable, calls };
        let rows = vec![
            row("ok", true, 5),
            row("backend_answered", true, 2),
            row("client_left", false, 1),
        ];
        let body = OrderCallsBody::new("o".to_owned(), span(None, None), rows);
        assert_eq!((body.calls, body.billable), (8, 7));
        assert_eq!(body.by_reason.values().sum::<u64>(), body.calls);
    }
}
