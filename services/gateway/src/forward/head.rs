//! The head of a request, as the backend gets it.

use http::header::{CONNECTION, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use policy::HttpBackend;

use crate::exchange::Exchange;
use crate::wire::Wire;

/// On every request to a backend and on every answer.
pub(crate) const X_API_REQUEST_ID: HeaderName = HeaderName::from_static("x-api-requestid");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Headers that belong to one connection (RFC 9110, 7.6.1). `Trailer` is not among them: trailers
/// are passed on.
const HOP_BY_HOP: [HeaderName; 6] =
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];

/// Headers that `Connection` can not take away: they say where the message ends and whom it is
/// for.
const KEPT: [HeaderName; 2] = [http::header::CONTENT_LENGTH, HOST];

/// What the backend gets for a client's head.
pub(super) fn to_backend(
    wire: &Wire,
    exchange: &Exchange,
    backend: &HttpBackend,
    mut head: Parts,
) -> Parts {
    let headers = &mut head.headers;
    drop_hop_by_hop(headers);
    headers.remove(EXPECT);
    if let Some(host) = headers.remove(HOST) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    let ip = wire.peer.ip().to_canonical().to_string();
    let mut forwarded: Vec<u8> = Vec::new();
    for earlier in headers.get_all(X_FORWARDED_FOR) {
        forwarded.extend_from_slice(earlier.as_bytes());
        forwarded.extend_from_slice(b", ");
    }
    forwarded.extend_from_slice(ip.as_bytes());
    put(headers, X_FORWARDED_FOR, &forwarded);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    put(headers, X_REAL_IP, ip.as_bytes());
    put(headers, X_API_REQUEST_ID, exchange.id.as_str().as_bytes());
    put(headers, HOST, backend.authority.as_bytes());
    head.version = Version::HTTP_11;
    head
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

fn put(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    // Each value is made of header values and of digits, so it is one.
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}
