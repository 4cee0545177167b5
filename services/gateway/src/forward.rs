//! Forward: the request to its backend, until the head of the answer is in.
//!
//! - A try is one address and one connection; what it came to is written down before the next.
//! - There is a second try when nothing was answered and the request may be repeated: on a
//!   connection that had stood and broke, on the next address when one does not accept.
//! - Every wait has a limit: connect, head, idle (between two bytes), total.

mod body;
mod head;
mod wait;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use policy::errors::{Entry, forward as entries};
use policy::{HttpBackend, Refusal};

use crate::backend::{Channel, NoChannel};
use crate::exchange::{Broken, Exchange, Phase};
use crate::life::Stop;
use crate::metrics::Count;
use crate::wire::Wire;

pub(crate) use body::{BackendBody, BodyCut, RequestBody, Upload};
pub(crate) use head::{X_API_REQUEST_ID, drop_hop_by_hop};
use wait::Waited;

/// Tries per request, connections that do not come about included: enough to get past a dead
/// address or a dead connection, too few to multiply the load on a backend that is down.
const TRIES_MAX: usize = 3;

/// The head of the backend's answer, and what is to come.
pub(crate) struct Forwarded {
    pub(crate) head: http::response::Parts,
    pub(crate) body: BackendBody,
}

/// What is forwarded, and how long that may take.
struct Call<'c> {
    wire: &'c Rc<Wire>,
    exchange: &'c Rc<Exchange>,
    backend: &'c HttpBackend,
    upload: &'c Rc<Upload>,
    head: Parts,
    uri: Uri,
    deadline: Instant,
}

/// What became of a try.
enum Tried {
    Answered(Box<(Response<Incoming>, Channel)>),
    /// Nothing of the request left: the pool's connection was closed before.
    Stale,
    /// It failed; again, if it may be.
    Failed {
        entry: &'static Entry,
        phase: Phase,
        again: bool,
    },
    Gone,
}

/// Forwards one request.
pub(crate) async fn forward<'w>(
    wire: &Rc<Wire>,
    exchange: &Rc<Exchange>,
    backend: &HttpBackend,
    target: &str,
    head: Parts,
    upload: &Rc<Upload>,
) -> Result<Forwarded, Stop<'w>> {
    let deadline = Instant::now() + backend.timeouts.total;
    let uri = Uri::try_from(target).map_err(|_| stop(&entries::INTERNAL, Phase::None))?;
    let head = head::to_backend(wire, exchange, backend, head);
    let call = Call { wire, exchange, backend, upload, head, uri, deadline };
    let addresses = wire.worker.names.borrow().addresses(&backend.host, backend.port);
    if addresses.is_empty() {
        return Err(stop(&entries::BALANCER, Phase::Resolving));
    }
    let (response, channel) = call.tries(&addresses).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for another protocol.
        return Err(stop(&entries::BAD_GATEWAY, Phase::Waiting));
    }
    let (head, incoming) = response.into_parts();
    let body = BackendBody::new(&call, incoming, channel);
    Ok(Forwarded { head, body })
}

impl Call<'_> {
    async fn tries<'w>(
        &self,
        addresses: &[SocketAddr],
    ) -> Result<(Response<Incoming>, Channel), Stop<'w>> {
        let mut fresh = false;
        let mut number = 0;
        loop {
            let address = addresses[number % addresses.len()];
            number += 1;
            let last = number >= TRIES_MAX;
            match self.once(address, fresh, addresses.len() > number).await {
                Tried::Answered(answered) => return Ok(*answered),
                // No try was made; a fresh connection can not be stale.
                Tried::Stale => {
                    fresh = true;
                    number -= 1;
                }
                Tried::Failed { again: true, .. } if !last => {
                    self.wire.worker.counters.add(Count::BackendRetries);
                    fresh = true;
                }
                Tried::Failed { entry, phase, .. } => return Err(stop(entry, phase)),
                Tried::Gone => return Err(Stop::Gone),
            }
        }
    }

    async fn once(&self, address: SocketAddr, fresh: bool, others: bool) -> Tried {
        let worker = &self.wire.worker;
        let net =
            self.backend.net.unwrap_or_else(|| worker.config.private_networks.class(address.ip()));
        self.exchange.facts.borrow_mut().tries.begin(address, net);
        let standing = if fresh { None } else { worker.pool.take(address) };
        let mut channel = match standing {
            Some(channel) => channel,
            None => {
                let now = Instant::now();
                let limit =
                    self.backend.timeouts.connect.min(self.deadline - now.min(self.deadline));
                match worker.pool.connect(worker, address, limit).await {
                    Ok(channel) => channel,
                    Err(reason) => return self.not_connected(reason, others),
                }
            }
        };
        channel.link.begin();
        self.exchange.facts.borrow_mut().tries.connected(channel.link.clone());
        let before = (channel.link.sent(), channel.link.received());
        let sent = channel.sender.try_send_request(self.request());
        let waited = wait::for_head(self, &channel.link, sent).await;
        let untouched = channel.link.received() == before.1;
        match waited {
            Waited::Answered(response) => {
                if channel.reused {
                    worker.counters.add(Count::BackendReused);
                }
                self.exchange.facts.borrow_mut().tries.answered(response.status().as_u16());
                Tried::Answered(Box::new((response, channel)))
            }
            Waited::Broken { unsent } => {
                let nothing = channel.link.sent() == before.0;
                if channel.reused && unsent && nothing {
                    self.exchange.facts.borrow_mut().tries.forget();
                    return Tried::Stale;
                }
                let repeatable = is_idempotent(&self.head.method) && !self.upload.started();
                let again = channel.reused && untouched && (nothing || repeatable);
                self.broken(&channel, again)
            }
            Waited::Late => {
                let phase = self.phase(&channel);
                self.exchange.facts.borrow_mut().tries.end(Some(Broken::Late));
                Tried::Failed { entry: &entries::GATEWAY_TIMEOUT, phase, again: false }
            }
        }
    }

    /// The connection broke before a head came, or the client's body did.
    fn broken(&self, channel: &Channel, again: bool) -> Tried {
        let tries = |broken| self.exchange.facts.borrow_mut().tries.end(broken);
        let phase = self.phase(channel);
        if let Some(entry) = self.wire.refused().or(self.upload.refused()) {
            tries(None);
            return Tried::Failed { entry, phase: Phase::None, again: false };
        }
        if self.wire.lost() {
            tries(None);
            return Tried::Gone;
        }
        tries(Some(Broken::Off));
        Tried::Failed { entry: &entries::BAD_GATEWAY, phase, again }
    }

    fn not_connected(&self, reason: NoChannel, others: bool) -> Tried {
        self.exchange.facts.borrow_mut().tries.end(None);
        let (entry, again) = match reason {
            NoChannel::Failed => (&entries::BAD_GATEWAY, others),
            NoChannel::Late => (&entries::GATEWAY_TIMEOUT, others),
            NoChannel::Limit => (&entries::BALANCER, false),
        };
        Tried::Failed { entry, phase: Phase::Connecting, again }
    }

    fn phase(&self, channel: &Channel) -> Phase {
        let sent = channel.link.reached() && self.upload.ended().is_some();
        if sent { Phase::Waiting } else { Phase::Sending }
    }

    fn request(&self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::new(self.wire, self.upload));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.head.headers.clone();
        request
    }
}

/// A request that may be sent twice (RFC 9110, 9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    )
}

fn stop<'w>(entry: &'static Entry, phase: Phase) -> Stop<'w> {
    Stop::Refused { refusal: Refusal::new(entry, &[]), phase }
}
