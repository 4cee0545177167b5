//! Forward: the request to its backend, until the head of the answer is in.
//!
//! - A try is one address and one connection; what it came to is written down before the next.
//! - There is a second try when nothing was answered and the request may be repeated: on a
//!   connection that had stood and broke, on the next address when one does not accept, on
//!   another node when one breaks.
//! - Every wait has a limit: connect, head, idle (between two bytes), total.

mod body;
mod head;
mod targets;
mod trace;
mod values;
mod wait;

use std::cell::{RefCell, RefMut};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, response};
use policy::errors::{Entry, forward as entries, framing};
use policy::{HttpBackend, Refusal};
use record::Fault;

use crate::backend::{Channel, Coding, NoChannel};
use crate::exchange::{Broken, Exchange, Phase};
use crate::life::Stop;
use crate::metrics::Count;
use crate::route::Outgoing;
use crate::wire::Wire;

pub(crate) use body::{BackendBody, BodyCut, RequestBody, Upload};
pub(crate) use head::{X_API_REQUEST_ID, drop_hop_by_hop, write_headers};
use targets::{Target, Targets, Unreachable};
pub(crate) use values::Values;
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
    method: &'c Method,
    /// The head as it is sent.
    head: Bytes,
    /// How the backend is told where the body ends.
    coding: Coding,
    /// The map of the request's headers, for those of the answer.
    room: RefCell<HeaderMap>,
    began: Instant,
    deadline: Instant,
}

/// What became of a try.
enum Tried {
    Answered(response::Parts, Box<Channel>),
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
    outgoing: Outgoing,
    head: Parts,
    upload: &Rc<Upload>,
) -> Result<Forwarded, Stop<'w>> {
    let began = Instant::now();
    let deadline = began + backend.timeouts.total;
    exchange.deadline.set(Some(deadline));
    let target = wire.worker.values.bytes(|out| out.extend_from_slice(outgoing.target.as_bytes()));
    let uri = Uri::from_maybe_shared(target)
        .map_err(|_| stop(&entries::QUERY_UNBUILDABLE, Phase::None))?;
    let mut head = head::to_backend(wire, exchange, backend, head);
    outgoing.place(&mut head.headers);
    let mut coding = Coding::Plain;
    if upload.ended().is_none() && upload.hint().exact().is_none() {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        coding = Coding::Chunked;
    }
    let Parts { method, mut headers, .. } = head;
    let head = wire.worker.values.bytes(|out| head::write(out, &method, &uri, &headers));
    headers.clear();
    let call = Call {
        wire,
        exchange,
        backend,
        upload,
        method: &method,
        head,
        coding,
        room: RefCell::new(headers),
        began,
        deadline,
    };
    let targets = Targets::new(&wire.worker, backend)?;
    let (mut head, channel) = call.tries(targets).await?;
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for another protocol.
        return Err(stop(&entries::BAD_GATEWAY, Phase::Waiting));
    }
    if !head::settle_length(&mut head.headers) && !channel.is_done() {
        // Its coding would be lost with the header that names it.
        return Err(stop(&entries::BAD_GATEWAY, Phase::Waiting));
    }
    let body = BackendBody::new(&call, channel);
    Ok(Forwarded { head, body })
}

impl Call<'_> {
    async fn tries<'w>(
        &self,
        mut targets: Targets<'_>,
    ) -> Result<(response::Parts, Box<Channel>), Stop<'w>> {
        let mut fresh = false;
        let mut number = 1;
        let mut target = targets.next()?;
        let mut started = self.began;
        loop {
            match self.once(target, fresh, &targets, started).await {
                Tried::Answered(head, channel) => {
                    targets.note(target, true);
                    return Ok((head, channel));
                }
                // No try was made; a fresh connection can not be stale.
                Tried::Stale => fresh = true,
                Tried::Failed { entry, phase, again } => {
                    if matches!(entry.status, 502 | 504) {
                        targets.note(target, false);
                    }
                    if !again || number >= TRIES_MAX {
                        return Err(stop(entry, phase));
                    }
                    self.wire.worker.counters.add(Count::BackendRetries);
                    (fresh, number) = (true, number + 1);
                    target = targets.next()?;
                }
                Tried::Gone => return Err(Stop::Gone),
            }
            started = Instant::now();
        }
    }

    async fn once(
        &self,
        target: Target,
        fresh: bool,
        targets: &Targets<'_>,
        started: Instant,
    ) -> Tried {
        let (config, address) = (&self.wire.worker.config, target.address);
        let net = self.backend.net.unwrap_or_else(|| config.private_networks.class(address.ip()));
        self.exchange.facts.borrow_mut().tries.begin(address, net, started);
        match self.channel(address, fresh).await {
            Ok(channel) => {
                // A connection that stood took no time.
                let now = if channel.reused { started } else { Instant::now() };
                self.talk(channel, targets.other_nodes(), now).await
            }
            Err(reason) => self.not_connected(reason, targets.others()),
        }
    }

    /// A connection that stands, or a new one.
    async fn channel(&self, address: SocketAddr, fresh: bool) -> Result<Box<Channel>, NoChannel> {
        let worker = &self.wire.worker;
        let standing = if fresh { None } else { worker.pool.take(address) };
        if let Some(channel) = standing {
            return Ok(channel);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit = self.backend.timeouts.connect.min(left);
        worker.pool.connect(worker, address, limit).await
    }

    /// Sends the request and waits for the head of the answer. `elsewhere`: another server can be
    /// asked when this one breaks.
    async fn talk(&self, mut channel: Box<Channel>, elsewhere: bool, now: Instant) -> Tried {
        let (sent, received) = (channel.link.sent(), channel.link.received());
        let tries = || RefMut::map(self.exchange.facts.borrow_mut(), |facts| &mut facts.tries);
        tries().connected(channel.link.clone(), now);
        let body = self.upload.ended().is_none();
        let body = body.then(|| (RequestBody::new(self.wire, self.upload), self.coding));
        channel.link.begin(self.head.clone(), body, now);
        match wait::for_head(self, &mut channel).await {
            Waited::Answered(head) => {
                if channel.reused {
                    self.wire.worker.counters.add(Count::BackendReused);
                }
                tries().answered(head.status.as_u16(), channel.link.moved());
                if !channel.link.is_sent() {
                    self.wire.send_on(channel.link.clone());
                }
                Tried::Answered(head, channel)
            }
            Waited::Broken => {
                let nothing = channel.link.sent() == sent;
                if channel.reused && nothing && !self.upload.started() {
                    tries().forget();
                    return Tried::Stale;
                }
                // Nothing reached the backend, or it may come twice; and all of it is still here.
                let repeatable = nothing || is_idempotent(self.method);
                let unanswered = channel.link.received() == received;
                let again = repeatable && unanswered && !self.upload.started();
                self.broken(&channel, again && (channel.reused || elsewhere))
            }
            Waited::Late => {
                if self.upload.awaited(self.wire) {
                    // The backend took all that came: it is the client who is late.
                    tries().end(None);
                    let (entry, phase) = (&framing::BODY_TIMEOUT, Phase::None);
                    return Tried::Failed { entry, phase, again: false };
                }
                let phase = self.phase(&channel);
                tries().end(Some(Broken::Late));
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
            // Nothing was sent, so another place can be asked.
            NoChannel::Limit if others => (&entries::BALANCER, true),
            NoChannel::Limit => {
                let (text, fault) = (entries::BALANCER.text.into(), Fault::Gateway);
                self.exchange.fail(text, fault, Phase::Connecting);
                (&entries::BALANCER, false)
            }
        };
        Tried::Failed { entry, phase: Phase::Connecting, again }
    }

    fn phase(&self, channel: &Channel) -> Phase {
        let sent = channel.link.reached() && self.upload.ended().is_some();
        if sent { Phase::Waiting } else { Phase::Sending }
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

impl From<Unreachable> for Stop<'_> {
    fn from(unreachable: Unreachable) -> Self {
        stop(unreachable.0, Phase::Resolving)
    }
}
