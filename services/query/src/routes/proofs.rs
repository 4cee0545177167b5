//! `GET /v1/proofs/{hour}`: that an hour's records are all there, and whose figures they make.
//!
//! Who reads for all accounts as operator or auditor gets the hour's proof (PROOF-1) with the SQL
//! that checks it. An account gets the same sums over its own rows of the hour's cut: what its bill
//! was made of, with the hash of those rows. It sees nothing of other accounts' numbers.

pub(crate) mod own;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State as Extract};
use record::{Hour, Time};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::State;
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::roles::Resource;
use crate::routes::Problems;
use crate::routes::hours::{HourState, closing, hour_of, unclosed};
use crate::routes::proofs::own::OwnProof;

/// What proves a closed hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofBody {
    /// The hour's begin, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00Z")]
    hour: String,
    /// When it was closed, RFC 3339.
    #[schema(example = "2026-11-20T14:00:05.000Z")]
    closed_at: String,
    /// No record of the hour is missing or dead.
    complete: bool,
    /// The whole hour's proof, for operators and auditors of all accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<WholeProof>)]
    proof: Option<Box<RawValue>>,
    /// The account's share of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<OwnProof>,
}

/// A whole hour's proof.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeProof {
    /// The hour's begin, RFC 3339.
    hour: String,
    /// `dead` and `missing` are 0 in all streams, and nobody was waited for in vain.
    complete: bool,
    /// Version of the rule of billing.
    rule: u16,
    /// SHA-256 of the cut.
    cut: String,
    /// The columns that the hashes are made of.
    columns: Vec<String>,
    /// ClickHouse's function that hashes a row; `sipHash64` in a proof that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<HashFunction>,
    /// One for each stream of the hour.
    streams: Vec<ProofStream>,
    /// Records of earlier hours, billed as corrections in this one; and records of this hour that
    /// fill holes of earlier ones, billed with it.
    late: Vec<ProofLate>,
    /// Streams and gateways that were waited for in vain.
    silent: Vec<String>,
    /// Requests refused because a spool was full.
    refused: u64,
    /// Requests answered without a record because a spool was full.
    unrecorded: u64,
    /// Use that could not be rated, and waits to be released.
    held: Vec<ProofHeld>,
    /// Recomputes stored, dead and hash of each stream, and of each stream of what came late, and
    /// says whether they agree.
    sql: String,
}

/// One stream's share of an hour: `stored + dead + missing = last - first + 1`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofStream {
    /// Name of the gateway.
    gateway: String,
    /// The life of its process.
    epoch: u64,
    /// The worker.
    worker: u16,
    /// First position.
    first: u64,
    /// Last position.
    last: u64,
    /// Rows stored.
    stored: u64,
    /// Dead letters.
    dead: u64,
    /// Positions that nothing is known of.
    missing: u64,
    /// Hash of the billed columns of the rows, in any order: 16 hex digits.
    hash: String,
}

/// Late records of one hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofLate {
    /// The hour that they belong to, RFC 3339.
    hour: String,
    /// How many.
    records: u64,
    /// One for each stream of theirs: `first` and `last` of those that came, nothing is missing.
    streams: Vec<ProofStream>,
}

/// Use that is held back from an account's bills.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofHeld {
    /// The account.
    account: String,
    /// The hour whose cut froze it, RFC 3339.
    cut: String,
    /// The hour of the use, RFC 3339.
    hour: String,
    /// Why.
    reason: String,
}

/// Of a stored proof, what every reader needs.
#[derive(Debug, Deserialize)]
struct ProofHead {
    complete: bool,
    rule: u16,
    columns: Vec<String>,
    /// The first proofs do not name it.
    #[serde(default)]
    function: HashFunction,
}

/// The hash of one row; those of a stream are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum HashFunction {
    #[default]
    #[serde(rename = "sipHash64")]
    Sip,
    #[serde(rename = "cityHash64")]
    City,
}

// === impl HashFunction ===

impl HashFunction {
    /// Its name in SQL.
    fn name(self) -> &'static str {
        match self {
            Self::Sip => "sipHash64",
            Self::City => "cityHash64",
        }
    }
}

/// Gives the proof of a closed hour, or the caller's share of it.
#[utoipa::path(
    get,
    path = "/v1/proofs/{hour}",
    operation_id = "get_proof",
    tag = "bills",
    params((
        "hour" = String,
        Path,
        description = "In UTC, as `2026-11-20T13` or `2026-11-20T13:00:00Z`.",
    )),
    responses((status = 200, description = "The proof.", body = ProofBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_proof(
    Extract(app): Extract<State>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ProofBody>, Problem> {
    let scope = caller.read(Resource::Proofs)?;
    let hour = hour_of(path)?;
    if scope.bound_to().is_none() && !caller.role().may_read_whole_proofs() {
        let detail = "the proof of all accounts is for operators and auditors; a token bound to an \
                      account reads that account's share";
        return Err(Problem::new(Code::RoleForbidden, detail));
    }
    let Some(closing) = closing(&app, &scope, hour).await? else {
        return Err(not_closed(hour, app.now()));
    };
    let head: ProofHead = serde_json::from_str(&closing.proof).map_err(Problem::internal)?;
    let complete = head.complete;
    let (proof, own) = match scope.bound_to() {
        None => (Some(RawValue::from_string(closing.proof).map_err(Problem::internal)?), None),
        Some(account) => (None, Some(own::compute(&app, &scope, account, hour, head).await?)),
    };
    let (hour, closed_at) = (hour.to_string(), closing.stored_at);
    Ok(Json(ProofBody { hour, closed_at, complete, proof, own }))
}

fn not_closed(hour: Hour, now: Time) -> Problem {
    match unclosed(hour, now) {
        Err(problem) => problem,
        Ok(HourState::Open) => {
            let detail = format!("{hour} still runs; it ends at {}", hour.end());
            Problem::new(Code::HourNotClosed, detail)
        }
        Ok(HourState::Provisional | HourState::Closed) => {
            let detail = format!("{hour} waits for its last records; ask again in some minutes");
            Problem::new(Code::HourNotClosed, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_proof_says_how_far_the_hour_is() {
        let hour: Hour = "2026-11-20T13".parse().expect("an hour");
        let check = |now: &str, code, part: &str| {
            let problem = not_closed(hour, Time::parse_rfc3339(now).expect("a time"));
            assert_eq!(problem.code, code);
            assert!(problem.detail.contains(part), "{}", problem.detail);
        };
        check("2026-11-20T12:59:59Z", Code::HourFuture, "begins after now");
        check("2026-11-20T13:30:00Z", Code::HourNotClosed, "2026-11-20T14:00:00");
        check("2026-11-20T14:01:00Z", Code::HourNotClosed, "waits for its last records");
    }
}
