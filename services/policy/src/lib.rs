//! What is served: services, routes, credentials, limits, errors.
//!
//! Pure: text in, decisions out. Nothing here opens a file, a socket or reads a clock.
//! - [`read`] takes the sections `services:` and `keys:` and gives a [`Policy`], or every mistake
//!   at once. What it gives needs no further check: indices, names and limits hold.
//! - [`Policy::route`] and [`Policy::admit`] are the hot path: they borrow from the policy, their
//!   cost does not depend on how many services or keys there are, and a request that is let
//!   through allocates nothing in them.
//! - Every refusal names an entry of the catalog in [`errors`], the only place where texts that
//!   clients see are written.
//!
//! The way of a request: [`Policy::route`] (host, environment, scheme, path, method) →
//! [`Policy::admit`] (parameters, CORS, credentials, addresses) → the gateway asks
//! [`Match::target`] and [`Match::headers`] what to send to the backend.

mod admit;
mod config;
pub mod errors;
mod hmac;
mod key;
mod nodes;
mod refusal;
mod route;
mod service;
#[cfg(test)]
mod testing;

use std::collections::HashMap;

pub use admit::{AdmitRequest, Admitted, Cors, preflight_method};
pub use config::read;
pub use hmac::authorization_parts;
pub use key::Caller;
pub use nodes::{Health as NodesHealth, Node, Nodes};
pub use refusal::Refusal;
pub use route::{Match, RouteRequest};
pub use service::{
    Api, Auth, Backend, Environment, Host, HttpBackend, Methods, Mock, Scheme, Schemes, Service,
    Suspension, Timeouts,
};

use key::Key;
use route::Door;

/// All that is served, compiled once; requests only read it.
#[derive(Debug)]
pub struct Policy {
    services: Vec<Service>,
    /// Lower-case host name without port and final dot, to where it leads.
    hosts: HashMap<Box<str>, Door>,
    /// By secret id.
    keys: HashMap<Box<str>, Key>,
}

// === impl Policy ===

impl Policy {
    /// All services, in the order of the configuration.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// All that an operator suspends, in the order of the configuration.
    pub fn suspensions(&self) -> impl Iterator<Item = Suspension<'_>> {
        self.services.iter().flat_map(Service::suspensions)
    }

    /// How many APIs are out of service since their settings are faulty.
    pub fn faulty_apis(&self) -> usize {
        let apis = self.services.iter().flat_map(|service| &service.apis);
        apis.filter(|api| api.is_faulty()).count()
    }
}
