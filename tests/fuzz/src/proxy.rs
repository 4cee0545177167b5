//! Headers of the PROXY protocol: an accepted one, written anew in both versions, names the same.

use std::net::{IpAddr, SocketAddr};

use gateway::fuzz::{Header, preface};

/// The longest header of version 1, and of version 2, bytes.
const V1_MAX: usize = 107;
const V2_MAX: usize = 4096;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header is within its bound, and a request behind it changes nothing.
pub fn proxy(bytes: &[u8]) -> bool {
    let Some(header) = preface(bytes) else { return false };
    let max = if bytes.starts_with(SIGNATURE) { V2_MAX } else { V1_MAX };
    assert!(header.bytes <= max.min(bytes.len()), "{} bytes are read", header.bytes);
    let (own, _) = bytes.split_at(header.bytes);
    assert_eq!(preface(&[own, b"GET / HTTP/1.1\r\n\r\n"].concat()), Some(header));
    if let Some((source, destination)) = header.ends {
        assert_eq!(source.is_ipv4(), destination.is_ipv4(), "two families");
        for again in [version_1(source, destination), version_2(source, destination)] {
            let expected = Header { bytes: again.len(), ends: header.ends };
            assert_eq!(preface(&again), Some(expected), "{again:?}");
        }
    }
    true
}

fn version_1(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let family = if source.is_ipv4() { 4 } else { 6 };
    let (from, to) = (source.ip(), destination.ip());
    let (from_port, to_port) = (source.port(), destination.port());
    format!("PROXY TCP{family} {from} {to} {from_port} {to_port}\r\n").into_bytes()
}

fn version_2(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let mut addresses = Vec::new();
    for ip in [source.ip(), destination.ip()] {
        match ip {
            IpAddr::V4(ip) => addresses.extend(ip.octets()),
            IpAddr::V6(ip) => addresses.extend(ip.octets()),
        }
    }
    addresses.extend(source.port().to_be_bytes());
    addresses.extend(destination.port().to_be_bytes());
    let family = if source.is_ipv4() { 0x11 } else { 0x21 };
    let length = u16::try_from(addresses.len()).expect("at most 36 bytes");
    [SIGNATURE, &[0x21, family], &length.to_be_bytes(), &addresses].concat()
}
