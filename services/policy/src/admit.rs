//! Whether a request that was routed may pass, and whose call it is.
//!
//! The checks, in this order; the first that fails answers:
//! 1. suspended by an operator, the service or the API; then an API with faulty settings;
//! 2. a preflight is answered, where CORS is on;
//! 3. parameters; 4. CORS;
//! 5. credentials, and whether they open the API;
//! 6. the client's address.
//!
//! A request that passes allocates nothing here, unless it is signed by an application.

mod addresses;
mod cors;
mod parameters;

use std::net::IpAddr;

use http::HeaderMap;
use record::Time;

use crate::Policy;
use crate::errors::{Entry, admit as entries};
use crate::key::Caller;
use crate::refusal::Refusal;
use crate::route::Match;

pub(crate) use addresses::Addresses;
pub use cors::{Cors, preflight_method};
pub(crate) use parameters::{Place, Required};

/// What admission looks at.
#[derive(Debug, Clone, Copy)]
pub struct AdmitRequest<'r> {
    /// `http` or `https`.
    pub scheme: &'r str,
    /// The `Host` header, or the authority of an absolute request target.
    pub host: Option<&'r [u8]>,
    /// The method as received.
    pub method: &'r str,
    /// The path as received, without query.
    pub path: &'r str,
    /// What stands behind the `?`.
    pub query: Option<&'r str>,
    /// All headers.
    pub headers: &'r HeaderMap,
    /// The beginning of a form's body, as far as [`Match::form_max`] asks for it.
    pub form: &'r [u8],
    /// The client's address, if it is known.
    pub client: Option<IpAddr>,
    /// The gateway's clock.
    pub now: Time,
}

/// What a request that is admitted gets.
#[derive(Debug)]
pub enum Admitted<'p> {
    /// It goes on.
    Call(Caller<'p>),
    /// It is a preflight: 204, with the headers of [`Cors::preflight`].
    Preflight(&'p Cors),
}

/// What an API, or a service, asks of its requests.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The refusal of everything, while an operator says so.
    pub(crate) suspended: Option<Suspended>,
    /// The refusal of everything, since the settings are faulty.
    pub(crate) fault: Option<&'static Entry>,
    pub(crate) parameters: Vec<Required>,
    pub(crate) cors: Option<Cors>,
    pub(crate) addresses: Addresses,
}

/// An operator's word that nothing is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suspended {
    pub(crate) entry: &'static Entry,
    /// As in the configuration.
    pub(crate) reason: &'static str,
    /// Where it stands there.
    pub(crate) line: usize,
}

// === impl Policy ===

impl Policy {
    /// Checks everything that the matched service and API ask for.
    ///
    /// # Errors
    /// The refusal; service, environment and API of `matched` stand in it. It names no caller:
    /// until all is well, the id is only a claim.
    pub fn admit<'p>(
        &'p self,
        matched: &Match<'p>,
        request: &AdmitRequest<'_>,
    ) -> Result<Admitted<'p>, Refusal<'p>> {
        let at = |refusal: Refusal<'p>| {
            refusal
                .at_service(matched.service)
                .at_environment(matched.environment)
                .at_api(matched.api)
        };
        let (service, api) = (&matched.service.rules, &matched.api.rules);
        let suspended = service.suspended.or(api.suspended).map(|suspended| suspended.entry);
        if let Some(entry) = suspended.or(api.fault) {
            return Err(at(Refusal::new(entry, &[])));
        }
        let crosses = cors::is_cross_origin(request.scheme, request.host, request.headers);
        let preflight =
            preflight_method(request.method, request.scheme, request.host, request.headers);
        if preflight.is_some()
            && let Some(cors) = &api.cors
        {
            return Ok(Admitted::Preflight(cors));
        }
        parameters::check(matched, request)
            .map_err(|(entry, xxx)| at(Refusal::new(entry, &[("xxx", &*xxx)])))?;
        if crosses && api.cors.is_none() {
            let uri = matched.uri(request.path);
            return Err(at(Refusal::new(&entries::CROSS_ORIGIN, &[("$uri", uri)])));
        }
        let caller = self.credentials(matched, request).map_err(at)?;
        let refused = service.addresses.refusal(request.client);
        if let Some(entry) = refused.or_else(|| api.addresses.refusal(request.client)) {
            return Err(at(Refusal::new(entry, &[])));
        }
        Ok(Admitted::Call(caller))
    }
}

// === impl Match ===

impl<'p> Match<'p> {
    /// `path`, the one that was routed, without its environment.
    pub(crate) fn uri<'r>(&self, path: &'r str) -> &'r str {
        path.get(self.uri_at..).filter(|uri| !uri.is_empty()).unwrap_or("/")
    }

    /// What browsers of other origins may read of the answers; nothing when CORS is off.
    pub fn cors(&self) -> Option<&'p Cors> {
        self.api.rules.cors.as_ref()
    }
}

#[cfg(test)]
pub(crate) mod tests;
