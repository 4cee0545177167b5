//! Where the answers of an API come from: a server, or the configuration itself.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use record::Net;
use settings::{Fields, Value};

use super::{nodes, placed, read_apart};
use crate::errors::{Entry, admit as entries};
use crate::route::{Form, HOST_MAX, has_bad_percent, has_dot_segment, normal_host};
use crate::service::{Backend, Host, HttpBackend, Mock, Timeouts};

/// Largest body of a mock in bytes. It stands in the configuration and in memory all the time; a
/// larger one is a file server's work.
const MOCK_BODY_MAX: usize = 64 << 10;
/// Most headers of a mock, below what clients accept.
const MOCK_HEADERS_MAX: usize = 64;
/// The port of `http`, not written in `Host`.
const HTTP_PORT: u16 = 80;

/// Headers that a mock can not have: they frame the message, belong to the connection, or are the
/// gateway's own.
const RESERVED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-api-requestid"),
];

/// Reads `url: …` or `mock: …` with what belongs to it.
/// The variables that may stand in it are those of `form`, the path of its API. Beside it: what the
/// API answers, if a mock is faulty.
pub(super) fn read(
    value: &Value<'_>,
    form: Option<&Form>,
) -> Option<(Backend, Option<&'static Entry>)> {
    let fields = value.fields()?;
    let (url, mock) = (fields.optional("url"), fields.optional("mock"));
    let backend = match (url, mock) {
        (Some(url), None) => read_http(&url, &fields, form).map(|http| (Backend::Http(http), None)),
        (None, Some(mock)) => {
            let (mock, fault) = read_apart(&mock, &entries::MOCK_FAULTY, read_mock);
            // A faulty body may be as large as the configuration.
            let mock = if fault.is_some() { Some(Mock::default()) } else { mock };
            mock.map(|mock| (Backend::Mock(mock), fault))
        }
        (Some(_), Some(_)) => {
            value.mistake("a backend has `url` or `mock`, not both");
            None
        }
        (None, None) => {
            value.mistake("`url` or `mock` is missing");
            None
        }
    };
    fields.close();
    backend
}

fn read_http(url: &Value<'_>, fields: &Fields<'_>, form: Option<&Form>) -> Option<HttpBackend> {
    let nodes = nodes::read(fields);
    let net = fields.optional("net").and_then(|value| read_net(&value));
    let timeouts = fields.optional("timeouts").map_or(Timeouts::DEFAULT, |v| read_timeouts(&v));
    let text: String = url.scalar()?;
    match Target::parse(&text) {
        Ok(Target { host, port, authority, base }) => {
            let placed = form.map(|form| placed::read(fields, url, &base, form));
            let placed = placed.unwrap_or_default();
            Some(HttpBackend { host, port, authority, base, placed, nodes, net, timeouts })
        }
        Err(reason) => {
            url.mistake(format!(
                "`{text}` is not a backend, like `http://host:8080/base`: {reason}"
            ));
            None
        }
    }
}

fn read_net(value: &Value<'_>) -> Option<Net> {
    match value.scalar::<String>()?.as_str() {
        "public" => Some(Net::Public),
        "private" => Some(Net::Private),
        other => {
            value.mistake(format!("`{other}` is not a kind of network; known: public, private"));
            None
        }
    }
}

fn read_timeouts(value: &Value<'_>) -> Timeouts {
    let Some(fields) = value.fields() else { return Timeouts::DEFAULT };
    let get = |key, default| {
        let Some(value) = fields.optional(key) else { return default };
        let Some(time) = value.scalar::<Duration>() else { return default };
        if time.is_zero() || time > Timeouts::MAX {
            value.mistake("a time-out lies above 0 and is at most 30m");
        }
        time
    };
    let timeouts = Timeouts {
        connect: get("connect", Timeouts::DEFAULT.connect),
        head: get("head", Timeouts::DEFAULT.head),
        idle: get("idle", Timeouts::DEFAULT.idle),
        total: get("total", Timeouts::DEFAULT.total),
    };
    fields.close();
    timeouts
}

/// The parts of a backend's URL.
struct Target {
    host: Host,
    port: u16,
    authority: String,
    base: String,
}

impl Target {
    /// Reads `http://host[:port][/base]`; else says what is wrong.
    fn parse(text: &str) -> Result<Self, &'static str> {
        // `Uri` drops a fragment in silence.
        if text.contains(['#', '?']) {
            return Err("query and fragment can not stand in it");
        }
        let uri: Uri = text.parse().map_err(|_| "it is no URL")?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err("only http is supported now"),
            _ => return Err("it begins with http://"),
        }
        let authority = uri.authority().ok_or("the host is missing")?;
        if authority.as_str().contains('@') {
            return Err("credentials can not stand in it");
        }
        let mut buffer = [0; HOST_MAX];
        let name = normal_host(authority.as_str().as_bytes(), &mut buffer)
            .ok_or("its host is no name and no address, or its port no number up to 65535")?;
        let port = authority.port_u16().unwrap_or(HTTP_PORT);
        if port == 0 {
            return Err("port 0 can not be connected to");
        }
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
        let host = address.map_or_else(|_| Host::Name(name.to_owned()), Host::Ip);
        let base = if uri.path() == "/" { "" } else { uri.path() };
        if has_dot_segment(base) || base.contains("//") {
            return Err("its path has an empty, `.` or `..` segment");
        }
        if has_bad_percent(base) {
            return Err("two hexadecimal digits follow a percent sign");
        }
        let authority = if port == HTTP_PORT { name.to_owned() } else { format!("{name}:{port}") };
        Ok(Self { host, port, authority, base: base.to_owned() })
    }
}

fn read_mock(value: &Value<'_>) -> Option<Mock> {
    let fields = value.fields()?;
    let status = fields.optional("status").map_or(Some(StatusCode::OK), |value| {
        let status = value.scalar::<u16>()?;
        let known = (200..=599).contains(&status).then(|| StatusCode::from_u16(status).ok());
        if known.is_none() {
            value.mistake(format!("`{status}` is not the status of an answer: 200 to 599 are"));
        }
        known.flatten()
    });
    let headers = fields.optional("headers").map(|value| read_headers(&value)).unwrap_or_default();
    let body = fields.optional("body").and_then(|value| read_body(&value, status));
    fields.close();
    Some(Mock { status: status?, headers, body: body.unwrap_or_default() })
}

fn read_headers(value: &Value<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let entries = value.entries();
    if entries.len() > MOCK_HEADERS_MAX {
        value
            .mistake(format!("{} headers; at most {MOCK_HEADERS_MAX} are accepted", entries.len()));
    }
    for (name, value) in entries {
        let Some(text) = value.scalar::<String>() else { continue };
        let Ok(name) = name.parse::<HeaderName>() else {
            value.mistake(format!("`{name}` is not the name of a header"));
            continue;
        };
        if RESERVED.contains(&name) {
            value.mistake(format!("the gateway sets `{name}` itself"));
        }
        match HeaderValue::from_str(&text) {
            Err(_) => value.mistake("the value of a header is one line of ASCII"),
            Ok(text) => {
                if headers.insert(name, text).is_some() {
                    value.mistake("the header stands twice");
                }
            }
        }
    }
    headers
}

fn read_body(value: &Value<'_>, status: Option<StatusCode>) -> Option<Bytes> {
    let body: String = value.scalar()?;
    if body.len() > MOCK_BODY_MAX {
        value.mistake(format!(
            "the body has {} bytes; at most {MOCK_BODY_MAX} are accepted",
            body.len()
        ));
    }
    let bare = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
    if let Some(status) = status.filter(|status| bare.contains(status) && !body.is_empty()) {
        value.mistake(format!("an answer with status {} has no body", status.as_u16()));
    }
    Some(body.into())
}
