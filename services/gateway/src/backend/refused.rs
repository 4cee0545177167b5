//! Addresses that no backend may have, whatever the configuration or a name server says.
//!
//! A gateway stands where its machine's secrets can be asked for: link-local addresses, on which
//! clouds serve the credentials of a machine, are never connected to, nor is the gateway itself. An
//! address is looked at just before it is connected to, so a name can not change in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Where clouds serve metadata outside of the link-local networks.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];

/// What may not be connected to.
#[derive(Debug, Default)]
pub(crate) struct RefusedAddresses {
    /// Where the gateway itself listens.
    own: Vec<SocketAddr>,
}

// === impl RefusedAddresses ===

impl RefusedAddresses {
    pub(crate) fn new(own: Vec<SocketAddr>) -> Self {
        Self { own }
    }

    pub(crate) fn contains(&self, address: SocketAddr) -> bool {
        let ip = plain(address.ip());
        never(ip) || self.own.iter().any(|own| own.port() == address.port() && answers(*own, ip))
    }
}

/// The address that is meant: an IPv4 one may stand within an IPv6 one.
fn plain(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        // 64:ff9b::/96, the way from IPv6 networks to IPv4 (RFC 6052).
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::from([a, b, c, d])
        }
        ip => ip,
    }
}

fn never(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || METADATA_V4.contains(&ip)
        }
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || METADATA_V6.contains(&ip)
        }
    }
}

/// True when the listener takes connections to that address.
fn answers(own: SocketAddr, ip: IpAddr) -> bool {
    own.ip().to_canonical() == ip || (own.ip().is_unspecified() && is_here(ip))
}

/// True for an address of this machine. The system is asked only about the port of a listener.
fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_backend_is_link_local_or_the_gateway_itself() {
        let own = ["127.0.0.1:8080", "0.0.0.0:8090"].map(|text| text.parse().expect("an address"));
        let refused = RefusedAddresses::new(own.to_vec());
        for (address, expected) in [
            ("169.254.169.254:80", true),
            ("169.254.0.1:80", true),
            ("[::ffff:169.254.169.254]:80", true),
            ("[64:ff9b::a9fe:a9fe]:80", true),
            ("[fe80::1]:80", true),
            ("[fd00:ec2::254]:80", true),
            ("100.100.100.200:80", true),
            ("168.63.129.16:80", true),
            ("0.0.0.0:80", true),
            ("[::]:80", true),
            ("255.255.255.255:80", true),
            ("224.0.0.1:80", true),
            ("[ff02::1]:80", true),
            ("127.0.0.1:8080", true),
            ("127.0.0.1:8090", true),
            ("127.0.0.2:8090", true),
            ("127.0.0.2:8080", false),
            ("127.0.0.1:80", false),
            ("10.0.0.1:8090", false),
            ("10.0.0.1:80", false),
            ("169.253.0.1:80", false),
            ("8.8.8.8:80", false),
            ("[2001:db8::1]:80", false),
        ] {
            let address: SocketAddr = address.parse().expect("an address");
            assert_eq!(refused.contains(address), expected, "{address}");
        }
    }
}
