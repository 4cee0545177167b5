//! `GET /v1/usage`: how much was called, by hour or day, and by what.
//!
//! - Counted from the records as they are stored now, also those of hours that are not closed: a
//!   view, not a bill. RULE-1's stored verdict decides what a call is; bytes count whatever it is.
//! - The rows are those that a search would find: what an account owns or called. Bytes to backends
//!   are summed over the rows that it owns, and left out for those who do not see that side.
//! - Sums are of 128 bits and texts in JSON, so that no number wraps or loses a digit.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use record::Time;
use serde::{Deserialize, Serialize};
use store::{Limits, QueryError};
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::roles::{Resource, Role};
use crate::routes::search::{filter_of, filtered};
use crate::routes::span::Span;
use crate::routes::{Problems, span};
use crate::scope::{Scope, Select, Table};

/// The span without `from`, milliseconds: a day.
const SPAN_MS: i64 = 24 * 3_600 * 1000;

/// Rows of an answer: a month by hour of thirteen services.
const ROWS_MAX: u64 = 10_000;

/// All records of a month may have to be read.
const LIMITS: Limits =
    Limits { rows: ROWS_MAX, bytes: 16 << 20, time: Duration::from_secs(30), threads: 0 };

/// What use may be grouped by, and the column of it.
///
/// No name of a sum is the name of a column: a filter would take the one for the other.
const GROUPS: [(&str, &str); 6] = [
    ("account", "account"),
    ("service", "service_id"),
    ("api", "api_id"),
    ("region", "region"),
    ("environment", "env"),
    ("key", "secret_id"),
];

/// Which use, and how it is summed up.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Records written at this time or later, RFC 3339; without it, a day before `to`.
    #[param(example = "2026-11-20T00:00:00Z")]
    from: Option<String>,
    /// Records written before this time, RFC 3339; without it, now. At most 31 days after `from`.
    #[param(example = "2026-11-21T00:00:00Z")]
    to: Option<String>,
    /// `hour`, which is the default, or `day`; both in UTC.
    #[param(example = "hour")]
    by: Option<String>,
    /// What each row is of besides its time: any of `account`, `service`, `api`, `region`,
    /// `environment` and `key`, separated by commas.
    #[param(example = "service,region")]
    group: Option<String>,
    /// Only what this filter lets through; as in a search.
    filter: Option<String>,
}

/// The use of a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageBody {
    /// The begin of the span, RFC 3339.
    from: String,
    /// Its end, not included.
    to: String,
    /// `hour` or `day`.
    by: &'static str,
    /// By time, then by group.
    usage: Vec<UsageRow>,
}

/// The use of one hour or day, and of one group. Bytes are texts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct UsageRow {
    /// The begin of its hour or day, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00Z")]
    start: String,
    /// By the record's names: `service_id`, `api_id`, `region`, `env`, `secret_id`, `account`.
    #[serde(flatten)]
    of: BTreeMap<String, String>,
    /// Requests that were answered.
    requests: u64,
    /// Those that count as calls.
    calls: u64,
    /// Failures that were the client's.
    client_faults: u64,
    /// Failures that were the gateway's.
    gateway_faults: u64,
    /// Failures that were the backend's.
    backend_faults: u64,
    /// Bytes from clients.
    #[schema(example = "10240")]
    request_bytes: String,
    /// Bytes to clients.
    #[schema(example = "10240")]
    response_bytes: String,
    /// Bytes to backends, of services of the token's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_bytes: Option<String>,
}

/// Sums up the use of a span of time by hour or day, and by what is asked for.
#[utoipa::path(
    get,
    path = "/v1/usage",
    operation_id = "get_usage",
    tag = "logs",
    params(Asked),
    responses((status = 200, description = "The use.", body = UsageBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_usage(
    Extract(app): Extract<State>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<UsageBody>, Problem> {
    let scope = caller.read(Resource::Logs)?;
    let Query(asked) = asked?;
    let span = asked.span(app.now())?;
    let by = asked.by()?;
    let select = asked.select(span, by, &scope, caller.role())?;
    let usage = app.reader.fetch(&scope, &select).await.map_err(refused)?;
    let (from, to) = (span.from.to_rfc3339(), span.to.to_rfc3339());
    Ok(Json(UsageBody { from, to, by: by.0, usage }))
}

/// A bound that was met says what helps here.
fn refused(error: QueryError) -> Problem {
    match error {
        QueryError::TooLarge { .. } => {
            let detail = format!(
                "it has more than {ROWS_MAX} rows: ask for a shorter time, by day, for fewer \
                 groups, or with a filter"
            );
            Problem::new(Code::AnswerTooLarge, detail)
        }
        error => error.into(),
    }
}

// === impl Asked ===

impl Asked {
    fn span(&self, now: Time) -> Result<Span, Problem> {
        let to = span::time("to", self.to.as_deref())?.unwrap_or(now);
        let from = span::time("from", self.from.as_deref())?;
        Span::new(from.unwrap_or(Time(to.0.saturating_sub(SPAN_MS).max(0))), to)
    }

    /// The word, and the begin of a record's period.
    fn by(&self) -> Result<(&'static str, &'static str), Problem> {
        match self.by.as_deref() {
            None | Some("hour") => Ok(("hour", "toStartOfHour(time)")),
            Some("day") => Ok(("day", "toStartOfDay(time)")),
            Some(_) => Err(Problem::new(Code::ParameterInvalid, "`by` is `hour` or `day`")),
        }
    }

    /// The columns that are grouped by.
    fn groups(&self) -> Result<Vec<&'static str>, Problem> {
        let mut columns = Vec::new();
        let asked = self.group.as_deref().unwrap_or_default().split(',').map(str::trim);
        for name in asked.filter(|name| !name.is_empty()) {
            let known = GROUPS.iter().find(|(group, _)| *group == name);
            let (_, column) = known.ok_or_else(|| {
                let names: Vec<_> = GROUPS.iter().map(|(group, _)| *group).collect();
                let detail = format!("`group` is one or more of {}", names.join(", "));
                Problem::new(Code::ParameterInvalid, detail)
            })?;
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        Ok(columns)
    }

    fn select(
        &self,
        span: Span,
        by: (&'static str, &'static str),
        scope: &Scope,
        role: Role,
    ) -> Result<Select, Problem> {
        let mut keys = vec!["start"];
        keys.extend(self.groups()?);
        let keys = keys.join(", ");
        let columns = format!(
            "{start} AS {keys}, countIf(part = 'final') AS requests, \
             countIf(billable AND part = 'final') AS calls, \
             countIf(fault = 'client' AND part = 'final') AS client_faults, \
             countIf(fault = 'gateway' AND part = 'final') AS gateway_faults, \
             countIf(fault = 'backend' AND part = 'final') AS backend_faults, \
             toString(sum(toUInt128(req_len))) AS request_bytes, \
             toString(sum(toUInt128(rsp_len))) AS response_bytes{backend}",
            start = by.1,
            backend = match (role.sees_backends(), scope.bound_to()) {
                (false, _) => "",
                (true, None) => {
                    ", toString(sum(toUInt128(ups_req_len))) AS backend_bytes"
                }
                (true, Some(_)) => {
                    ", toString(sumIf(toUInt128(ups_req_len), account = {me:String})) \
                     AS backend_bytes"
                }
            },
        );
        let select = Select::new(Table::Records, columns)
            .filter("time >= {from:DateTime64(3, 'UTC')}")
            .filter("time < {to:DateTime64(3, 'UTC')}")
            .filter("part = 'final' OR part = 'interim'")
            .param("from", span.from)
            .param("to", span.to)
            .param("me", scope.bound_to().unwrap_or_default())
            .group(keys.clone())
            .order(keys)
            .limits(LIMITS);
        filtered(select, filter_of(self.filter.as_deref())?.as_ref(), scope, role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(asked: &Asked, scope: &Scope, role: Role) -> Result<String, Code> {
        let span = Span { from: Time(0), to: Time(1) };
        let select = asked.by().and_then(|by| asked.select(span, by, scope, role));
        select.map(|select| select.sql(scope).text().to_owned()).map_err(|problem| problem.code)
    }

    #[test]
    fn groups_are_a_closed_list() {
        let ask = |by: &str, group: &str| Asked {
            by: Some(by.to_owned()),
            group: Some(group.to_owned()),
            ..Asked::default()
        };
        let sql = select(&ask("day", "service, key,service"), &Scope::all(), Role::Finance);
        let sql = sql.expect("good");
        assert!(sql.starts_with("SELECT toStartOfDay(time) AS start, service_id, secret_id, "));
        assert!(sql.ends_with(
            "GROUP BY start, service_id, secret_id\nORDER BY start, service_id, secret_id"
        ));
        for (by, group) in [("week", ""), ("hour", "uri"), ("hour", "1")] {
            let refused = select(&ask(by, group), &Scope::all(), Role::Finance);
            assert_eq!(refused, Err(Code::ParameterInvalid), "{by} {group}");
        }
    }

    #[test]
    fn bytes_to_backends_are_the_owners() {
        let asked = Asked::default();
        let scope = Scope::account("7");
        let of = |role, scope| select(&asked, scope, role).expect("good");
        assert!(!of(Role::Buyer, &scope).contains("ups_req_len"));
        assert!(of(Role::Seller, &scope).contains("account = {me:String}"));
        assert!(of(Role::Finance, &Scope::all()).contains("sum(toUInt128(ups_req_len))"));
        let asked = Asked { filter: Some("ups_req_len > 1".to_owned()), ..Asked::default() };
        assert_eq!(select(&asked, &scope, Role::Buyer), Err(Code::FieldForbidden));
    }
}
