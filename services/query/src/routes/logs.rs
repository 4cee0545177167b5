//! `GET /v1/logs/{req_id}`: one record with its verdict, found by its id alone.
//!
//! - One of our ids holds its arrival, which bounds the search: first around it, then wider, since
//!   the record is written at the end of a request that may have run for hours.
//! - Any id is searched as `client_req_id` too, and a foreign one as `req_id`, by an index.
//! - Not found is answered with what is known: it may still arrive, has expired, or is unknown. A
//!   record of others is unknown; the same queries find nothing.

mod missing;

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Extract};
use record::{Net, Record, Time, arrival, normalize_id};
use serde::Serialize;
use serde_json::value::RawValue;
use store::Limits;
use store::records::StoredRecord;
use utoipa::ToSchema;

use crate::app::{Shared, State};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::roles::{Resource, Role};
use crate::routes::Problems;
use crate::scope::{Scope, Select, Table};

/// A gateway's clock may step back by this much within a stream, and a log in whole seconds cuts
/// one off: so much may a record's time lie before its arrival.
const SLACK_MS: i64 = 2_000;

/// Nearly all requests end within this after their arrival: the first and cheapest look.
const NEAR_MS: i64 = 10 * 60 * 1000;

/// The second look; what ran longer is found by the third, which has no end.
const WIDE_MS: i64 = 24 * 3_600 * 1000;

/// Records of one id: one that is final, its interim ones, and what others gave the same id.
const FOUND_MAX: u64 = 20;

/// A lookup reads a few granules; one thread is quicker than the waking of a second.
const LOOKUP: Limits =
    Limits { rows: FOUND_MAX, bytes: 8 << 20, time: Duration::from_secs(15), threads: 1 };

/// A record and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogBody {
    /// The record, as in `schemas/record.schema.json`. A buyer sees it without the backend's side.
    #[schema(value_type = Object)]
    record: Box<RawValue>,
    /// Whether it counts.
    verdict: VerdictBody,
    /// When it was stored, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00.000Z")]
    stored_at: String,
    /// Further records that the id leads to, newest first, by their `req_id`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

/// One record of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryBody {
    /// The record, as in `schemas/record.schema.json`. A buyer sees it without the backend's side.
    #[schema(value_type = Object)]
    record: Box<RawValue>,
    /// Whether it counts.
    pub(crate) verdict: VerdictBody,
    /// When it was stored, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00.000Z")]
    stored_at: String,
}

/// Whether a record counts as a call, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictBody {
    /// It counts.
    pub(crate) billable: bool,
    /// Why, or why not.
    #[schema(example = "backend_answered")]
    pub(crate) reason: &'static str,
    /// Version of the rule.
    pub(crate) rule: u16,
}

/// Finds a record by its request id, or by the id that its client gave it.
#[utoipa::path(
    get,
    path = "/v1/logs/{req_id}",
    operation_id = "get_log",
    tag = "logs",
    params((
        "req_id" = String,
        Path,
        description = "`X-Api-RequestId` of the answer, in any case and with or without hyphens; \
                       or the `X-Request-ID` that the client sent.",
    )),
    responses((status = 200, description = "The record.", body = LogBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_log(
    Extract(app): Extract<State>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<LogBody>, Problem> {
    let scope = caller.read(Resource::Logs)?;
    let found = found(&app, &scope, path).await?;
    match LogBody::new(found, &scope, caller.role())? {
        Some(body) => Ok(Json(body)),
        None => Err(Problem::internal(NoRow)),
    }
}

/// The search answered with rows, and there is none.
#[derive(Debug, thiserror::Error)]
#[error("a search that found something gave no row")]
pub(crate) struct NoRow;

/// What the id of a path leads to, at least one record; else why there is none.
pub(crate) async fn found(
    app: &Shared,
    scope: &Scope,
    path: Result<Path<String>, PathRejection>,
) -> Result<Vec<StoredRecord>, Problem> {
    let Path(text) = path?;
    let id = normalize_id(&text).ok_or_else(|| {
        let detail = "a request id has 1 to 64 bytes and no control characters";
        Problem::new(Code::ParameterInvalid, detail)
    })?;
    let found = find(app, scope, &id).await?;
    if found.is_empty() {
        return Err(missing::explain(app, &id).await?);
    }
    Ok(found)
}

/// The records of the first search that finds any.
async fn find(app: &Shared, scope: &Scope, id: &str) -> Result<Vec<StoredRecord>, Problem> {
    for select in searches(id) {
        let found = app.reader.fetch(scope, &select).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// From the cheapest to the widest.
fn searches(id: &str) -> Vec<Select> {
    let by_id = || lookup("req_id = {id:String}", id);
    let mut searches = match arrival(id) {
        Some(Time(at)) => {
            let (start, near, wide) = (
                at.saturating_sub(SLACK_MS),
                at.saturating_add(NEAR_MS),
                at.saturating_add(WIDE_MS),
            );
            vec![
                until(from(by_id(), start), near),
                until(from(by_id(), near), wide),
                from(by_id(), wide),
                // A clock that was set back while the request was on its way.
                until(from(by_id(), at.saturating_sub(WIDE_MS)), start),
            ]
        }
        None => vec![by_id()],
    };
    searches.push(lookup("client_req_id = {id:String}", id));
    searches
}

fn lookup(condition: &'static str, id: &str) -> Select {
    Select::new(Table::Records, StoredRecord::columns())
        .filter(condition)
        .param("id", id)
        .order("part = 'final' DESC, time DESC")
        .limit(FOUND_MAX)
        .limits(LOOKUP)
}

fn from(select: Select, ms: i64) -> Select {
    select.filter("time >= {from:DateTime64(3, 'UTC')}").param("from", Time(ms))
}

fn until(select: Select, ms: i64) -> Select {
    select.filter("time < {to:DateTime64(3, 'UTC')}").param("to", Time(ms))
}

// === impl LogBody ===

impl LogBody {
    /// Of what was found, the first in full.
    fn new(found: Vec<StoredRecord>, scope: &Scope, role: Role) -> Result<Option<Self>, Problem> {
        let mut found = found.into_iter();
        let Some(first) = found.next() else { return Ok(None) };
        let (first, EntryBody { record, verdict, stored_at }) = shown(first, scope, role)?;
        let mut also = Vec::new();
        for other in found {
            let other = other.into_record().map_err(Problem::internal)?.req_id.into_owned();
            if other != first.req_id && !also.contains(&other) {
                also.push(other);
            }
        }
        Ok(Some(Self { record, verdict, stored_at, also }))
    }
}

/// The record as the caller may see it, and all that is shown of it.
pub(crate) fn shown(
    stored: StoredRecord,
    scope: &Scope,
    role: Role,
) -> Result<(Record<'static>, EntryBody), Problem> {
    let verdict = stored.verdict().map_err(Problem::internal)?;
    let rule = stored.rule();
    let stored_at = stored.stored_at().map_err(Problem::internal)?.to_rfc3339();
    let mut record = stored.into_record().map_err(Problem::internal)?;
    if !sees_backend(&record, scope, role) {
        hide_backend(&mut record);
    }
    let verdict = VerdictBody { billable: verdict.billable, reason: verdict.reason.as_str(), rule };
    let body = EntryBody { record: json(&record)?, verdict, stored_at };
    Ok((record, body))
}

/// Only the account that owns the service, and who reads for all accounts.
fn sees_backend(record: &Record<'_>, scope: &Scope, role: Role) -> bool {
    role.sees_backends() && scope.holds(&record.account)
}

/// What a buyer does not see: where the seller's backend is, and how it fared. `ups_st` stays, since
/// the verdict is made of it.
fn hide_backend(record: &mut Record<'_>) {
    record.upip = "".into();
    record.ups_net = Net::default();
    record.ups_req_len = 0;
    record.ups_rsp_len = 0;
    record.ups_rsp_t = None;
    record.ups_conn_t = None;
    record.ups_head_t = None;
    record.phase = "".into();
}

/// The same form as everywhere else.
fn json(record: &Record<'_>) -> Result<Box<RawValue>, Problem> {
    let mut bytes = Vec::new();
    record::encode(record, &mut bytes);
    serde_json::from_slice(&bytes).map_err(Problem::internal)
}

#[cfg(test)]
mod tests;
