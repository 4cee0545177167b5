//! The request line: method, target, version.

use http::uri::{Authority, PathAndQuery};
use memchr::{memchr, memrchr};
use policy::errors::framing;

use super::Refused;
use super::head::is_token;

/// Longest method, bytes. The longest registered one has 17.
pub(super) const METHOD_MAX: usize = 32;

/// What the headers are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'h> {
    /// The host of an absolute target.
    pub(super) authority: Option<&'h [u8]>,
    pub(super) http_10: bool,
}

/// Checks a request line, without its end.
pub(super) fn check(line: &[u8], uri_max: usize) -> Result<Target<'_>, Refused> {
    let first = memchr(b' ', line).ok_or(&framing::MALFORMED)?;
    let last = memrchr(b' ', line).filter(|last| *last > first).ok_or(&framing::MALFORMED)?;
    let (method, target, version) = (&line[..first], &line[first + 1..last], &line[last + 1..]);
    if target.len() > uri_max {
        return Err(&framing::URI_TOO_LONG);
    }
    let http_10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return Err(&framing::MALFORMED),
    };
    let known =
        (1..=METHOD_MAX).contains(&method.len()) && method.iter().all(|byte| is_token(*byte));
    if !known {
        return Err(&framing::MALFORMED);
    }
    let authority = authority(method, target).ok_or(&framing::MALFORMED)?;
    Ok(Target { authority, http_10 })
}

/// The authority of an absolute target, if it is one. Nothing at all: no valid target.
fn authority<'h>(method: &[u8], target: &'h [u8]) -> Option<Option<&'h [u8]>> {
    if method == b"CONNECT" {
        return Authority::try_from(target).is_ok().then_some(Some(target));
    }
    match target {
        b"*" => (method == b"OPTIONS").then_some(None),
        [b'/', ..] => is_path(target).then_some(None),
        _ => {
            let rest = strip_scheme(target)?;
            let end =
                rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let good = Authority::try_from(authority)
                .is_ok_and(|found| !found.as_str().contains('@'))
                && (path.is_empty() || is_path(path));
            good.then_some(Some(authority))
        }
    }
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = target.split_at_checked("http://".len())?;
    if scheme.eq_ignore_ascii_case(b"http://") {
        return Some(rest);
    }
    let (scheme, rest) = target.split_at_checked("https://".len())?;
    scheme.eq_ignore_ascii_case(b"https://").then_some(rest)
}

/// A path with its query. What RFC 3986 allows passes at once; for the rest the parser that hyper
/// uses is asked, but for a fragment, which it would cut off in silence.
fn is_path(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%".contains(byte);
    if bytes.iter().all(plain) {
        return true;
    }
    !bytes.contains(&b'#') && PathAndQuery::try_from(bytes).is_ok()
}
