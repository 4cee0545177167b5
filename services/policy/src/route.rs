//! Which API answers a request: host → service → environment → path → method.

use crate::Policy;
use crate::errors::routing;
use crate::refusal::Refusal;
use crate::service::{Api, Environment, Service};

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
    /// Where the part of the path begins that goes to the backend, in bytes; may lie beyond its
    /// end.
    cut: usize,
}

/// The paths of one service.
#[derive(Debug)]
pub(crate) struct Paths {}

impl Policy {
    /// Finds what answers `request`.
    ///
    /// # Errors
    /// The refusal, which says how far the request was matched.
    pub fn route(&self, request: &RouteRequest<'_>) -> Result<Match<'_>, Refusal<'_>> {
        let host = request.host.unwrap_or_default();
        let host = String::from_utf8_lossy(host);
        Err(Refusal::new(&routing::HOST_UNKNOWN, &[("$host", &host)]))
    }
}

impl Match<'_> {
    /// The request target for an HTTP backend: `path` mapped onto the backend's base, and `query`
    /// as it is. `path` is the one that was routed. For a mock it is the path itself.
    pub fn target(&self, path: &str, _query: Option<&str>) -> String {
        path.get(self.cut..).unwrap_or_default().to_owned()
    }
}
