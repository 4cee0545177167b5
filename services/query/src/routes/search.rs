//! `GET /v1/logs`: the records of a span of time that a filter lets through, page by page.
//!
//! - Without a word about `part`, only records of requests are found, not those of streams' lives.
//! - TENANT-1: the scope decides whose rows are read. A filter by the backend's side is refused to
//!   roles that do not see it, and reads only rows of the token's own account for the others: what
//!   a caller does not see in a record it can not find out by asking.
//! - A page begins behind the last record of the one before it ([`page`]). What is stored later
//!   with an earlier time does not move the others.

mod page;

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use record::Time;
use serde::{Deserialize, Serialize};
use store::records::StoredRecord;
use store::{Limits, QueryError};
use utoipa::{IntoParams, ToSchema};

use crate::app::State;
use crate::caller::Caller;
use crate::filter::{self, Filter};
use crate::problem::{Code, Problem};
use crate::roles::{Resource, Role};
use crate::routes::logs::{EntryBody, shown};
use crate::routes::{Problems, span};
use crate::scope::{Scope, Select, Table};
use page::{Order, Place, Token};
use span::Span;

/// The span without `from`, milliseconds: the last three hours, as consoles show them.
const SPAN_MS: i64 = 3 * 3_600 * 1000;

/// Records of a page when nothing is said.
const PAGE: u64 = 100;

/// The most records of a page.
pub(crate) const PAGE_MAX: u64 = 1000;

/// The most of an answer of the store, bytes: a thousand records of usual size have a tenth of it.
pub(crate) const BYTES_MAX: usize = 8 << 20;

/// The longest search: a person waits.
const TIME_MAX: Duration = Duration::from_secs(20);

/// What to search for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Records written at this time or later, RFC 3339; without it, three hours before `to`.
    #[param(example = "2026-11-20T13:00:00Z")]
    from: Option<String>,
    /// Records written before this time, RFC 3339; without it, now. At most 31 days after `from`.
    #[param(example = "2026-11-20T14:00:00Z")]
    to: Option<String>,
    /// Which of them: comparisons of the record's fields with `=`, `!=`, `:` (holds), `>`, `>=`, `<`,
    /// `<=` and `in`, joined by AND, OR, NOT and parentheses; `-` is empty. Without a word about
    /// `part` only `part = final`.
    #[param(example = "rsp_st >= 500 AND NOT ups_st = - AND req_t > 1.5 AND ip in 10.0.0.0/8")]
    filter: Option<String>,
    /// `newest` first, which is the default, or `oldest` first.
    #[param(example = "newest")]
    order: Option<String>,
    /// Records of a page, 1 to 1000; without it, 100.
    #[param(example = 100)]
    limit: Option<u64>,
    /// `next_page_token` of the page before. The filter and the order have to be the same.
    page_token: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogsBody {
    /// The begin of the span that was searched, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00.000Z")]
    from: String,
    /// Its end, not included.
    #[schema(example = "2026-11-20T14:00:00.000Z")]
    to: String,
    /// The records.
    logs: Vec<EntryBody>,
    /// For the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A search that may be run.
#[derive(Debug)]
struct Asked {
    span: Span,
    filter: Option<Filter>,
    order: Order,
    limit: u64,
    behind: Option<Place>,
    /// What a page token is bound to.
    seal: String,
}

/// Searches records by time and filter, newest first.
#[utoipa::path(
    get,
    path = "/v1/logs",
    operation_id = "search_logs",
    tag = "logs",
    params(Search),
    responses((status = 200, description = "One page of records.", body = LogsBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn search_logs(
    Extract(app): Extract<State>,
    caller: Caller,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<LogsBody>, Problem> {
    let scope = caller.read(Resource::Logs)?;
    let Query(search) = search?;
    let asked = Asked::new(&search, &scope, app.now())?;
    let select = asked.select(&scope, caller.role())?;
    let found = app.reader.fetch(&scope, &select).await.map_err(|error| refused(error, &asked))?;
    Ok(Json(asked.body(found, &scope, caller.role())?))
}

/// A bound that was met says what helps here.
fn refused(error: QueryError, asked: &Asked) -> Problem {
    match error {
        QueryError::TooLarge { .. } => {
            let detail = format!(
                "{} records have more than {BYTES_MAX} bytes together: ask for a smaller `limit`",
                asked.limit
            );
            Problem::new(Code::AnswerTooLarge, detail)
        }
        error => error.into(),
    }
}

/// Adds the filter to a query of records, for those whom its fields may tell something.
pub(crate) fn filtered(
    select: Select,
    filter: Option<&Filter>,
    scope: &Scope,
    role: Role,
) -> Result<Select, Problem> {
    let Some(filter) = filter else { return Ok(select) };
    let mut select = select;
    if filter.names(|field| field.backend) {
        if !role.sees_backends() {
            let detail = format!("a token with role `{role}` does not see the backend's side");
            return Err(Problem::new(Code::FieldForbidden, detail));
        }
        if let Some(account) = scope.bound_to() {
            select = select.filter("account = {owner:String}").param("owner", account);
        }
    }
    let (condition, params) = filter::compile(filter);
    let select = select.filter(condition);
    Ok(params.into_iter().fold(select, |select, (name, value)| select.param(name, value)))
}

/// The filter of a parameter; an empty one lets all through.
pub(crate) fn filter_of(text: Option<&str>) -> Result<Option<Filter>, Problem> {
    let text = text.filter(|text| !text.trim().is_empty());
    Ok(text.map(filter::parse).transpose()?)
}

// === impl Asked ===

impl Asked {
    fn new(search: &Search, scope: &Scope, now: Time) -> Result<Self, Problem> {
        let filter = filter_of(search.filter.as_deref())?;
        let order = Order::parse(search.order.as_deref().unwrap_or("newest")).ok_or_else(|| {
            Problem::new(Code::ParameterInvalid, "`order` is `newest` or `oldest`")
        })?;
        let limit = search.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("`limit` is 1 to {PAGE_MAX}, not {limit}");
            return Err(Problem::new(Code::ParameterInvalid, detail));
        }
        let from = span::time("from", search.from.as_deref())?;
        let to = span::time("to", search.to.as_deref())?;
        let seal = page::seal(filter.as_ref(), order, scope);
        let token =
            search.page_token.as_deref().map(|text| Token::read(text, &seal)).transpose()?;
        let (span, behind) = match token {
            Some(token) => {
                let other = |asked: Option<Time>, was| asked.is_some_and(|asked| asked != was);
                if other(from, token.span.from) || other(to, token.span.to) {
                    let detail = "its page is of another `from` or `to`: leave both as they were";
                    return Err(Problem::new(Code::PageTokenInvalid, detail));
                }
                (token.span, Some(token.last))
            }
            None => {
                let to = to.unwrap_or(now);
                let from = from.unwrap_or(Time(to.0.saturating_sub(SPAN_MS)));
                (Span::new(from, to)?, None)
            }
        };
        Ok(Self { span, filter, order, limit, behind, seal })
    }

    fn select(&self, scope: &Scope, role: Role) -> Result<Select, Problem> {
        let rows = self.limit + 1;
        let select = Select::new(Table::Records, StoredRecord::columns())
            .filter("time >= {from:DateTime64(3, 'UTC')}")
            .filter("time < {to:DateTime64(3, 'UTC')}")
            .param("from", self.span.from)
            .param("to", self.span.to)
            .order(self.order.by())
            .limit(rows)
            .limits(Limits { rows, bytes: BYTES_MAX, time: TIME_MAX, threads: 0 });
        let filter = self.filter.as_ref();
        let select = match filter.is_some_and(|filter| filter.names(|field| field.name == "part")) {
            true => select,
            false => select.filter("part = 'final'"),
        };
        let select = filtered(select, filter, scope, role)?;
        Ok(match &self.behind {
            Some(place) => place.behind(select, self.order),
            None => select,
        })
    }

    fn body(
        self,
        found: Vec<StoredRecord>,
        scope: &Scope,
        role: Role,
    ) -> Result<LogsBody, Problem> {
        let more = found.len() as u64 > self.limit;
        let (mut logs, mut last) = (Vec::with_capacity(found.len()), None);
        for stored in found.into_iter().take(usize::try_from(self.limit).unwrap_or(usize::MAX)) {
            let (record, entry) = shown(stored, scope, role)?;
            last = Some(Place::of(&record));
            logs.push(entry);
        }
        let next_page_token = match last {
            Some(last) if more => Some(Token { span: self.span, last }.to_text(&self.seal)?),
            _ => None,
        };
        let (from, to) = (self.span.from.to_rfc3339(), self.span.to.to_rfc3339());
        Ok(LogsBody { from, to, logs, next_page_token })
    }
}

#[cfg(test)]
mod tests;
