//! Which API answers a request: host → path form → method form → environment → path → method.
//!
//! - The order of these checks is the order of the refusals: the first one that fails answers.
//! - Paths are compared and forwarded as received, percent signs and all. So a path that means
//!   another one after decoding (`.` and `..` segments) is refused, not repaired.
//! - The cost of a request: one look-up by host name, one binary search among the paths of one
//!   service. No allocation unless it is refused.
//!
//! Further classes of paths (exact, `^~`, variables) belong into [`Paths::find`], before the
//! plain prefixes.

mod host;
mod path;

use crate::Policy;
use crate::errors::{Entry, routing};
use crate::refusal::Refusal;
use crate::service::{Api, Backend, Environment, Methods, Service};

pub(crate) use host::{HOST_MAX, normal_host};
pub(crate) use path::{Paths, has_dot_segment};

/// What routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct RouteRequest<'r> {
    /// The `Host` header, or the authority of an absolute request target.
    pub host: Option<&'r [u8]>,
    /// The path as received, without query.
    pub path: &'r str,
    /// The method as received.
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
    /// Where the part of the path begins that goes to the backend, in bytes. It may lie one byte
    /// beyond the end: `/release` is answered by the API with the path `/`.
    cut: usize,
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
        let Some(&index) = self.hosts.get(host) else {
            return Err(Refusal::new(&routing::HOST_UNKNOWN, &[("$host", host)]));
        };
        self.services[index].route(host, request)
    }
}

// === impl Service ===

impl Service {
    /// The rest of the way, once `host` led to this service.
    fn route(&self, host: &str, request: &RouteRequest<'_>) -> Result<Match<'_>, Refusal<'_>> {
        let refuse = |entry: &'static Entry, values: &[(&str, &str)]| {
            Err(Refusal::new(entry, values).at_service(self))
        };
        if has_dot_segment(request.path) {
            return refuse(&routing::PATH_DOT_SEGMENT, &[]);
        }
        let Some(method) = Methods::of(request.method) else {
            return refuse(&routing::METHOD_UNKNOWN, &[]);
        };

        let (segment, below) = split_environment(request.path);
        let Some(environment) = Environment::parse(segment) else {
            return refuse(&routing::ENVIRONMENT_UNKNOWN, &[("$env_mapping", segment)]);
        };
        // The environment is no part of the uri that the texts name: the seed's example shows an
        // uri without it.
        let uri = if below.is_empty() { "/" } else { below };
        if !self.environments.contains(&environment) {
            return refuse(&routing::URI_UNKNOWN, &[("$uri", uri), ("$host", host)]);
        }

        let refuse = |entry: &'static Entry, values: &[(&str, &str)]| {
            Err(Refusal::new(entry, values).at_service(self).at_environment(environment))
        };
        if self.apis.is_empty() {
            return refuse(&routing::NO_API, &[]);
        }
        let Some(found) = self.paths.find(uri) else {
            return refuse(&routing::URI_UNKNOWN, &[("$uri", uri), ("$host", host)]);
        };
        let Some(place) = found.place_of(method) else {
            return refuse(&routing::METHOD_NOT_ALLOWED, &[]);
        };
        let cut = request.path.len() - below.len() + found.path().len();
        Ok(Match { service: self, environment, api: &self.apis[place], cut })
    }
}

// === impl Match ===

impl Match<'_> {
    /// The request target for the backend: `path`, the one that was routed, mapped onto the
    /// backend's base, and `query` as it is. A mock has no base.
    pub fn target(&self, path: &str, query: Option<&str>) -> String {
        let base = match &self.api.backend {
            Backend::Http(http) => http.base.as_str(),
            Backend::Mock(_) => "",
        };
        let rest = path.get(self.cut..).unwrap_or_default();
        let mut target = String::with_capacity(base.len() + path.len() + query.map_or(0, str::len));
        join(&mut target, base, rest);
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        target
    }
}

/// Splits `/release/a` into `release` and `/a`. What has no slash at its front (`*`) is all
/// segment.
fn split_environment(path: &str) -> (&str, &str) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let end = inner.find('/').unwrap_or(inner.len());
    inner.split_at(end)
}

/// Appends `base` and `rest` with exactly one `/` between them; without rest, `base` as written.
/// The result begins with one `/`, so that no backend can take its first segment for a host.
fn join(target: &mut String, base: &str, rest: &str) {
    if rest.is_empty() {
        target.push_str(if base.is_empty() { "/" } else { base });
        return;
    }
    target.push_str(base.trim_end_matches('/'));
    target.push('/');
    target.push_str(rest.trim_start_matches('/'));
}

#[cfg(test)]
pub(crate) mod tests;
