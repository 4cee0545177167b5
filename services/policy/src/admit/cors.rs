//! Requests of pages that another origin served (the Fetch standard's CORS).
//!
//! Another origin is one whose scheme, host or port differ from the request's own. A preflight is
//! an `OPTIONS` from there that says for which method it asks.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};

/// The headers that the provider lets pages send and read, unless an API says otherwise.
const HEADERS: &str = "X-Api-ID, X-Service-RateLimit, X-UsagePlan-RateLimit, X-UsagePlan-Quota, \
    Cache-Control, Connection, Content-Disposition, Date, Keep-Alive, Pragma, Via, Accept, \
    Accept-Charset, Accept-Encoding, Accept-Language, Authorization, Cookie, Expect, From, Host, \
    If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, Origin, \
    Referer, User-Agent, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Accept-Range, Age, \
    Content-Range, Content-Security-Policy, ETag, Expires, Last-Modified, Location, Server, \
    Set-Cookie, Trailer, Transfer-Encoding, Vary, Allow, Content-Encoding, Content-Language, \
    Content-Length, Content-Location, Content-Type";

/// What pages of other origins may do with an API.
#[derive(Debug)]
pub struct Cors {
    /// Origins that may; empty for all.
    pub(crate) origins: Vec<String>,
    pub(crate) methods: HeaderValue,
    /// Headers that they may send.
    pub(crate) allow_headers: HeaderValue,
    /// Headers of the answer that they may read.
    pub(crate) expose_headers: HeaderValue,
    pub(crate) credentials: bool,
    /// How long a preflight's answer holds, seconds.
    pub(crate) max_age: u32,
}

// === impl Cors ===

impl Default for Cors {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            methods: HeaderValue::from_static("GET, POST, PUT, DELETE, HEAD, OPTIONS, PATCH"),
            allow_headers: HeaderValue::from_static(HEADERS),
            expose_headers: HeaderValue::from_static(HEADERS),
            credentials: true,
            max_age: 86_400,
        }
    }
}

impl Cors {
    /// The headers of the answer to a preflight from `origin`.
    pub fn preflight(&self, origin: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.put_origin(origin, &mut headers) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allow_headers.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.expose_headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
        }
        headers
    }

    /// Puts into the headers of an answer to a page of `origin` what the browser asks for before a page may read it. A
    /// backend's own are replaced: two of them are read as none.
    pub fn answer(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        if origin.is_some() && self.put_origin(origin, answer) {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.expose_headers.clone());
        }
    }

    /// False when the origin is none of those that may.
    fn put_origin(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) -> bool {
        answer.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        answer.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        if self.origins.is_empty() {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            // What it says depends on who asks.
            answer.append(VARY, HeaderValue::from_static("Origin"));
            let known = |origin: &&HeaderValue| {
                self.origins
                    .iter()
                    .any(|one| origin.as_bytes().eq_ignore_ascii_case(one.as_bytes()))
            };
            let Some(origin) = origin.filter(known) else { return false };
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }
}

/// The method that a preflight asks for, if the request is one.
pub fn preflight_method<'r>(
    method: &str,
    scheme: &str,
    host: Option<&[u8]>,
    headers: &'r HeaderMap,
) -> Option<&'r str> {
    if method != "OPTIONS" {
        return None;
    }
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    is_cross_origin(scheme, host, headers).then(|| asked.to_str().ok()).flatten()
}

/// Whether the request comes from a page of another origin.
pub(super) fn is_cross_origin(scheme: &str, host: Option<&[u8]>, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let rest = origin.as_bytes().strip_prefix(scheme.as_bytes());
    let Some(theirs) = rest.and_then(|rest| rest.strip_prefix(b"://")) else { return true };
    let port: &[u8] = if scheme == "https" { b":443" } else { b":80" };
    let bare = |host| <[u8]>::strip_suffix(host, port).unwrap_or(host);
    !host.is_some_and(|ours| bare(ours).eq_ignore_ascii_case(bare(theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a header value");
        rows.iter()
            .map(|&(name, text)| (http::HeaderName::from_static(name), value(text)))
            .collect()
    }

    #[test]
    fn another_origin_differs_in_scheme_host_or_port() {
        let rows = [
            ("http", "a.test", "http://a.test", false),
            ("http", "A.test:80", "http://a.test", false),
            ("http", "a.test", "http://a.test:80", false),
            ("https", "a.test:443", "https://a.test", false),
            ("http", "a.test:8080", "http://a.test:8080", false),
            ("http", "a.test:8080", "http://a.test", true),
            ("http", "a.test", "https://a.test", true),
            ("https", "a.test", "http://a.test", true),
            ("http", "a.test", "http://b.test", true),
            ("http", "a.test", "http://x.a.test", true),
            ("http", "a.test:443", "http://a.test", true),
            ("http", "a.test", "null", true),
            ("http", "a.test", "", true),
        ];
        for (scheme, host, origin, expect) in rows {
            let headers = headers(&[("origin", origin)]);
            let crosses = is_cross_origin(scheme, Some(host.as_bytes()), &headers);
            assert_eq!(crosses, expect, "{scheme} {host} {origin}");
        }
        assert!(!is_cross_origin("http", Some(b"a.test"), &HeaderMap::new()));
    }

    #[test]
    fn a_preflight_is_an_options_from_elsewhere_that_asks_for_a_method() {
        let asks =
            headers(&[("origin", "http://b.test"), ("access-control-request-method", "PUT")]);
        let host = Some(&b"a.test"[..]);
        assert_eq!(preflight_method("OPTIONS", "http", host, &asks), Some("PUT"));
        assert_eq!(preflight_method("GET", "http", host, &asks), None);
        assert_eq!(preflight_method("OPTIONS", "http", Some(b"b.test"), &asks), None);
        let plain = headers(&[("origin", "http://b.test")]);
        assert_eq!(preflight_method("OPTIONS", "http", host, &plain), None);
    }

    /// Values as the provider prints them.
    #[test]
    fn defaults_are_those_of_the_provider() {
        let answer = Cors::default().preflight(Some(&HeaderValue::from_static("http://b.test")));
        let get = |name: &str| answer.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(get("access-control-allow-origin"), Some("*"));
        assert_eq!(
            get("access-control-allow-methods"),
            Some("GET, POST, PUT, DELETE, HEAD, OPTIONS, PATCH")
        );
        assert_eq!(get("access-control-allow-credentials"), Some("true"));
        assert_eq!(get("access-control-max-age"), Some("86400"));
        let allowed = get("access-control-allow-headers");
        assert_eq!(allowed, get("access-control-expose-headers"));
        let allowed: Vec<&str> = allowed.expect("a list").split(", ").collect();
        assert_eq!((allowed.len(), allowed[0], allowed[50]), (51, "X-Api-ID", "Content-Type"));
    }

    #[test]
    fn listed_origins_are_named_and_others_get_nothing() {
        let cors = Cors {
            origins: vec!["https://shop.test".to_owned()],
            credentials: false,
            ..Cors::default()
        };
        let mut answer = headers(&[("access-control-allow-origin", "*")]);
        cors.answer(Some(&HeaderValue::from_static("https://shop.test")), &mut answer);
        assert_eq!(answer["access-control-allow-origin"], "https://shop.test");
        assert_eq!(answer["vary"], "Origin");
        assert!(!answer.contains_key("access-control-allow-credentials"));
        let mut answer = headers(&[("access-control-allow-origin", "*")]);
        cors.answer(Some(&HeaderValue::from_static("https://other.test")), &mut answer);
        assert!(!answer.contains_key("access-control-allow-origin"));
        assert!(cors.preflight(Some(&HeaderValue::from_static("null"))).len() == 1, "only Vary");
        let mut answer = HeaderMap::new();
        cors.answer(None, &mut answer);
        assert!(answer.is_empty(), "a request that no page made");
    }
}
