//! Who the client is, when it speaks through proxies that are trusted.
//!
//! `X-Forwarded-For` grows at its end, so it is read from there: each trusted proxy vouches for the
//! address before its own, and the first that is not trusted is the client. What a client itself
//! wrote there is never believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::config::Networks;

/// The addresses that a request came through, the last one at the end.
pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The scheme that the client used.
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address of the client whose request came from `peer` with these headers.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut client = peer;
    if !trusted.contains(peer) {
        return client;
    }
    let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for item in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
        // Behind what can not be read, nothing is vouched for.
        let Some(before) = parse(item) else { return client };
        client = before;
        if !trusted.contains(client) {
            return client;
        }
    }
    client
}

/// True when the proxy that sent these headers says that the client came by TLS. Its word is the
/// last: where it appends, the client's own stands before.
pub(crate) fn came_by_tls(headers: &HeaderMap) -> bool {
    let said = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
    let last = said.and_then(|said| said.as_bytes().rsplit(|byte| *byte == b',').next());
    last.is_some_and(|last| last.trim_ascii().eq_ignore_ascii_case(b"https"))
}

/// An address as proxies write it: with or without port or brackets.
fn parse(item: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(item.trim_ascii()).ok()?;
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_scheme_is_what_the_last_proxy_says() {
        for (said, tls) in [
            (&[][..], false),
            (&["https"], true),
            (&["HTTPS "], true),
            (&["http"], false),
            (&["https", "http"], false),
            (&["http", "https"], true),
            (&["https, http"], false),
            (&["http,https"], true),
            (&["https,"], false),
            (&["https", ""], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append(X_FORWARDED_PROTO, HeaderValue::from_static(value));
            }
            assert_eq!(came_by_tls(&headers), tls, "{said:?}");
        }
    }

    #[test]
    fn the_last_address_that_is_not_trusted_is_the_client() {
        let trusted = ["10.0.0.0/8".parse(), "fd00::/8".parse()].map(|n| n.expect("a network"));
        let trusted = Networks::new(trusted.to_vec());
        for (peer, forwarded, expected) in [
            ("9.9.9.9", &["1.1.1.1"][..], "9.9.9.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["6.6.6.6", "1.1.1.1,10.0.0.3", "10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["6.6.6.6, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["6.6.6.6,"], "10.0.0.1"),
            ("10.0.0.1", &["1.1.1.1:8080"], "1.1.1.1"),
            ("10.0.0.1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["2001:db8::1, fd00::7"], "2001:db8::1"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
            }
            let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
            let found = address(parse(peer), &headers, &trusted);
            assert_eq!(found, parse(expected), "{peer} {forwarded:?}");
        }
    }
}
