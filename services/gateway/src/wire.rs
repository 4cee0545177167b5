//! The connection to a client, between its socket and hyper.
//!
//! - In: bytes are counted and followed by [`crate::framing`], a head is handed to hyper only when
//!   it is whole and good, and hyper gets the bytes of one request at a time: the next one is
//!   withheld until the answer of the current one was released. A refused head is replaced by a
//!   stand-in, so that every answer goes the same way out.
//! - Out: bytes are counted and go to the socket at once, but for those that end an answer: from
//!   [`Wire::end`] on they are held, until the recorder has the record on disk and calls
//!   [`Wire::release`].
//! - A release does not wake the connection's task when all that hyper could do is to wait: the
//!   socket wakes it with the next request, and hyper then first sees that its answer is flushed.
//!
//! **Invariant** (hyper 1.12, `proto/h1/dispatch.rs`): [`Wire::end`] is called within a poll of
//! hyper's connection, just before hyper takes the last frame of a body (or an answer without
//! one). hyper encodes it in the same poll (`poll_write`), before anything else is read, and
//! flushes before it returns (`poll_loop` ends each turn with `poll_flush`; where it leaves early
//! after a second `poll_write`, it flushes what that one buffered). So once that poll has
//! returned, the whole rest of the answer is in `held`: its length is exact, and the recorder,
//! which is another task, sees it whole.

mod input;
mod io;
mod output;

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use policy::errors::{forward, framing};
use record::{Net, RequestId};
use tokio::net::TcpStream;

use crate::backend::{Link, Unsent};
use crate::config::ProxyProtocol;
use crate::exchange::{Exchange, Phase};
use crate::framing::Refused;
use crate::proxy::Ends;
use crate::worker::{Stage, Worker};

use input::Input;
pub(crate) use io::ClientIo;
use output::{Mode, Output};

/// The connection to one client.
pub(crate) struct Wire {
    pub(crate) worker: Rc<Worker>,
    /// Who is connected with whom: the socket's ends, or those that a balancer speaks for.
    ends: Cell<Ends>,
    /// The balancer at the other end does not say for whom it speaks.
    speaks_for_nobody: Cell<bool>,
    /// The worker had as many connections as it may: the first request is refused.
    pub(crate) crowded: bool,
    socket: RefCell<TcpStream>,
    input: RefCell<Input>,
    output: RefCell<Output>,
    exchange: RefCell<Option<Rc<Exchange>>>,
    /// Why the current request is refused.
    refused: Cell<Option<Refused>>,
    /// Whoever handles the request waits for bytes of its body.
    pub(crate) body_wanted: Cell<bool>,
    /// The client can tell the end of the current answer only by the end of the connection.
    unframed: Cell<bool>,
    /// Neither side asks for the connection to be closed after the current answer.
    stays: Cell<bool>,
    /// The connection's task is polled when the client sends something.
    listens: Cell<bool>,
    state: Cell<State>,
    /// Where the rest of the current request goes, while it is being answered.
    sending: RefCell<Option<Rc<Link>>>,
    /// When the connection's task is to be woken, if nothing happens.
    wake_at: Cell<Option<Instant>>,
    /// Of the connection's task.
    waker: RefCell<Option<Waker>>,
}

/// How the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// No further request is wanted: it was idle for too long.
    Closing,
    /// The client left, or takes no byte any more.
    Lost,
}

// === impl Wire ===

impl Wire {
    pub(crate) fn new(
        worker: Rc<Worker>,
        socket: TcpStream,
        (peer, local): (SocketAddr, SocketAddr),
        crowded: bool,
    ) -> Self {
        let required = worker.config.proxy_protocol == ProxyProtocol::Required;
        Self {
            worker,
            ends: Cell::new(Ends { source: peer, destination: local }),
            speaks_for_nobody: Cell::new(false),
            crowded,
            socket: RefCell::new(socket),
            input: RefCell::new(Input::new(required)),
            output: RefCell::new(Output::new()),
            exchange: RefCell::new(None),
            refused: Cell::new(None),
            body_wanted: Cell::new(false),
            unframed: Cell::new(false),
            stays: Cell::new(false),
            listens: Cell::new(false),
            state: Cell::new(State::Open),
            sending: RefCell::new(None),
            wake_at: Cell::new(None),
            waker: RefCell::new(None),
        }
    }

    /// The address at the other end of the connection, or that the balancer there speaks for.
    pub(crate) fn peer(&self) -> IpAddr {
        self.ends.get().source.ip()
    }

    /// True when what the other end says in headers of its client is believed. A balancer that
    /// speaks for nobody passes on what the client itself wrote.
    pub(crate) fn is_trusted_proxy(&self) -> bool {
        !self.speaks_for_nobody.get() && self.worker.config.trusted_proxies.contains(self.peer())
    }

    /// The current exchange, from the first byte of its request to the release of its answer.
    pub(crate) fn exchange(&self) -> Option<Rc<Exchange>> {
        self.exchange.borrow().clone()
    }

    /// Why the current request is refused, if it is.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused.get()
    }

    /// Why the head of the current request was refused: what hyper has is a stand-in.
    pub(crate) fn stand_in(&self) -> Option<Refused> {
        self.refused.get().filter(|_| self.input.borrow().stands_in())
    }

    /// The current request was received. Whoever sent it may have left meanwhile, which hyper is
    /// told only now.
    pub(crate) fn received(&self) {
        if self.input.borrow().ended() {
            self.wake();
        }
    }

    /// True when all of the current request was received.
    pub(crate) fn request_complete(&self) -> bool {
        self.input.borrow().complete()
    }

    /// True when nothing is going on: no byte of a next request, no answer on its way.
    pub(crate) fn idle(&self) -> bool {
        self.exchange.borrow().is_none() && self.output.borrow().mode == Mode::Open
    }

    /// True when the client is lost while its answer was not yet whole.
    pub(crate) fn lost(&self) -> bool {
        self.state.get() == State::Lost
    }

    /// True when hyper has nothing more to do: nobody is there to be answered, or the deadline of
    /// a drain has passed in the middle of an answer.
    pub(crate) fn over(&self) -> bool {
        if self.held() {
            return false;
        }
        let cut = self.worker.stage.get() == Stage::Cut;
        let begun = |exchange: Rc<Exchange>| {
            self.input.borrow().in_head() || exchange.facts.borrow().status > 0
        };
        self.lost() || (cut && self.exchange().is_some_and(begun))
    }

    /// The client can not count the bytes of the answer: if it is cut, the connection is reset.
    pub(crate) fn reset_if_cut(&self) {
        self.unframed.set(true);
    }

    /// True from [`Wire::end`] until the held bytes were written.
    pub(crate) fn held(&self) -> bool {
        self.output.borrow().mode != Mode::Open
    }

    /// Passes on what a backend says before its answer to request `id`. What the socket does not
    /// take now is not for later: it helps only before the answer.
    pub(crate) fn inform(&self, id: RequestId, head: &[u8]) {
        let Some(exchange) = self.exchange().filter(|exchange| exchange.id == id) else { return };
        let facts = exchange.facts.borrow();
        let (answered, old) = (facts.status > 0, facts.request.http_10);
        if answered || old || self.lost() || self.stand_in().is_some() {
            return;
        }
        let taken = self.output.borrow_mut().inform(&self.socket.borrow(), head);
        exchange.rsp_len.set(exchange.rsp_len.get() + taken as u64);
    }

    /// The answer has begun before the request was sent whole: the rest goes there.
    pub(crate) fn send_on(&self, link: Rc<Link>) {
        *self.sending.borrow_mut() = Some(link);
    }

    /// Sends on, beside the answer: a client may read it only when all of its request has left.
    pub(crate) fn poll_sending(&self, cx: &mut Context<'_>) {
        let Some(link) = self.sending.borrow().clone() else { return };
        let Poll::Ready(sent) = link.poll_send(cx) else { return };
        self.sending.borrow_mut().take();
        if sent == Err(Unsent::Body) {
            // Whoever hands over the answer is to see that it will not go on.
            link.close();
            cx.waker().wake_by_ref();
        }
    }

    /// The rest of the answer is about to be handed over: hold it back and have it recorded.
    pub(crate) fn end(self: &Rc<Self>) {
        let Some(exchange) = self.exchange() else { return };
        self.output.borrow_mut().hold();
        self.worker.close(&exchange, Some(self));
    }

    /// The record is on disk: the rest of the answer may leave. `now` is the recorder's clock.
    pub(crate) fn release(&self, now: Instant) {
        self.exchange.borrow_mut().take();
        self.refused.set(None);
        let done = self.output.borrow_mut().release(&self.socket.borrow());
        if done {
            self.next_request(now);
        }
        // One poll of the task in three is saved where all that it could do is to wait.
        let stays = self.stays.take() && self.worker.stage.get() == Stage::Serving;
        if !(done && stays && self.listens.get() && self.input.borrow().is_quiet()) {
            self.wake();
        }
    }

    /// After the current answer both sides wait for the next request.
    pub(crate) fn stay(&self) {
        self.stays.set(true);
    }

    /// Ends the exchange that is still open when the connection is over.
    pub(crate) fn abandon(&self) {
        if self.held() {
            return;
        }
        let Some(exchange) = self.exchange.borrow_mut().take() else { return };
        self.input.borrow().sketch(&exchange);
        let entry = if self.lost() {
            &forward::CLIENT_CLOSED
        } else if self.worker.stage.get() == Stage::Cut {
            &forward::STOPPING
        } else {
            &forward::INTERNAL
        };
        exchange.fail_with(entry, Phase::None);
        let mut facts = exchange.facts.borrow_mut();
        facts.tries.end(None);
        if facts.status == 0 || (self.lost() && !exchange.head_sent.get()) {
            facts.status = entry.status;
        }
        drop(facts);
        if self.unframed.get() {
            self.abort();
        }
        self.worker.close(&exchange, None);
    }

    /// Answers the current request with `refused` as soon as possible, from whatever state.
    pub(crate) fn refuse(&self, refused: Refused) {
        self.refused.set(Some(refused));
        if let Some(exchange) = self.exchange() {
            self.input.borrow_mut().refuse(&exchange);
        }
        self.wake();
    }

    /// Has the connection's task woken then, or a little later.
    pub(crate) fn wake_at(&self, at: Option<Instant>) {
        self.wake_at.set(at);
    }

    /// True when that was done.
    pub(crate) fn woken(&self) -> bool {
        self.wake_at.get().is_none()
    }

    /// Closes what waits for too long. `now` is the sweeper's clock.
    pub(crate) fn sweep(&self, now: Instant) {
        if self.wake_at.get().is_some_and(|at| at <= now) {
            self.wake_at.set(None);
            self.wake();
        }
        let timeouts = &self.worker.config.timeouts;
        let stalled = self.output.borrow().stalled_for(now);
        let deadline = self.exchange().and_then(|exchange| exchange.deadline.get());
        // A client that reads a little now and then does not outlast the call.
        let late = !stalled.is_zero() && deadline.is_some_and(|deadline| now > deadline);
        if late || stalled > timeouts.write {
            self.lose();
            return self.wake();
        }
        let since = self.input.borrow().waiting_for(now);
        if self.held() {
            return;
        }
        if self.exchange.borrow().is_none() {
            let hurried = self.crowded || self.input.borrow().in_preface();
            let limit = if hurried { timeouts.head.min(timeouts.idle) } else { timeouts.idle };
            if since > limit {
                self.state.set(State::Closing);
                self.wake();
            }
        } else if self.input.borrow().in_head() {
            let arrived = self.exchange().map(|exchange| exchange.arrived);
            if arrived.is_some_and(|arrived| now.saturating_duration_since(arrived) > timeouts.head)
            {
                self.refuse(&framing::HEAD_TIMEOUT);
            }
        } else if self.body_wanted.get() && since > timeouts.body {
            self.refuse(&framing::BODY_TIMEOUT);
        }
    }

    /// Keeps the waker of the connection's task.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        match kept.as_mut() {
            Some(kept) => kept.clone_from(waker),
            None => *kept = Some(waker.clone()),
        }
    }

    /// Has the connection's task polled again.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn lose(&self) {
        self.state.set(State::Lost);
    }

    /// The answer has left whole: the next request may come.
    fn next_request(&self, now: Instant) {
        self.input.borrow_mut().next_request(now);
        self.body_wanted.set(false);
    }

    /// The first byte of a request is here.
    fn begin(&self, arrived: Instant) -> Rc<Exchange> {
        if self.state.get() == State::Closing {
            // It came just in time.
            self.state.set(State::Open);
        }
        let exchange = Rc::new(self.worker.begin(arrived));
        let mut facts = exchange.facts.borrow_mut();
        let Ends { source, destination } = self.ends.get();
        let client = (!self.speaks_for_nobody.get()).then_some(source.ip());
        facts.client = client;
        facts.local = Some(destination.ip());
        // Traffic of whoever is not known is not free.
        let networks = &self.worker.config.private_networks;
        facts.net = client.map_or(Net::Public, |client| networks.class(client));
        drop(facts);
        *self.exchange.borrow_mut() = Some(exchange.clone());
        exchange
    }
}
