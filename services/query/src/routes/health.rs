//! `GET /healthz`, `GET /readyz`: for whoever starts, watches and sends traffic here. No token.

use std::time::Duration;

use axum::Json;
use axum::extract::State as Extract;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::app::State;
use crate::problem::{Code, Problem, ProblemBody};

/// A store that does not say a word within it is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// `ok`
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "get_health",
    tag = "health",
    responses((status = 200, description = "It lives.", body = HealthBody)),
)]
pub(crate) async fn get_health() -> Json<HealthBody> {
    Json(HealthBody { status: "ok" })
}

/// The process can answer: its store does.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "health",
    responses(
        (status = 200, description = "It can answer.", body = HealthBody),
        (
            status = 503,
            description = "The store does not answer.",
            body = ProblemBody,
            content_type = "application/problem+json",
        ),
    ),
)]
pub(crate) async fn get_readiness(
    Extract(app): Extract<State>,
) -> Result<Json<HealthBody>, Problem> {
    // Not logged: it is asked every few seconds, and who asks is told.
    match timeout(PATIENCE, app.reader.ping()).await {
        Ok(Ok(())) => Ok(Json(HealthBody { status: "ok" })),
        Ok(Err(_)) => Err(Problem::new(Code::StoreUnavailable, "the store refuses or is away")),
        Err(_) => Err(Problem::new(Code::StoreUnavailable, "the store does not answer in time")),
    }
}
