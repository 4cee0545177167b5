//! The head of a request, as the backend gets it.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::BytesMut;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, COOKIE, EXPECT, HOST, MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use policy::HttpBackend;

use super::trace;
use crate::client::{X_FORWARDED_FOR, X_FORWARDED_PROTO};
use crate::exchange::Exchange;
use crate::receive;
use crate::wire::Wire;

/// On every request to a backend and on every answer.
pub(crate) const X_API_REQUEST_ID: HeaderName = HeaderName::from_static("x-api-requestid");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Bytes that most heads have room in.
const HEAD_ABOUT: usize = 1024;

/// Headers that belong to one connection (RFC 9110, 7.6.1). `Trailer` is not among them: trailers
/// are passed on.
const HOP_BY_HOP: [HeaderName; 6] =
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];

/// Headers that `Connection` can not take away: they say where the message ends and whom it is
/// for.
const KEPT: [HeaderName; 2] = [CONTENT_LENGTH, HOST];

/// Headers that a backend believes because the gateway sets them, or ends the message by.
const OWN: [HeaderName; 8] = [
    CONTENT_LENGTH,
    HOST,
    TRANSFER_ENCODING,
    X_API_REQUEST_ID,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    X_REAL_IP,
];

/// Headers that say how a message is read, who sends it, or what may be done with it: they mean
/// nothing behind it (RFC 9110, 6.5.1).
const HEAD_ONLY: [HeaderName; 9] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    MAX_FORWARDS,
    SET_COOKIE,
    TRAILER,
];

/// What the backend gets for a client's head.
pub(super) fn to_backend(
    wire: &Wire,
    exchange: &Exchange,
    backend: &HttpBackend,
    mut head: Parts,
) -> Parts {
    let host = receive::named(&head);
    let headers = &mut head.headers;
    drop_hop_by_hop(headers);
    drop_look_alikes(headers);
    headers.remove(EXPECT);
    forwarded_host(wire, headers, host);
    let peer = wire.peer();
    let values = &wire.worker.values;
    // At once, since each step of growing would move all of them.
    headers.reserve(OWN.len());
    let ip = values.header(|out| address(out, peer));
    let forwarded = if headers.contains_key(X_FORWARDED_FOR) {
        values.header(|out| {
            for earlier in headers.get_all(X_FORWARDED_FOR) {
                out.extend_from_slice(earlier.as_bytes());
                out.extend_from_slice(b", ");
            }
            address(out, peer);
        })
    } else {
        ip.clone()
    };
    put(headers, X_FORWARDED_FOR, forwarded);
    let (tls, client) = {
        let facts = exchange.facts.borrow();
        (facts.tls, facts.client)
    };
    let scheme = if tls { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    match client {
        None => drop(headers.remove(X_REAL_IP)),
        Some(client) if client == peer => put(headers, X_REAL_IP, ip),
        Some(client) => put(headers, X_REAL_IP, values.header(|out| address(out, client))),
    }
    trace::set(exchange, values, headers);
    put(headers, X_API_REQUEST_ID, values.copy(exchange.id.as_str().as_bytes()));
    put(headers, HOST, values.copy(backend.authority.as_bytes()));
    head
}

/// A head as it is sent: the line of the request, the headers, and the empty line.
pub(super) fn write(out: &mut BytesMut, method: &Method, uri: &Uri, headers: &HeaderMap) {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    out.reserve(HEAD_ABOUT);
    for part in [method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    write_headers(headers, out);
}

/// Headers, or trailers, and the empty line behind them.
pub(crate) fn write_headers(headers: &HeaderMap, out: &mut BytesMut) {
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// The host that was called: what a trusted proxy says of it, or else the request itself.
fn forwarded_host(wire: &Wire, headers: &mut HeaderMap, host: Option<HeaderValue>) {
    if headers.contains_key(&X_FORWARDED_HOST) && wire.is_trusted_proxy() {
        return;
    }
    headers.remove(X_FORWARDED_HOST);
    if let Some(host) = host {
        headers.insert(X_FORWARDED_HOST, host);
    }
}

/// Takes out what belongs to the connection that the message came on.
pub(crate) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .filter(|name| !KEPT.contains(name))
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Takes out of trailers what a backend would believe of a head.
pub(super) fn clean_trailers(trailers: &mut HeaderMap) {
    drop_hop_by_hop(trailers);
    drop_look_alikes(trailers);
    for name in OWN.iter().chain(&HEAD_ONLY) {
        trailers.remove(name);
    }
}

/// Takes out what a backend could take for a header of the gateway: many read `_` as `-`.
fn drop_look_alikes(headers: &mut HeaderMap) {
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_') && OWN.iter().any(|own| alike(name, own)))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
}

fn alike(name: &HeaderName, own: &HeaderName) -> bool {
    let dashed = name.as_str().bytes().map(|byte| if byte == b'_' { b'-' } else { byte });
    name.as_str().len() == own.as_str().len() && dashed.eq(own.as_str().bytes())
}

/// Leaves one length in a backend's answer: that of its body. False: the body has a coding that is
/// not undone here.
pub(super) fn settle_length(headers: &mut HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let known = codings.next().is_none() && coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        // The chunks say where the body ends, whatever the length says (RFC 9112, 6.3).
        headers.remove(CONTENT_LENGTH);
        return known;
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let listed = |value: &HeaderValue| value.as_bytes().contains(&b',');
    if lengths.next().is_none_or(|first| lengths.next().is_none() && !listed(first)) {
        return true;
    }
    match repeated(headers) {
        Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
        None => drop(headers.remove(CONTENT_LENGTH)),
    }
    true
}

/// The length that stands there more than once, if it is always the same.
fn repeated(headers: &HeaderMap) -> Option<u64> {
    let values = headers.get_all(CONTENT_LENGTH).iter();
    let mut lengths = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let length = |text: &[u8]| str::from_utf8(text.trim_ascii()).ok()?.parse::<u64>().ok();
    let first = length(lengths.next()?)?;
    lengths.all(|next| length(next) == Some(first)).then_some(first)
}

/// Each value is made of header values and of digits, so it is one.
fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// Appends an address as backends get it.
fn address(out: &mut BytesMut, address: IpAddr) {
    write!(out, "{}", address.to_canonical()).expect("the buffer grows");
}
