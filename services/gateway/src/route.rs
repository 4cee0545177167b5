//! Route: host, environment, path and method to the API that answers.

use http::header::HOST;
use http::request::Parts;
use policy::{Match, Policy, Refusal, RouteRequest};

use crate::exchange::Exchange;

/// Routes one request.
pub(crate) fn route<'p>(
    policy: &'p Policy,
    exchange: &Exchange,
    head: &Parts,
) -> Result<Match<'p>, Refusal<'p>> {
    let named = head.headers.get(HOST).map(|host| host.as_bytes());
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let request = RouteRequest {
        host: named.or(authority),
        path: head.uri.path(),
        method: head.method.as_str(),
    };
    let matched = policy.route(&request)?;
    let facts = &mut *exchange.facts.borrow_mut();
    facts.account.push_str(&matched.service.account);
    facts.service_id.push_str(&matched.service.id);
    facts.api_id.push_str(&matched.api.id);
    facts.env = matched.environment.as_str();
    Ok(matched)
}
