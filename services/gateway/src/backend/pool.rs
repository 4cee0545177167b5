//! The connections to backends that one worker has.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::answer::AnswerLimits;
use super::{Channel, Link};
use crate::config::Limits;
use crate::connection::HYPER_PIECE;
use crate::metrics::Count;
use crate::worker::Worker;

/// The connections of one worker, by address.
pub(crate) struct Pool {
    max: usize,
    idle_max: usize,
    idle_time: Duration,
    limits: AnswerLimits,
    hosts: RefCell<HashMap<SocketAddr, Host>>,
}

#[derive(Default)]
struct Host {
    open: Rc<Cell<usize>>,
    idle: Vec<Idle>,
}

struct Idle {
    channel: Box<Channel>,
    since: Instant,
}

/// Counts one open connection.
pub(super) struct Open(Rc<Cell<usize>>);

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoChannel {
    /// The address has as many connections as it may.
    Limit,
    /// The backend did not accept in time.
    Late,
    /// The backend refused, or can not be reached.
    Failed,
}

// === impl Pool ===

impl Pool {
    pub(crate) fn new(limits: &Limits, idle_time: Duration) -> Self {
        Self {
            max: limits.backend_connections,
            idle_max: limits.backend_idle,
            idle_time,
            limits: AnswerLimits {
                // A head as large as a client's may be comes whole.
                head: limits.buffer.max(limits.head + HYPER_PIECE),
                headers: limits.headers,
            },
            hosts: RefCell::default(),
        }
    }

    /// A connection that stands and waits for a request, the last used first.
    pub(crate) fn take(&self, address: SocketAddr) -> Option<Box<Channel>> {
        let mut hosts = self.hosts.borrow_mut();
        let idle = &mut hosts.get_mut(&address)?.idle;
        while let Some(Idle { mut channel, .. }) = idle.pop() {
            // A connection that says something, or is closed, is of no more use.
            if channel.link.is_idle() {
                channel.reused = true;
                return Some(channel);
            }
        }
        None
    }

    /// Keeps a connection whose request and answer are both whole.
    pub(crate) fn keep(&self, channel: Box<Channel>) {
        if !channel.is_reusable() {
            return;
        }
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(channel.address).or_default();
        if host.idle.len() < self.idle_max {
            // Since its last byte came.
            let since = channel.link.moved();
            host.idle.push(Idle { channel, since });
        }
    }

    /// Makes a new connection.
    pub(crate) async fn connect(
        &self,
        worker: &Rc<Worker>,
        address: SocketAddr,
        timeout: Duration,
    ) -> Result<Box<Channel>, NoChannel> {
        let open = self.open(address).ok_or(NoChannel::Limit)?;
        let connected = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
        let socket = connected.map_err(|_| NoChannel::Late)?.map_err(|_| NoChannel::Failed)?;
        // Without it small requests would wait for the backend's acknowledgement.
        socket.set_nodelay(true).map_err(|_| NoChannel::Failed)?;
        worker.counters.add(Count::BackendConnections);
        Ok(Channel::boxed(worker.clone(), Link::new(socket), address, self.limits, open))
    }

    /// Closes what was idle for too long.
    pub(crate) fn sweep(&self, now: Instant) {
        let fresh = |idle: &Idle| {
            now.saturating_duration_since(idle.since) < self.idle_time
                && idle.channel.link.is_idle()
        };
        self.hosts.borrow_mut().retain(|_, host| {
            host.idle.retain(fresh);
            host.open.get() > 0
        });
    }

    /// Closes all that nobody uses.
    pub(crate) fn close(&self) {
        self.hosts.borrow_mut().clear();
    }

    fn open(&self, address: SocketAddr) -> Option<Open> {
        let mut hosts = self.hosts.borrow_mut();
        let open = &hosts.entry(address).or_default().open;
        if open.get() >= self.max {
            return None;
        }
        open.set(open.get() + 1);
        Some(Open(open.clone()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
