//! The other dialect's form of each error: code, name, status and message.
//!
//! - Codes are `16SSSNN`: the status, and a number within it. Those of the published table are
//!   verbatim; where it has no row for an error, the form is ours and says so ([`Form::own`]).
//! - Details in a message (`[reason="…"]`) are those that the true state gives.

/// How the `blueking` dialect says an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// `16SSSNN`; also the header `X-Bkapi-Error-Code`. 0 when there is no answer, see
    /// [`super::Entry::form`].
    pub code: u32,
    /// `code_name` of the body.
    pub code_name: &'static str,
    /// Status of the answer; often another than the `tencent` dialect's.
    pub status: u16,
    /// `message` of the body and of `X-Bkapi-Error-Message`; `…` stands for what is filled in.
    pub message: &'static str,
    /// True when the published table has no row for this error.
    pub own: bool,
}

const fn published(code: u32, status: u16, code_name: &'static str, message: &'static str) -> Form {
    Form { code, code_name, status, message, own: false }
}

const fn own(code: u32, status: u16, code_name: &'static str, message: &'static str) -> Form {
    Form { code, code_name, status, message, own: true }
}

// === The published table ===

pub(super) const INVALID_ARGS: Form =
    published(1_640_001, 400, "INVALID_ARGS", r#"Parameters error [reason="…"]"#);
pub(super) const NO_PERMISSION: Form =
    published(1_640_301, 403, "APP_NO_PERMISSION", "App has no permission to the resource");
pub(super) const IP_NOT_ALLOWED: Form =
    published(1_640_302, 403, "IP_NOT_ALLOWED", "Request rejected by ip restriction");
pub(super) const API_NOT_FOUND: Form =
    published(1_640_401, 404, "API_NOT_FOUND", r#"API not found [method="…" path="…"]"#);
pub(super) const BODY_SIZE: Form =
    published(1_641_301, 413, "BODY_SIZE_LIMIT_EXCEED", "Request body size too large.");
pub(super) const URI_SIZE: Form =
    published(1_641_401, 414, "URI_SIZE_LIMIT_EXCEED", "Request uri size too large.");
pub(super) const RATE_LIMIT: Form = published(
    1_642_902,
    429,
    "RATE_LIMIT_RESTRICTION",
    "API rate limit exceeded by stage strategy",
);
pub(super) const RATE_LIMIT_ENVIRONMENT: Form = published(
    1_642_901,
    429,
    "RATE_LIMIT_RESTRICTION",
    "API rate limit exceeded by stage global limit",
);
pub(super) const RATE_LIMIT_API: Form = published(
    1_642_903,
    429,
    "RATE_LIMIT_RESTRICTION",
    "API rate limit exceeded by resource strategy",
);
pub(super) const CONCURRENCY: Form =
    published(1_642_904, 429, "CONCURRENCY_LIMIT_RESTRICTION", "Request concurrency exceeds");
pub(super) const INTERNAL: Form =
    published(1_650_001, 500, "INTERNAL_SERVER_ERROR", "Internal Server Error");
pub(super) const BAD_GATEWAY: Form =
    published(1_650_200, 502, "BAD_GATEWAY", r#"Bad Gateway [upstream_error="…"]"#);
pub(super) const BACKEND_FAILED: Form = published(
    1_650_201,
    502,
    "ERROR_REQUESTING_RESOURCE",
    r#"Request backend service failed [detail="…" err="…" status="…"]"#,
);
pub(super) const UNAVAILABLE: Form =
    published(1_650_300, 503, "SERVICE_UNAVAILABLE", "Service Unavailable");
pub(super) const TIMEOUT: Form = published(
    1_650_401,
    504,
    "REQUEST_BACKEND_TIMEOUT",
    r#"Request backend service timeout [upstream_error="…"]"#,
);
pub(super) const RECURSIVE: Form = published(
    1_650_801,
    508,
    "RECURSIVE_REQUEST_DETECTED",
    "Recursive request detected, please contact the api manager to check the resource configuration",
);

// === Ours ===

/// Of what is not answered at all.
pub(super) const NO_ANSWER: Form = own(0, 0, "", "");

pub(super) const MALFORMED: Form = own(1_640_010, 400, "MALFORMED_REQUEST", "Malformed request");
pub(super) const SUSPENDED: Form =
    own(1_640_310, 403, "SERVICE_SUSPENDED", r#"Service is suspended [reason="…"]"#);
pub(super) const PARAMETER: Form =
    own(1_640_311, 403, "REQUIRED_PARAMETER", r#"Required parameter is missing [name="…"]"#);
pub(super) const ENDPOINT: Form =
    own(1_640_312, 403, "BACKEND_ADDRESS_NOT_ALLOWED", "Backend address is not allowed");
pub(super) const NO_MICROSERVICE: Form =
    own(1_640_402, 404, "MICROSERVICE_NOT_FOUND", "Microservice not found");
/// The published row also stands for a wrong method, but prints the other status.
pub(super) const METHOD: Form = Form { own: true, ..API_NOT_FOUND };
pub(super) const REQUEST_TIMEOUT: Form =
    own(1_640_801, 408, "REQUEST_TIMEOUT", "Request timed out");
pub(super) const PROTOCOL: Form =
    own(1_642_601, 426, "PROTOCOL_NOT_ALLOWED", "Protocol is not allowed");
pub(super) const QUOTA: Form = own(1_642_910, 429, "QUOTA_EXCEEDED", "API quota exceeded");
pub(super) const CROSS_ORIGIN: Form =
    own(1_642_911, 429, "CROSS_ORIGIN_NOT_ALLOWED", "Cross-origin request is not allowed");
pub(super) const HEAD_SIZE: Form =
    own(1_643_101, 431, "HEADER_SIZE_LIMIT_EXCEED", "Request header size too large.");
pub(super) const API_CONFIG: Form =
    own(1_648_101, 481, "API_CONFIG_ERROR", "API configuration error");
pub(super) const CLIENT_CLOSED: Form =
    own(1_649_901, 499, "CLIENT_CLOSED", "Client closed connection");
