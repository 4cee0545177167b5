//! The section `gateway:` of the configuration, as plain data.
//!
//! Each field says its key, its unit, its default and why the default is what it is.

mod read;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use ipnet::IpNet;
use record::{InstanceType, Net};

pub use read::read;

/// The section `gateway:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `name`: stands in every record and names the spool; at most 128 bytes. Required.
    pub name: String,
    /// `region`: prices depend on it. Required.
    pub region: String,
    /// `instance`: name of the gateway's instance. Default: the name.
    pub instance: String,
    /// `instance_type`: `shared` or `dedicated`; prices depend on it. Default: `shared`.
    pub instance_type: InstanceType,
    /// `listen`: address and port. Default: `127.0.0.1:8080`, so that nothing is open to the
    /// world by accident.
    pub listen: SocketAddr,
    /// `metrics`: address of health and metrics, when the gateway is a service of its own. Default:
    /// `127.0.0.1:9091`.
    pub metrics: SocketAddr,
    /// `workers`: threads, each with its own connections and its own stream. Default: one per
    /// core.
    pub workers: NonZeroU16,
    /// `operator_account`: who pays for requests that match no service. Required.
    pub operator_account: String,
    /// `proxy_protocol`: whether connections begin with the header of a balancer, `off` or
    /// `required`. Default: `off`. Where it is required, only the balancer may reach `listen`:
    /// whoever does can say to be anybody.
    pub proxy_protocol: ProxyProtocol,
    /// `trusted_proxies`: networks whose `X-Forwarded-For`, `-Proto` and `-Host` are believed.
    /// Default: none.
    pub trusted_proxies: Networks,
    /// `private_networks`: clients and backends in these are reached privately. Default: RFC 1918,
    /// RFC 4193 and loopback.
    pub private_networks: Networks,
    /// `limits`: how much of anything.
    pub limits: Limits,
    /// `timeouts`: how long the gateway waits for a client.
    pub timeouts: Timeouts,
    /// `record`: how records are made.
    pub record: RecordConfig,
}

/// `limits`: how much of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `connections`: of clients, per worker. Above it 64 more are answered 503 and closed; what
    /// comes then waits in the kernel's queue.
    /// Default 8192: about 400 MiB of buffers when all are busy.
    pub connections: u32,
    /// `head`: bytes of the head of a request or of a backend's answer. Default 64KiB, above the 32 KiB of common servers, so
    /// that a backend is the one to say that a cookie is too large.
    pub head: usize,
    /// `uri`: bytes of path and query. Default 16KiB; at most 64KiB - 2, what hyper takes.
    pub uri: usize,
    /// `headers`: of one request or answer. Default 100, as hyper and nginx's neighbours.
    pub headers: usize,
    /// `body`: bytes of a request's body. Default 40MB, the provider's published limit.
    pub body: u64,
    /// `buffer`: bytes kept per connection and direction while the other side is slow. Default
    /// 64KiB: smaller costs system calls, larger memory.
    pub buffer: usize,
    /// `backend_connections`: to one address, per worker. At the limit: 503. Default 1024.
    pub backend_connections: usize,
    /// `backend_idle`: of those kept open without a request. Default 64.
    pub backend_idle: usize,
}

/// `timeouts`: how long the gateway waits for a client. Backends have theirs with each API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    /// `head`: from the first byte of a head to its last. Default 10s: 408.
    pub head: Duration,
    /// `body`: between two pieces of a request's body. Default 60s, as nginx: 408.
    pub body: Duration,
    /// `write`: for a client that takes no byte. Default 60s, as nginx: closed.
    pub write: Duration,
    /// `idle`: between two requests of a connection. Default 75s, as nginx: closed.
    pub idle: Duration,
    /// `backend_idle`: for a connection to a backend without a request. Default 50s, below the 60
    /// s after which common servers close, so that it is mostly the gateway who closes.
    pub backend_idle: Duration,
    /// `linger`: how long a client may go on sending what will not be read, before a close would
    /// destroy the answer that is on its way. Default 2s.
    pub linger: Duration,
}

/// `record`: how records are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordConfig {
    /// `max`: greatest size in bytes; long texts are cut and say so. Default 16KiB, far below a
    /// broker's message limit.
    pub max: u32,
    /// `heartbeat`: how often an idle stream says that it lives. Default 5s: how long a closed
    /// hour waits for a silent worker.
    pub heartbeat: Duration,
    /// `interim`: how often a long exchange writes down its bytes so far. Default 5m.
    pub interim: Duration,
}

/// `proxy_protocol`: whether connections begin with the header of a balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// They begin with a request.
    #[default]
    Off,
    /// They begin with a header of version 1 or 2; others are closed.
    Required,
}

/// A set of networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            head: 64 << 10,
            uri: 16 << 10,
            headers: 100,
            body: 40_000_000,
            buffer: 64 << 10,
            backend_connections: 1024,
            backend_idle: 64,
        }
    }
}

// === impl Timeouts ===

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(60),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            backend_idle: Duration::from_secs(50),
            linger: Duration::from_secs(2),
        }
    }
}

// === impl RecordConfig ===

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            max: 16 << 10,
            heartbeat: Duration::from_secs(5),
            interim: Duration::from_secs(5 * 60),
        }
    }
}

// === impl Networks ===

impl Networks {
    /// The set of these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// No network at all.
    pub const NONE: Self = Self(Vec::new());

    /// True when an address is in one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// How an address is reached.
    pub fn class(&self, address: IpAddr) -> Net {
        if self.contains(address) { Net::Private } else { Net::Public }
    }
}

impl Default for Networks {
    fn default() -> Self {
        let private =
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"];
        Self(private.iter().filter_map(|network| network.parse().ok()).collect())
    }
}

#[cfg(test)]
mod tests;
