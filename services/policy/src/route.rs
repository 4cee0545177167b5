//! Which API answers a request: host → path form → method form → environment → scheme → path →
//! method.
//!
//! - The order of these checks is the order of the refusals: the first one that fails answers.
//! - Paths are compared and forwarded as received, percent signs and all. So a path that means
//!   another one after decoding (`.` and `..` segments), or that can not be decoded, is refused,
//!   not repaired. Encoded slashes, `;` and empty segments are bytes like others.
//! - The cost of a request: one look-up by host name, and one walk along its path (see
//!   [`Table`]). No allocation unless it is refused.

mod beginning;
mod door;
mod expressions;
mod form;
mod host;
mod pattern;
mod raw;
mod table;
mod target;
mod trie;

use crate::Policy;
use crate::errors::{Entry, routing};
use crate::refusal::Refusal;
use crate::service::{Api, Environment, Methods, Scheme, Service};

use door::Asked;
pub(crate) use door::{Door, Mapping};
pub(crate) use form::Form;
pub(crate) use host::{HOST_MAX, normal_host};
pub(crate) use raw::{has_bad_percent, has_dot_segment};
pub(crate) use table::Table;
pub(crate) use target::{Placed, Template, encode};

/// What routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct RouteRequest<'r> {
    /// The `Host` header, or the authority of an absolute request target.
    pub host: Option<&'r [u8]>,
    /// What the request came by.
    pub scheme: Scheme,
    /// The path as received, without query.
    pub path: &'r str,
    /// The method as received; of a preflight, the one that it asks for.
    pub method: &'r str,
}

/// What answers a request.
#[derive(Debug, Clone, Copy)]
pub struct Match<'p> {
    /// The service; its account is billed.
    pub service: &'p Service,
    /// The environment that was asked for.
    pub environment: Environment,
    /// The API.
    pub api: &'p Api,
    entry: &'p table::Entry,
    /// Where the path begins that APIs are compared with, in bytes.
    pub(crate) uri_at: usize,
    rest: Rest,
}

/// What of the request's path goes to the backend.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// Nothing but the values of variables.
    None,
    /// What lies behind the prefix that matched, from this byte on. It may lie one byte beyond the
    /// end: `/release` is answered by the API with the path `/`.
    From(usize),
}

// === impl Policy ===

impl Policy {
    /// Finds what answers `request`.
    ///
    /// # Errors
    /// The refusal, which says how far the request was matched.
    pub fn route(&self, request: &RouteRequest<'_>) -> Result<Match<'_>, Refusal<'_>> {
        let mut buffer = [0; HOST_MAX];
        let Some(raw) = request.host.filter(|host| !host.is_empty()) else {
            return Err(Refusal::new(&routing::HOST_MISSING, &[]));
        };
        let Some(host) = normal_host(raw, &mut buffer) else {
            return Err(Refusal::new(&routing::HOST_INVALID, &[]));
        };
        let Some(door) = self.hosts.get(host) else {
            return Err(Refusal::new(&routing::HOST_UNKNOWN, &[("$host", host)]));
        };
        self.services[door.service].route(host, &door.mapping, request)
    }
}

// === impl Service ===

impl Service {
    /// The rest of the way, once `host` led to this service.
    fn route(
        &self,
        host: &str,
        mapping: &Mapping,
        request: &RouteRequest<'_>,
    ) -> Result<Match<'_>, Refusal<'_>> {
        let refuse = |entry: &'static Entry, values: &[(&str, &str)]| {
            Err(Refusal::new(entry, values).at_service(self))
        };
        if has_bad_percent(request.path) {
            return refuse(&routing::PATH_BAD_PERCENT, &[]);
        }
        if has_dot_segment(request.path) {
            return refuse(&routing::PATH_DOT_SEGMENT, &[]);
        }
        let Some(method) = Methods::of(request.method) else {
            return refuse(&routing::METHOD_UNKNOWN, &[]);
        };
        let (environment, below) = self.environment_of(mapping, request.path)?;
        // The environment is no part of the uri that the texts name: the seed's example shows an
        // uri without it.
        let uri = if below.is_empty() { "/" } else { below };

        let refuse = |entry: &'static Entry, values: &[(&str, &str)]| {
            Err(Refusal::new(entry, values).at_service(self).at_environment(environment))
        };
        if let Some(entry) = self.schemes.refusal(request.scheme) {
            return refuse(entry, &[]);
        }
        let Some(table) = self.table(environment) else {
            let unknown = Refusal::new(&routing::URI_UNKNOWN, &[("$uri", uri), ("$host", host)]);
            return Err(unknown.at_service(self));
        };
        if table.is_empty() {
            return refuse(&routing::NO_API, &[]);
        }
        let Some(found) = table.find(uri) else {
            return refuse(&routing::URI_UNKNOWN, &[("$uri", uri), ("$host", host)]);
        };
        let Some(place) = found.entry.place_of(method) else {
            return refuse(&routing::METHOD_NOT_ALLOWED, &[]);
        };
        let uri_at = request.path.len() - below.len();
        let rest = found.prefix.map_or(Rest::None, |prefix| Rest::From(uri_at + prefix));
        let (api, entry) = (&self.apis[place], found.entry);
        let found = Match { service: self, environment, api, entry, uri_at, rest };
        if found.makes_dot_segment(request.path) {
            return refuse(&routing::PATH_DOT_SEGMENT, &[]);
        }
        Ok(found)
    }

    /// The environment that `path` asks for, and what lies below.
    fn environment_of<'r>(
        &self,
        mapping: &Mapping,
        path: &'r str,
    ) -> Result<(Environment, &'r str), Refusal<'_>> {
        let Asked { environment, below } = mapping.split(path);
        let entry = match mapping {
            Mapping::Default => &routing::ENVIRONMENT_UNKNOWN,
            Mapping::Named | Mapping::Paths(_) => &routing::MAPPING_UNKNOWN,
        };
        let refuse = |said| Refusal::new(entry, &[("$env_mapping", said)]).at_service(self);
        Ok((environment.map_err(refuse)?, below))
    }

    /// The APIs that are published in `environment`.
    fn table(&self, environment: Environment) -> Option<&Table> {
        self.tables.get(self.published[environment as usize]?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
