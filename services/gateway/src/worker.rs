//! One worker: everything that one thread needs to serve its connections.
//!
//! Nothing in here is shared with another thread but the policy, which is only read, the
//! counters, which are only added to, and the names, which a task of the worker copies in. So
//! nothing is locked on the way of a request. A request keeps the policy that it began with, through
//! a counter that only this thread knows.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use policy::Policy;
use record::{RequestIds, Time};
use spool::{Fresh, WhenFull, Writer};

use crate::backend::{Balancer, Names, Pool, RefusedAddresses};
use crate::beat::tick;
use crate::clocks::Clocks;
use crate::config::Config;
use crate::connections::Connections;
use crate::epochs::Next;
use crate::exchange::{Exchange, Spares, SpoolRoom};
use crate::forward::Values;
use crate::framing::HeadLimits;
use crate::metrics::{Count, Counters};
use crate::record::Entry;
use crate::wire::Wire;

/// Bytes that one read of a socket takes at most. One buffer per worker serves all connections.
const SCRATCH: usize = 64 << 10;

/// One worker's state.
pub(crate) struct Worker {
    pub(crate) config: Arc<Config>,
    /// How often all connections are looked at.
    pub(crate) tick: Duration,
    policy: RefCell<Rc<Served>>,
    pub(crate) head_limits: HeadLimits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) when_full: WhenFull,
    /// How many workers the epoch has.
    pub(crate) workers: u16,
    pub(crate) writer: RefCell<Writer>,
    /// What was admitted can not be recorded now: nothing is admitted until it can.
    pub(crate) stalled: Cell<bool>,
    pub(crate) stage: Cell<Stage>,
    /// What the recorder has to write down, in order.
    pub(crate) pending: RefCell<Vec<Entry>>,
    /// Of the recorder's task.
    pub(crate) recorder: RefCell<Option<Waker>>,
    /// The recorder is to look around although there is nothing to write down.
    pub(crate) nudged: Cell<bool>,
    /// The stream that follows the one that has ended.
    pub(crate) next: RefCell<Option<Next>>,
    /// Since the last part with a life.
    pub(crate) refused: Cell<u64>,
    pub(crate) unrecorded: Cell<u64>,
    pub(crate) scratch: RefCell<Box<[u8]>>,
    /// What answers of backends are read into.
    pub(crate) incoming: RefCell<BytesMut>,
    pub(crate) connections: Connections,
    pub(crate) pool: Pool,
    pub(crate) balancer: Balancer,
    pub(crate) names: RefCell<Arc<Names>>,
    pub(crate) refused_addresses: RefusedAddresses,
    /// Of what values of headers are made.
    pub(crate) values: Values,
    spares: Rc<Spares>,
    ids: RefCell<RequestIds>,
    pub(crate) clocks: Arc<Clocks>,
}

/// A policy as one worker has it. Counting who uses it costs nothing that other threads feel.
pub(crate) struct Served(Arc<Policy>);

/// How far the worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Serving,
    /// What has begun is finished, nothing new is accepted.
    Draining,
    /// The deadline has passed: what is not finished is cut and recorded.
    Cut,
}

/// What a worker is made from.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) when_full: WhenFull,
    pub(crate) workers: u16,
    pub(crate) writer: Writer,
    pub(crate) names: Arc<Names>,
    /// Where the gateway itself listens.
    pub(crate) own: Vec<SocketAddr>,
    pub(crate) clocks: Arc<Clocks>,
}

impl Deref for Served {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        &self.0
    }
}

// === impl Worker ===

impl Worker {
    pub(crate) fn new(parts: Parts) -> Self {
        let limits = &parts.config.limits;
        Self {
            head_limits: HeadLimits { head: limits.head, uri: limits.uri, headers: limits.headers },
            connections: Connections::new(limits.connections),
            pool: Pool::new(limits, parts.config.timeouts.backend_idle),
            balancer: Balancer::default(),
            tick: tick(&parts.config),
            config: parts.config,
            policy: RefCell::new(Rc::new(Served(parts.policy))),
            counters: parts.counters,
            when_full: parts.when_full,
            workers: parts.workers,
            writer: RefCell::new(parts.writer),
            stalled: Cell::new(false),
            stage: Cell::new(Stage::Serving),
            pending: RefCell::default(),
            recorder: RefCell::default(),
            nudged: Cell::new(false),
            next: RefCell::default(),
            refused: Cell::new(0),
            unrecorded: Cell::new(0),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            incoming: RefCell::default(),
            names: RefCell::new(parts.names),
            refused_addresses: RefusedAddresses::new(parts.own),
            values: Values::default(),
            spares: Rc::default(),
            ids: RefCell::default(),
            clocks: parts.clocks,
        }
    }

    /// What is served now: a request takes it once.
    pub(crate) fn policy(&self) -> Rc<Served> {
        self.policy.borrow().clone()
    }

    /// Requests that begin from now on are served by this.
    pub(crate) fn serve_by(&self, policy: Arc<Policy>) {
        *self.policy.borrow_mut() = Rc::new(Served(policy));
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> Time {
        self.clocks.now()
    }

    /// A request begins; its first byte came at `arrived`.
    pub(crate) fn begin(&self, arrived: Instant) -> Exchange {
        self.counters.add(Count::Requests);
        let now_ms = u64::try_from(self.now().0).unwrap_or(0);
        Exchange::new(self.ids.borrow().next(now_ms), arrived, self.spares.clone())
    }

    /// Keeps room for the record of an exchange. False: the request is not to be served.
    pub(crate) fn reserve(&self, exchange: &Exchange) -> bool {
        let reserved = !self.stalled.get() && self.writer.borrow_mut().reserve();
        let room = match (reserved, self.when_full) {
            (true, _) => SpoolRoom::Reserved,
            (false, WhenFull::Serve) if !self.stalled.get() => SpoolRoom::Unrecorded,
            (false, _) => SpoolRoom::Refused,
        };
        exchange.room.set(room);
        room != SpoolRoom::Refused
    }

    /// Has the record of an exchange written, the first time it is called for it. `held`: the
    /// connection that waits for the record with the end of its answer.
    pub(crate) fn close(&self, exchange: &Rc<Exchange>, held: Option<&Rc<Wire>>) {
        if exchange.close() {
            self.record(Entry::Final { exchange: exchange.clone(), held: held.cloned() });
        }
    }

    /// Gives the recorder something to write down.
    pub(crate) fn record(&self, entry: Entry) {
        self.pending.borrow_mut().push(entry);
        self.wake();
    }

    /// Has the recorder look around.
    pub(crate) fn nudge(&self) {
        self.nudged.set(true);
        self.wake();
    }

    /// Goes on with another stream. Ids follow its clock: they never go back by themselves.
    pub(crate) fn renew(&self, fresh: Fresh) {
        self.writer.borrow_mut().renew(fresh);
        *self.ids.borrow_mut() = RequestIds::new();
    }

    fn wake(&self) {
        if let Some(recorder) = self.recorder.borrow().as_ref() {
            recorder.wake_by_ref();
        }
    }
}
