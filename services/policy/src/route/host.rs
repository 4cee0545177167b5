//! The host of a request, in the one form that hosts are compared in.

use std::net::Ipv6Addr;

/// Longest host name in bytes (RFC 1035, without the final dot). Also the size of the buffer that
/// a request's host is brought into lower case in.
pub(crate) const HOST_MAX: usize = 253;

/// Longest label of a host name in bytes (RFC 1035).
const LABEL_MAX: usize = 63;

/// `raw` in lower case, without port and final dot, or nothing when it is no host. An IPv6 address
/// keeps its brackets.
pub(crate) fn normal_host<'b>(raw: &[u8], buffer: &'b mut [u8; HOST_MAX]) -> Option<&'b str> {
    let raw = str::from_utf8(raw).ok()?;
    let (name, port) = match raw.strip_prefix('[').and_then(|inner| inner.find(']')) {
        Some(end) => raw.split_at(end + 2),
        None => raw.split_at(raw.find(':').unwrap_or(raw.len())),
    };
    if !is_port(port) {
        return None;
    }
    let name = match name.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(|_| name)?,
        None => {
            let name = name.strip_suffix('.').unwrap_or(name);
            is_name(name).then_some(name)?
        }
    };
    let normal = buffer.get_mut(..name.len())?;
    normal.copy_from_slice(name.as_bytes());
    normal.make_ascii_lowercase();
    str::from_utf8(normal).ok()
}

/// True for nothing, and for a colon with a port number or nothing behind it (RFC 3986).
fn is_port(port: &str) -> bool {
    let Some(digits) = port.strip_prefix(':') else { return port.is_empty() };
    digits.is_empty() || digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok()
}

/// True for labels of letters, digits, `-` and `_`. An IPv4 address is such a name too.
fn is_name(name: &str) -> bool {
    let good = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.len() <= HOST_MAX && name.split('.').all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8], expect: Option<&str>) {
        let mut buffer = [0; HOST_MAX];
        let text = String::from_utf8_lossy(raw).into_owned();
        assert_eq!(normal_host(raw, &mut buffer), expect, "{text}");
    }

    #[test]
    fn names_lose_case_port_and_final_dot() {
        check(b"a.test", Some("a.test"));
        check(b"A.Test:8080", Some("a.test"));
        check(b"a.test.:80", Some("a.test"));
        check(b"a.test:", Some("a.test"));
        check(b"127.0.0.1:1", Some("127.0.0.1"));
        check(b"[::1]", Some("[::1]"));
        check(b"[2001:DB8::1]:443", Some("[2001:db8::1]"));
    }

    #[test]
    fn what_is_no_host_is_nothing() {
        let bad: [&[u8]; 15] = [
            b"",
            b".",
            b"a..test",
            b"-a.test",
            b"a-.test",
            b"a test",
            b"a/b",
            b"http://a",
            b"a:b",
            b"a:65536",
            b"a:1:2",
            b"::1",
            b"[::1",
            b"[a]",
            b"\xff",
        ];
        for raw in bad {
            check(raw, None);
        }
        check("ä.test".as_bytes(), None);
        check(format!("{}.test", "a".repeat(64)).as_bytes(), None);
    }

    #[test]
    fn the_longest_name_fits_and_one_more_does_not() {
        let longest = vec!["a".repeat(49); 5].join(".") + ".ab";
        assert_eq!(longest.len(), 252);
        check(format!("{longest}c").as_bytes(), Some(&format!("{longest}c")));
        check(format!("{longest}cd").as_bytes(), None);
        check(format!("[{}]", ":".repeat(400)).as_bytes(), None);
    }
}
