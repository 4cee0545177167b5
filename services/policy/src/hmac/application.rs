//! What an application signs: more than the listed headers, so that neither method nor address
//! can be changed on the way.
//!
//! ```text
//! x-date: Mon, 19 Mar 2018 12:08:40 GMT     each listed header, sorted by name
//! GET                                       method
//! application/json                          Accept
//!                                           Content-Type
//!                                           Content-MD5
//! /forecast?city=1&day=2                    path without environment, parameters sorted by name
//! ```
//!
//! One newline between lines, none at the end; a header that was not sent is an empty line.
//! Parameters stand as they were sent, percent signs and all; one without value stands without
//! `=`. The fields of a form are not part of it: `Content-MD5` says what a body is.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};

use crate::admit::AdmitRequest;
use crate::route::Match;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// What is signed.
pub(super) fn signing_string(
    names: &str,
    matched: &Match<'_>,
    request: &AdmitRequest<'_>,
) -> Vec<u8> {
    let headers = request.headers;
    let mut names: Vec<String> =
        names.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    names.sort_unstable();
    let mut string = Vec::new();
    for name in &names {
        string.extend_from_slice(name.as_bytes());
        string.extend_from_slice(b": ");
        string.extend_from_slice(value(headers, name));
        string.push(b'\n');
    }
    let lines = [
        request.method.as_bytes(),
        get(headers, ACCEPT),
        get(headers, CONTENT_TYPE),
        get(headers, CONTENT_MD5),
    ];
    for line in lines {
        string.extend_from_slice(line);
        string.push(b'\n');
    }
    string.extend_from_slice(matched.uri(request.path).as_bytes());
    push_parameters(&mut string, request.query.unwrap_or_default());
    string
}

/// The same as a client can read it: in one line, with `#` for each newline.
pub(super) fn shown(string: &[u8]) -> String {
    String::from_utf8_lossy(string).replace('\n', "#")
}

fn push_parameters(string: &mut Vec<u8>, query: &str) {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(&str, &str)> =
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    // Stable: of one name, the order that was sent.
    pairs.sort_by_key(|(name, _)| *name);
    for (number, (name, value)) in pairs.into_iter().enumerate() {
        string.push(if number == 0 { b'?' } else { b'&' });
        string.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            string.push(b'=');
            string.extend_from_slice(value.as_bytes());
        }
    }
}

fn get(headers: &HeaderMap, name: HeaderName) -> &[u8] {
    headers.get(name).map_or(b"", |value| value.as_bytes())
}

fn value<'h>(headers: &'h HeaderMap, name: &str) -> &'h [u8] {
    headers.get(name).map_or(b"", |value| value.as_bytes())
}
