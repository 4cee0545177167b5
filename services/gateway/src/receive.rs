//! Receive: the first phase. What the record needs is taken from the head, room for the record is
//! kept, and what is refused at once is refused.

use http::header::{CONNECTION, HOST, REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use http_body::SizeHint;
use policy::Refusal;
use policy::errors::{forward, framing};

use crate::client;
use crate::exchange::{Exchange, Target, Trace};
use crate::wire::Wire;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Receives one request.
pub(crate) fn receive(
    wire: &Wire,
    exchange: &Exchange,
    head: &Parts,
    body: &SizeHint,
) -> Result<(), Refusal<'static>> {
    let stand_in = wire.stand_in();
    if stand_in.is_none() {
        keep(exchange, head);
        look_behind(wire, exchange, head);
    }
    let admitted = wire.worker.reserve(exchange);
    wire.received();
    if !admitted {
        return Err(Refusal::new(&forward::SPOOL_FULL, &[]));
    }
    if let Some(entry) = stand_in {
        return Err(Refusal::new(entry, &[]));
    }
    if wire.crowded {
        return Err(Refusal::new(&forward::CONNECTIONS_FULL, &[]));
    }
    if body.lower() > wire.worker.config.limits.body {
        return Err(Refusal::new(&framing::BODY_TOO_LARGE, &[]));
    }
    Ok(())
}

/// Who the client is, when its request came through a proxy that is trusted.
fn look_behind(wire: &Wire, exchange: &Exchange, head: &Parts) {
    if !wire.is_trusted_proxy() {
        return;
    }
    let config = &wire.worker.config;
    let address = client::address(wire.peer(), &head.headers, &config.trusted_proxies);
    let mut facts = exchange.facts.borrow_mut();
    facts.client = Some(address);
    facts.net = config.private_networks.class(address);
    facts.tls = client::came_by_tls(&head.headers);
}

/// The host that a request names: in its header, or in an absolute target without one.
pub(crate) fn named(head: &Parts) -> Option<HeaderValue> {
    let authority = || HeaderValue::from_str(head.uri.authority()?.as_str()).ok();
    head.headers.get(HOST).cloned().or_else(authority)
}

fn keep(exchange: &Exchange, head: &Parts) {
    let request = &mut exchange.facts.borrow_mut().request;
    request.http_10 = head.version == http::Version::HTTP_10;
    request.stays = !request.http_10 && !head.headers.contains_key(CONNECTION);
    request.method = Some(head.method.clone());
    request.target = Target::Uri(head.uri.clone());
    request.host = named(head);
    request.client_req_id = head.headers.get(X_REQUEST_ID).cloned();
    request.user_agent = head.headers.get(USER_AGENT).cloned();
    request.referer = head.headers.get(REFERER).cloned();
    if let Some(told) = head.headers.get(TRACEPARENT) {
        request.trace = Trace::Told(told.clone());
    }
}
