//! The handlers: one file each, with its parameters, its answer and its SQL.

pub(crate) mod bills;
pub(crate) mod errors;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod hours;
pub(crate) mod language;
pub(crate) mod logs;
pub(crate) mod orders;
pub(crate) mod proofs;
pub(crate) mod search;
pub(crate) mod span;
pub(crate) mod usage;

use utoipa::IntoResponses;

use crate::problem::ProblemBody;

/// The errors that a reading route can answer with, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum Problems {
    /// A parameter is not as accepted.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(ProblemBody),
    /// No token, or none that is valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemBody),
    /// The token's role or account may not read this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
    /// It is not there; the code says why.
    #[response(status = 404, content_type = "application/problem+json")]
    Missing(ProblemBody),
    /// The answer is too large: ask for less.
    #[response(status = 422, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// An error of the server; its log has the request id.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemBody),
    /// Too busy, or the store does not answer: try again after `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemBody),
}
