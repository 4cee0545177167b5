//! `GET /v1/logs/{req_id}/explain`: one record in words, for somebody who asks what happened.
//!
//! - All of it stands in the record, the catalog and the bill; nothing is guessed. What the caller
//!   does not see of the record ([`shown`]) is not in the words either.
//! - The spans of time add up to the whole: what the backend did not use was the gateway's, and the
//!   way to and from the client.

mod billed;
mod words;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Extract};
use policy::errors;
use record::{Millis, Reason, Record, Time, arrival};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::State;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::roles::Resource;
use crate::routes::Problems;
use crate::routes::errors::ErrorBody;
use crate::routes::language::Language;
use crate::routes::logs::{NoRow, VerdictBody, found, shown};
use billed::Billed;

/// What happened to a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplainBody {
    /// The request.
    req_id: String,
    /// `en` or `zh`: the language of the words.
    #[schema(example = "en")]
    language: &'static str,
    /// When it arrived, RFC 3339.
    arrived_at: String,
    /// When its record was written, which decides the hour of billing; RFC 3339.
    recorded_at: String,
    /// What happened, in a sentence.
    summary: String,
    /// Where the time went, in order; the last is the whole.
    phases: Vec<PhaseBody>,
    /// Whose failure it was.
    fault: FaultBody,
    /// The entry of the catalog that the gateway answered with, if it made the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    /// Whether it counts.
    verdict: VerdictBody,
    /// Why it counts or not, in words.
    reason: &'static str,
    /// What of it stands in which bill.
    bill: Billed,
}

/// A span of a request's time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PhaseBody {
    /// `connecting`, `waiting` and `receiving` with the backend, `unanswered` if it sent no head,
    /// `gateway` for the rest, `total`.
    #[schema(example = "waiting")]
    phase: &'static str,
    /// How long, seconds with 3 decimals.
    #[schema(example = "0.041")]
    seconds: String,
    /// What it is, in words.
    words: &'static str,
}

/// Whose failure it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultBody {
    /// `none`, `client`, `gateway` or `backend`.
    #[schema(example = "backend")]
    whose: &'static str,
    /// In words, with the phase in which it happened.
    words: String,
}

/// Says in words what happened to a request, whose fault it was, and what it cost.
#[utoipa::path(
    get,
    path = "/v1/logs/{req_id}/explain",
    operation_id = "explain_log",
    tag = "logs",
    params(
        ("req_id" = String, Path, description = "As for the record itself."),
        (
            "Accept-Language" = Option<String>,
            Header,
            description = "`zh` for Chinese; English otherwise.",
        ),
    ),
    responses((status = 200, description = "In words.", body = ExplainBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn explain_log(
    Extract(app): Extract<State>,
    caller: Caller,
    language: Language,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ExplainBody>, Problem> {
    let scope = caller.read(Resource::Logs)?;
    let role = caller.role();
    let stored = found(&app, &scope, path).await?.into_iter().next();
    let stored = stored.ok_or_else(|| Problem::internal(NoRow))?;
    let (record, entry) = shown(stored, &scope, role)?;
    let verdict = entry.verdict;
    let bill = billed::find(&app, &scope, role, &record, &verdict, language).await?;
    Ok(Json(ExplainBody::new(&record, verdict, bill, language)))
}

// === impl ExplainBody ===

impl ExplainBody {
    fn new(record: &Record<'_>, verdict: VerdictBody, bill: Billed, language: Language) -> Self {
        let arrived = arrival(&record.req_id)
            .unwrap_or(Time(record.time.0.saturating_sub_unsigned(record.req_t.0)));
        let error = errors::of_text(record.rsp_st, &record.err_msg);
        let reason =
            Reason::parse(verdict.reason).map_or("", |reason| words::reason(reason, language));
        Self {
            req_id: record.req_id.clone().into_owned(),
            language: language.as_str(),
            arrived_at: arrived.to_rfc3339(),
            recorded_at: record.time.to_rfc3339(),
            summary: words::summary(record, language),
            phases: phases(record, language),
            fault: FaultBody {
                whose: record.fault.as_str(),
                words: words::fault(record, language),
            },
            error: error.map(|found| ErrorBody::of_case(&found, language)),
            verdict,
            reason,
            bill,
        }
    }
}

/// Connecting, waiting, receiving, the rest, and the whole.
fn phases(record: &Record<'_>, language: Language) -> Vec<PhaseBody> {
    let mut phases = Vec::new();
    let mut add = |phase, ms: Option<u64>| {
        if let Some(ms) = ms {
            let seconds = Millis(ms).to_string();
            phases.push(PhaseBody { phase, seconds, words: words::phase(phase, language) });
        }
    };
    let ms = |time: Option<Millis>| time.map(|Millis(ms)| ms);
    let (connected, head, all) =
        (ms(record.ups_conn_t), ms(record.ups_head_t), ms(record.ups_rsp_t));
    // Each is counted from the begin of the try, so the span is what lies between two.
    let since = |later: Option<u64>, earlier: Option<u64>| {
        later.map(|later| later.saturating_sub(earlier.unwrap_or(0)))
    };
    add("connecting", connected);
    match head {
        Some(_) => {
            add("waiting", since(head, connected));
            add("receiving", since(all, head));
        }
        None => add("unanswered", since(all, connected)),
    }
    add("gateway", Some(record.req_t.0.saturating_sub(all.unwrap_or(0))));
    add("total", Some(record.req_t.0));
    phases
}

#[cfg(test)]
mod tests;
