//! Route: host, environment, scheme, path and method to the API that answers; and what of it goes
//! to the backend.

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use policy::{Match, Policy, Refusal, RouteRequest, Scheme};

use crate::admit;
use crate::exchange::Exchange;

/// What the configuration says that a backend gets.
pub(crate) struct Outgoing {
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Routes one request.
pub(crate) fn route<'p>(
    policy: &'p Policy,
    exchange: &Exchange,
    head: &Parts,
) -> Result<Match<'p>, Refusal<'p>> {
    let named = head.headers.get(HOST).map(|host| host.as_bytes());
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = named.or(authority);
    let tls = exchange.facts.borrow().tls;
    let request = RouteRequest {
        host,
        scheme: if tls { Scheme::Https } else { Scheme::Http },
        path: head.uri.path(),
        method: admit::method_of(head, host, tls),
    };
    let matched = policy.route(&request)?;
    let facts = &mut *exchange.facts.borrow_mut();
    facts.account.push_str(&matched.service.account);
    facts.service_id.push_str(&matched.service.id);
    facts.api_id.push_str(&matched.api.id);
    facts.env = matched.environment.as_str();
    Ok(matched)
}

/// What the backend of `matched` gets for `head`.
pub(crate) fn outgoing(matched: &Match<'_>, head: &Parts) -> Outgoing {
    let path = head.uri.path();
    let headers = matched.headers(path).map(|(name, value)| (name.clone(), value)).collect();
    Outgoing { target: matched.target(path, head.uri.query()), headers }
}

// === impl Outgoing ===

impl Outgoing {
    /// Puts its headers in place of the client's, and of those that many servers take for the
    /// same: with `_` for `-`.
    pub(crate) fn place(self, headers: &mut HeaderMap) {
        for (name, value) in self.headers {
            let is_forged = |other: &&HeaderName| **other != name && alike(other, &name);
            let forged: Vec<HeaderName> = headers.keys().filter(is_forged).cloned().collect();
            for other in forged {
                headers.remove(other);
            }
            headers.insert(name, value);
        }
    }
}

fn alike(one: &HeaderName, other: &HeaderName) -> bool {
    let dashed = |byte: u8| if byte == b'_' { b'-' } else { byte };
    one.as_str().bytes().map(dashed).eq(other.as_str().bytes().map(dashed))
}
