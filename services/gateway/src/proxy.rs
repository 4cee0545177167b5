//! The PROXY protocol, versions 1 and 2: whom a balancer in front speaks for.
//!
//! - A header stands before the first request of a connection, once. It is required where
//!   `gateway.proxy_protocol` says so; a connection without a good one is closed without an answer,
//!   since whoever sends it is no balancer.
//! - Bounded: 107 bytes in version 1, [`V2_MAX`] in version 2.
//! - No IO, no clock, no allocation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use memchr::memchr;

/// How version 1 begins.
const V1: &[u8] = b"PROXY ";
/// The longest header of version 1, with its CR LF.
const V1_MAX: usize = 107;
/// How version 2 begins.
const V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of version 2 before its addresses.
const V2_FIXED: usize = 16;
/// The longest header of version 2: addresses, and what else balancers put into it.
const V2_MAX: usize = 4096;

/// What the first bytes of a connection say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preface {
    /// More is to come.
    Partial,
    /// A header of so many bytes. Without ends the client is not known: the balancer was not told,
    /// or speaks for itself, as in its own checks.
    Whole { bytes: usize, ends: Option<Ends> },
    /// No header, or a bad one.
    Bad,
}

/// Who is connected with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// Reads the header that `bytes` begin with.
pub(crate) fn read(bytes: &[u8]) -> Preface {
    if begins(bytes, V2) {
        return version_2(bytes).unwrap_or(Preface::Bad);
    }
    if begins(bytes, V1) {
        return version_1(bytes).unwrap_or(Preface::Bad);
    }
    Preface::Bad
}

/// True when `bytes` begin like `start`, as far as they go.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let seen = bytes.len().min(start.len());
    bytes[..seen] == start[..seen]
}

fn version_1(bytes: &[u8]) -> Option<Preface> {
    let seen = &bytes[..bytes.len().min(V1_MAX)];
    let Some(end) = memchr(b'\n', seen) else {
        return (bytes.len() < V1_MAX).then_some(Preface::Partial);
    };
    let line = str::from_utf8(seen[..end].strip_suffix(b"\r")?).ok()?;
    let mut words = line.split(' ').skip(1);
    let kind = words.next()?;
    let whole = |ends| Some(Preface::Whole { bytes: end + 1, ends });
    if kind == "UNKNOWN" {
        // Whatever follows is not to be read.
        return whole(None);
    }
    let (from, to) = (address(kind, words.next()?)?, address(kind, words.next()?)?);
    let source = SocketAddr::new(from, port(words.next()?)?);
    let destination = SocketAddr::new(to, port(words.next()?)?);
    if words.next().is_some() {
        return None;
    }
    whole(Some(Ends { source, destination }))
}

fn address(kind: &str, text: &str) -> Option<IpAddr> {
    match kind {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    }
}

/// A port in digits, without zeros before it.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

fn version_2(bytes: &[u8]) -> Option<Preface> {
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED) else {
        return Some(Preface::Partial);
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if V2_FIXED + length > V2_MAX {
        return None;
    }
    let Some(addresses) = rest.get(..length) else { return Some(Preface::Partial) };
    let ends = match (fixed[12], fixed[13]) {
        // The balancer speaks for itself.
        (0x20, _) => None,
        // TCP over IPv4, over IPv6.
        (0x21, 0x11) => Some(pair::<4>(addresses)?),
        (0x21, 0x21) => Some(pair::<16>(addresses)?),
        // Not told; or a Unix socket, which is no address for a record.
        (0x21, 0x00 | 0x31) => None,
        // Datagrams can not have come here, nor other versions.
        _ => return None,
    };
    Some(Preface::Whole { bytes: V2_FIXED + length, ends })
}

/// Two addresses of `N` bytes, then their ports. What follows them is not read.
fn pair<const N: usize>(bytes: &[u8]) -> Option<Ends>
where
    IpAddr: From<[u8; N]>,
{
    let (from, rest) = bytes.split_first_chunk::<N>()?;
    let (to, rest) = rest.split_first_chunk::<N>()?;
    let (from_port, rest) = rest.split_first_chunk::<2>()?;
    let (to_port, _) = rest.split_first_chunk::<2>()?;
    Some(Ends {
        source: SocketAddr::new(IpAddr::from(*from), u16::from_be_bytes(*from_port)),
        destination: SocketAddr::new(IpAddr::from(*to), u16::from_be_bytes(*to_port)),
    })
}

#[cfg(test)]
mod tests;
