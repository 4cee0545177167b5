//! A backend's answer, from its bytes.
//!
//! - [`take_head`] and [`Rest`] cut pieces off the front of what came, and copy none of it. They do
//!   no IO and read no clock.
//! - What a backend may say is taken as widely as hyper's client takes it: a complete answer passes,
//!   however odd (FAULT-1). Tests give both the same bytes and compare (`tests/fuzz`).

mod chunks;
mod rest;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, response};
use httparse::{Header, Status};
use hyper::ext::ReasonPhrase;

pub(crate) use rest::Rest;

/// So many headers are parsed without an allocation.
const HEADERS_MOST: usize = 100;
/// Bytes of an early head; a longer one is not passed on.
const EARLY_MAX: usize = 8192;
/// hyper keeps the two numbers above it for what has no length.
const LENGTH_MAX: u64 = u64::MAX - 2;

/// What came is no answer, or a larger one than may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no answer")]
pub(crate) struct Malformed;

/// How large an answer's head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerLimits {
    /// Bytes of the head.
    pub(crate) head: usize,
    /// Number of headers, and of trailers.
    pub(crate) headers: usize,
}

/// What an answer begins with.
pub(crate) enum Begun {
    /// `100 Continue`, `103 Early Hints` and their like, as a client may hear them. Empty when it
    /// may not.
    Early(Vec<u8>),
    /// The head of the answer itself.
    Answer(Final),
}

/// The head of an answer, and what it says of what follows.
pub(crate) struct Final {
    pub(crate) head: response::Parts,
    pub(crate) rest: Rest,
    /// The connection may serve another request.
    pub(crate) keep_alive: bool,
}

/// Cuts a head off `input`, if it is there whole. `method` is the request's; `room` an empty map
/// whose memory the answer's headers take.
///
/// # Errors
/// What came is no head, or too large a one.
pub(crate) fn take_head(
    input: &mut Bytes,
    method: &Method,
    limits: AnswerLimits,
    room: &mut HeaderMap,
) -> Result<Option<Begun>, Malformed> {
    let whole = input.clone();
    let mut few = [const { MaybeUninit::uninit() }; HEADERS_MOST];
    let mut many = Vec::new();
    let headers = match few.get_mut(..limits.headers) {
        Some(few) => few,
        None => {
            many.resize_with(limits.headers, MaybeUninit::uninit);
            &mut many[..]
        }
    };
    let mut parsed = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let status = parser.parse_response_with_uninit_headers(&mut parsed, &whole, headers);
    let length = match status.map_err(|_| Malformed)? {
        Status::Partial if whole.len() >= limits.head => return Err(Malformed),
        Status::Partial => return Ok(None),
        Status::Complete(length) if length > limits.head => return Err(Malformed),
        Status::Complete(length) => length,
    };
    let code = parsed.code.ok_or(Malformed)?;
    let status = StatusCode::from_u16(code).map_err(|_| Malformed)?;
    let reason = parsed.reason.unwrap_or_default();
    input.advance(length);
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Some(Begun::Early(early(status, reason, parsed.headers))));
    }
    let headers = collect(&whole, parsed.headers, std::mem::take(room))?;
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    head.headers = headers;
    if status.canonical_reason() != Some(reason) {
        let reason = ReasonPhrase::try_from(reason.as_bytes()).map_err(|_| Malformed)?;
        head.extensions.insert(reason);
    }
    let old = parsed.version == Some(0);
    let rest = rest(&head, method, old, limits)?;
    let keep_alive = status != StatusCode::SWITCHING_PROTOCOLS && keeps_alive(&head.headers, old);
    Ok(Some(Begun::Answer(Final { head, rest, keep_alive })))
}

/// The headers, their values cut out of `whole`.
fn collect(
    whole: &Bytes,
    parsed: &[Header<'_>],
    mut headers: HeaderMap,
) -> Result<HeaderMap, Malformed> {
    headers.reserve(parsed.len());
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| Malformed)?;
        let value = whole.slice_ref(header.value);
        headers.append(name, HeaderValue::from_maybe_shared(value).map_err(|_| Malformed)?);
    }
    Ok(headers)
}

/// Where the answer ends (RFC 9112, 6.3).
fn rest(
    head: &response::Parts,
    method: &Method,
    old: bool,
    limits: AnswerLimits,
) -> Result<Rest, Malformed> {
    let bodiless = matches!(
        head.status,
        StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    if bodiless || *method == Method::HEAD {
        return Ok(Rest::Done);
    }
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(last) = codings.next_back() {
        let coding = last.to_str().ok().and_then(|list| list.rsplit(',').next());
        return match coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked")) {
            _ if old => Err(Malformed),
            true => Ok(Rest::chunked(limits)),
            false => Ok(Rest::UntilClose),
        };
    }
    let lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let mut lengths = lengths.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let Some(first) = lengths.next() else { return Ok(Rest::UntilClose) };
    let first = length(first)?;
    for other in lengths {
        if length(other)? != first {
            return Err(Malformed);
        }
    }
    Ok(if first == 0 { Rest::Done } else { Rest::Known(first) })
}

fn length(text: &[u8]) -> Result<u64, Malformed> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Malformed);
    }
    let add = |sum: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    let length = text.iter().try_fold(0, add).ok_or(Malformed)?;
    if length > LENGTH_MAX { Err(Malformed) } else { Ok(length) }
}

/// Whether the backend keeps the connection. One `close` is not undone by a `keep-alive`.
fn keeps_alive(headers: &HeaderMap, old: bool) -> bool {
    let says = |what: &str| {
        let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|token| token.trim().eq_ignore_ascii_case(what))
    };
    !says("close") && (!old || says("keep-alive"))
}

/// An early head as the client gets it: without what belongs to the backend's connection. Empty for
/// `100 Continue`, which the gateway says itself.
fn early(status: StatusCode, reason: &str, headers: &[Header<'_>]) -> Vec<u8> {
    if status == StatusCode::CONTINUE {
        return Vec::new();
    }
    let own = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for header in headers {
        if own.iter().all(|own| !header.name.eq_ignore_ascii_case(own.as_str())) {
            text.extend_from_slice(header.name.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(header.value);
            text.extend_from_slice(b"\r\n");
        }
    }
    text.extend_from_slice(b"\r\n");
    if text.len() > EARLY_MAX { Vec::new() } else { text }
}
