//! Where the next try goes: an address of the backend's name, or one of its nodes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use policy::errors::{Entry, forward as entries};
use policy::{Host, HttpBackend, Nodes};
use record::Net;

use crate::worker::Worker;

/// Where a try goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    /// Its place in the list, if it is a node.
    node: Option<usize>,
}

/// The places of one request's backend.
pub(super) struct Targets<'c> {
    worker: &'c Worker,
    net: Option<Net>,
    places: Places<'c>,
}

enum Places<'c> {
    Addresses { list: Vec<SocketAddr>, next: usize },
    Nodes { nodes: &'c Arc<Nodes>, tried: Vec<usize>, last: Option<Target> },
}

// === impl Targets ===

impl<'c> Targets<'c> {
    /// # Errors
    /// The backend is nowhere, or where none may be.
    pub(super) fn new(worker: &'c Worker, backend: &'c HttpBackend) -> Result<Self, Unreachable> {
        let net = backend.net;
        let places = match &backend.nodes {
            Some(nodes) => Places::Nodes { nodes, tried: Vec::new(), last: None },
            None => {
                let list = addresses(worker, &backend.host, backend.port, net)?;
                Places::Addresses { list, next: 0 }
            }
        };
        Ok(Self { worker, net, places })
    }

    /// The next place. When all were tried, the last one again, or the first.
    pub(super) fn next(&mut self) -> Result<Target, Unreachable> {
        let (nodes, tried, last) = match &mut self.places {
            Places::Addresses { list, next } => {
                let address = list[*next % list.len()];
                *next += 1;
                return Ok(Target { address, node: None });
            }
            Places::Nodes { nodes, tried, last } => (nodes, tried, last),
        };
        let mut unreachable = Unreachable(&entries::BALANCER);
        let now = Instant::now();
        while let Some(index) = self.worker.balancer.next(nodes, tried, now) {
            tried.push(index);
            let node = &nodes.list[index];
            match addresses(self.worker, &node.host, node.port, self.net) {
                Ok(found) => {
                    let target = Target { address: found[0], node: Some(index) };
                    *last = Some(target);
                    return Ok(target);
                }
                Err(reason) => {
                    self.worker.balancer.note(nodes, index, false, now);
                    unreachable = reason;
                }
            }
        }
        last.ok_or(unreachable)
    }

    /// True when there is a place that was not tried.
    pub(super) fn others(&self) -> bool {
        match &self.places {
            Places::Addresses { list, next } => *next < list.len(),
            Places::Nodes { nodes, tried, .. } => {
                let mut nodes = nodes.list.iter().enumerate();
                nodes.any(|(index, node)| node.weight > 0 && !tried.contains(&index))
            }
        }
    }

    /// True when there is another server that was not tried, not only another way to the same.
    pub(super) fn other_nodes(&self) -> bool {
        matches!(self.places, Places::Nodes { .. }) && self.others()
    }

    /// What came of a try.
    pub(super) fn note(&self, target: Target, well: bool) {
        if let (Places::Nodes { nodes, .. }, Some(node)) = (&self.places, target.node) {
            self.worker.balancer.note(nodes, node, well, Instant::now());
        }
    }
}

/// Why there is no place: the entry that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unreachable(pub(super) &'static Entry);

/// Where a host is, but for addresses that no backend may have. At least one.
fn addresses(
    worker: &Worker,
    host: &Host,
    port: u16,
    net: Option<Net>,
) -> Result<Vec<SocketAddr>, Unreachable> {
    let mut addresses = worker.names.borrow().addresses(host, port);
    if addresses.is_empty() {
        return Err(Unreachable(&entries::BALANCER));
    }
    let named = matches!(host, Host::Name(_));
    // What is said to be public does not lead into the networks behind the gateway.
    let outside = named && net == Some(Net::Public);
    addresses.retain(|address| {
        let inside = outside && worker.config.private_networks.contains(address.ip());
        !inside && !worker.refused_addresses.contains(*address)
    });
    match (addresses.is_empty(), named) {
        (false, _) => Ok(addresses),
        (true, true) => Err(Unreachable(&entries::ENDPOINT_REFUSED)),
        (true, false) => Err(Unreachable(&entries::INTERNAL)),
    }
}
