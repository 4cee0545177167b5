//! Every error that the API answers with: one closed list, one form (RFC 9457).
//!
//! - A code never changes its meaning or its status. Texts may get better.
//! - What went wrong inside is logged once, with the request id, and is a fixed phrase outside.
//! - A handler makes a [`Problem`]; `layer` gives it its request id and its body.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use store::QueryError;
use utoipa::ToSchema;

use crate::filter::FilterError;

/// The media type of all problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    PathUnknown,
    MethodRefused,
    ParameterInvalid,
    FilterInvalid,
    PageTokenInvalid,
    SpanTooLong,
    FieldForbidden,
    TokenMissing,
    TokenUnknown,
    TokenExpired,
    RoleForbidden,
    AccountForbidden,
    AccountNeeded,
    RecordArriving,
    RecordExpired,
    RecordUnknown,
    ErrorUnknown,
    HourFuture,
    HourUncounted,
    HourNotClosed,
    AnswerTooLarge,
    AnswerTooSlow,
    Busy,
    StoreUnavailable,
    Internal,
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
    /// Where in a text of the client, for [`Code::FilterInvalid`].
    pub(crate) column: Option<usize>,
    /// For the log only.
    pub(crate) cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The body of every error, media type `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// What kind of problem it is: `urn:tollgate:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:tollgate:problem:record_unknown")]
    pub(crate) kind: String,
    /// The kind in a few words, the same each time.
    #[schema(example = "no such record")]
    pub(crate) title: &'static str,
    /// The status of the answer.
    #[schema(example = 404)]
    pub(crate) status: u16,
    /// This very case, and what helps.
    pub(crate) detail: String,
    /// For `filter_invalid`: at which character of the filter, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// The code of the kind; it never changes.
    #[schema(example = "record_unknown")]
    pub(crate) code: &'static str,
    /// The id of this request to the API; it stands in the server's log as well.
    pub(crate) request_id: String,
}

// === impl Code ===

impl Code {
    /// All of them, for tests.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 25] = [
        Self::PathUnknown,
        Self::MethodRefused,
        Self::ParameterInvalid,
        Self::FilterInvalid,
        Self::PageTokenInvalid,
        Self::SpanTooLong,
        Self::FieldForbidden,
        Self::TokenMissing,
        Self::TokenUnknown,
        Self::TokenExpired,
        Self::RoleForbidden,
        Self::AccountForbidden,
        Self::AccountNeeded,
        Self::RecordArriving,
        Self::RecordExpired,
        Self::RecordUnknown,
        Self::ErrorUnknown,
        Self::HourFuture,
        Self::HourUncounted,
        Self::HourNotClosed,
        Self::AnswerTooLarge,
        Self::AnswerTooSlow,
        Self::Busy,
        Self::StoreUnavailable,
        Self::Internal,
    ];

    /// Code, status and title.
    pub(crate) const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::PathUnknown => ("path_unknown", S::NOT_FOUND, "no such path"),
            Self::MethodRefused => {
                ("method_refused", S::METHOD_NOT_ALLOWED, "the path has no such method")
            }
            Self::ParameterInvalid => {
                ("parameter_invalid", S::BAD_REQUEST, "a parameter is not as accepted")
            }
            Self::FilterInvalid => ("filter_invalid", S::BAD_REQUEST, "the filter can not be read"),
            Self::PageTokenInvalid => {
                ("page_token_invalid", S::BAD_REQUEST, "the page token is of another search")
            }
            Self::SpanTooLong => ("span_too_long", S::BAD_REQUEST, "the span of time is too long"),
            Self::FieldForbidden => {
                ("field_forbidden", S::FORBIDDEN, "the token's role may not filter by this field")
            }
            Self::TokenMissing => ("token_missing", S::UNAUTHORIZED, "no bearer token"),
            Self::TokenUnknown => ("token_unknown", S::UNAUTHORIZED, "the token is not known"),
            Self::TokenExpired => ("token_expired", S::UNAUTHORIZED, "the token has expired"),
            Self::RoleForbidden => {
                ("role_forbidden", S::FORBIDDEN, "the token's role may not read this")
            }
            Self::AccountForbidden => {
                ("account_forbidden", S::FORBIDDEN, "the token is bound to another account")
            }
            Self::AccountNeeded => ("account_needed", S::BAD_REQUEST, "too much for one answer"),
            Self::RecordArriving => {
                ("record_arriving", S::NOT_FOUND, "the record may still arrive")
            }
            Self::RecordExpired => ("record_expired", S::NOT_FOUND, "the record has expired"),
            Self::RecordUnknown => ("record_unknown", S::NOT_FOUND, "no such record"),
            Self::ErrorUnknown => ("error_unknown", S::NOT_FOUND, "no such error"),
            Self::HourFuture => ("hour_future", S::NOT_FOUND, "the hour has not begun"),
            Self::HourUncounted => ("hour_uncounted", S::NOT_FOUND, "the hour was never counted"),
            Self::HourNotClosed => ("hour_not_closed", S::NOT_FOUND, "the hour is not closed"),
            Self::AnswerTooLarge => {
                ("answer_too_large", S::UNPROCESSABLE_ENTITY, "the answer is too large")
            }
            Self::AnswerTooSlow => {
                ("answer_too_slow", S::SERVICE_UNAVAILABLE, "the answer takes too long")
            }
            Self::Busy => ("busy", S::SERVICE_UNAVAILABLE, "too many requests at once"),
            Self::StoreUnavailable => {
                ("store_unavailable", S::SERVICE_UNAVAILABLE, "the store does not answer")
            }
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "an error of the server"),
        }
    }
}

// === impl Problem ===

impl Problem {
    /// With what a person should know about this case.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), column: None, cause: None }
    }

    /// Something that is not the client's fault: the cause is for the log.
    pub(crate) fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let detail = "the server's log says more under this request id";
        Self::new(Code::Internal, detail).because(cause)
    }

    pub(crate) fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    pub(crate) fn body(self, request_id: String) -> ProblemBody {
        let (code, status, title) = self.code.row();
        ProblemBody {
            kind: format!("urn:tollgate:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            column: self.column,
            code,
            request_id,
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::Server { .. } | QueryError::Row { .. } => Self::internal(error),
            QueryError::Unreachable { .. } => {
                Self::new(Code::StoreUnavailable, "try again in a moment").because(error)
            }
            QueryError::TooSlow { .. } => {
                let detail = "ask for less, a shorter time for instance, or try again later";
                Self::new(Code::AnswerTooSlow, detail).because(error)
            }
            QueryError::TooLarge { rows, bytes } => {
                let detail = format!(
                    "it has more than {rows} rows or {bytes} bytes: ask for less, a shorter time \
                     or one account for instance"
                );
                Self::new(Code::AnswerTooLarge, detail)
            }
        }
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        let problem = Self::new(Code::FilterInvalid, error.to_string());
        Self { column: Some(error.column), ..problem }
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Code::ParameterInvalid, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Code::ParameterInvalid, rejection.body_text())
    }
}

impl IntoResponse for Problem {
    /// Without body: `layer` makes it, since it knows the request id.
    fn into_response(self) -> Response {
        let mut response = self.code.row().1.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_of_a_kind_and_an_error() {
        let codes: std::collections::BTreeSet<_> =
            Code::ALL.iter().map(|code| code.row().0).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            let (name, status, title) = code.row();
            assert!(status.is_client_error() || status.is_server_error(), "{name}");
            assert!(!title.ends_with('.') && title.starts_with(char::is_lowercase), "{name}");
        }
    }

    #[test]
    fn a_body_has_the_members_of_the_standard() {
        let body = Problem::new(Code::RecordUnknown, "why").body("7".to_owned());
        assert_eq!(
            serde_json::to_value(body).expect("JSON"),
            serde_json::json!({
                "type": "urn:tollgate:problem:record_unknown",
                "title": "no such record",
                "status": 404,
                "detail": "why",
                "code": "record_unknown",
                "request_id": "7",
            })
        );
    }
}
