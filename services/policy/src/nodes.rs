//! Weighted nodes of one backend: several servers that answer the same.

use std::time::Duration;

use crate::service::Host;

/// The nodes of a backend, and when one is left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Nodes {
    /// From 1 to [`Nodes::MAX`], one of them with a weight above 0.
    pub list: Vec<Node>,
    /// When a node is left out.
    pub health: Health,
}

/// One server.
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// Address or name.
    pub host: Host,
    /// Never 0.
    pub port: u16,
    /// Its share of the requests, at most [`Nodes::WEIGHT_MAX`]; 0 for none.
    pub weight: u32,
}

/// When a node that fails is left out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Tries that fail one after the other until the node is left out; never 0.
    pub failures: u32,
    /// How long it is left out before it is tried again, with one request.
    pub recovery: Duration,
}

// === impl Nodes ===

impl Nodes {
    /// Most nodes of one backend: the provider's limit.
    pub const MAX: usize = 200;
    /// Greatest weight: the provider's limit.
    pub const WEIGHT_MAX: u32 = 100;
}

// === impl Health ===

impl Health {
    /// Most failures in a row that may be configured; with more, a dead node is hardly left out.
    pub const FAILURES_MAX: u32 = 1000;
    /// Longest recovery. A node that is away for longer is taken out of the list.
    pub const RECOVERY_MAX: Duration = Duration::from_secs(3600);

    /// `failures` 3: one lost connection is no dead node. `recovery` 10 s: as nginx.
    pub const DEFAULT: Self = Self { failures: 3, recovery: Duration::from_secs(10) };
}
