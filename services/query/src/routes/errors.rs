//! `GET /v1/errors`, `/v1/errors/{code}`: the catalog of what the gateway answers by itself.
//!
//! It is the same data that the gateway answers from (`policy::errors`), and belongs to no account.

use std::borrow::Cow;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use policy::errors::{self, Entry, Form, Found};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::routes::Problems;
use crate::routes::language::Language;

/// The catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorsBody {
    /// `en` or `zh`: the language of cause and remedy.
    #[schema(example = "en")]
    language: &'static str,
    /// All entries, by status.
    errors: Vec<ErrorBody>,
}

/// One error that the gateway answers with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// Its name; it never changes.
    #[schema(example = "uri-not-found")]
    pub(crate) code: &'static str,
    /// Status of the answer; absent when the connection ends before there can be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 404)]
    pub(crate) status: Option<u16>,
    /// `err_msg` of the record, with placeholders; without an answer, what the client's own library
    /// says.
    pub(crate) text: &'static str,
    /// What the client reads, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<&'static str>,
    /// Whose failure it is, unless the state of the connections says otherwise.
    #[schema(example = "client")]
    pub(crate) fault: &'static str,
    /// The provider's tables have no such row.
    pub(crate) own: bool,
    /// Seconds after which coming again may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_s: Option<u32>,
    /// Why it happened.
    #[schema(value_type = String)]
    pub(crate) cause: Cow<'static, str>,
    /// What to do about it.
    #[schema(value_type = String)]
    pub(crate) remedy: Cow<'static, str>,
    /// What does not exist yet, so that no request gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "oauth")]
    pub(crate) later: Option<&'static str>,
    /// The same error in the other dialect; absent where there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blueking: Option<FormBody>,
}

/// How the `blueking` dialect says an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FormBody {
    /// `16SSSNN`, as in the body and in `X-Bkapi-Error-Code`.
    #[schema(example = 1640401)]
    pub(crate) code: u32,
    /// Its name.
    #[schema(example = "API_NOT_FOUND")]
    pub(crate) code_name: &'static str,
    /// Status of the answer.
    #[schema(example = 404)]
    pub(crate) status: u16,
    /// The message; `…` stands for what is filled in.
    pub(crate) message: &'static str,
    /// The dialect's table has no such row.
    pub(crate) own: bool,
}

/// Lists what the gateway answers by itself, with causes and remedies.
#[utoipa::path(
    get,
    path = "/v1/errors",
    operation_id = "list_errors",
    tag = "errors",
    params((
        "Accept-Language" = Option<String>,
        Header,
        description = "`zh` for Chinese; English otherwise.",
    )),
    responses((status = 200, description = "The catalog.", body = ErrorsBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn list_errors(_: Caller, language: Language) -> Json<ErrorsBody> {
    let errors = errors::catalog().map(|entry| ErrorBody::new(entry, language)).collect();
    Json(ErrorsBody { language: language.as_str(), errors })
}

/// Gives one error of the catalog.
#[utoipa::path(
    get,
    path = "/v1/errors/{code}",
    operation_id = "get_error",
    tag = "errors",
    params(
        ("code" = String, Path, description = "Its name, as the list gives it."),
        (
            "Accept-Language" = Option<String>,
            Header,
            description = "`zh` for Chinese; English otherwise.",
        ),
    ),
    responses((status = 200, description = "The error.", body = ErrorBody), Problems),
    security(("token" = [])),
)]
pub(crate) async fn get_error(
    _: Caller,
    language: Language,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ErrorBody>, Problem> {
    let Path(code) = path?;
    let entry = errors::by_id(&code)
        .ok_or_else(|| Problem::new(Code::ErrorUnknown, "`/v1/errors` lists all of them"))?;
    Ok(Json(ErrorBody::new(entry, language)))
}

// === impl FormBody ===

impl FormBody {
    fn new(form: Form) -> Self {
        let Form { code, code_name, status, message, own } = form;
        Self { code, code_name, status, message, own }
    }
}

// === impl ErrorBody ===

impl ErrorBody {
    pub(crate) fn new(entry: &'static Entry, language: Language) -> Self {
        Self {
            code: entry.id,
            status: entry.answer(),
            text: entry.text,
            shown: entry.shown,
            fault: entry.fault.as_str(),
            own: entry.own,
            retry_after_s: entry.retry_after_s,
            cause: language.of(&entry.cause).into(),
            remedy: language.of(&entry.remedy).into(),
            later: entry.state.missing(),
            blueking: entry.form().map(FormBody::new),
        }
    }

    /// Of one answer: cause and remedy name its host, path and the like.
    pub(crate) fn of_case(found: &Found<'_>, language: Language) -> Self {
        let entry = found.entry;
        Self {
            cause: found.words(language.of(&entry.cause)),
            remedy: found.words(language.of(&entry.remedy)),
            ..Self::new(entry, language)
        }
    }
}
