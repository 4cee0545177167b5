//! The connections to backends that one worker has.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::{self, SendRequest};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinSet};

use super::Link;
use super::io::BackendIo;
use crate::config::Limits;
use crate::connection::{HYPER_HEADERS, HYPER_PIECE};
use crate::forward::RequestBody;
use crate::metrics::Count;
use crate::worker::Worker;

/// The connections of one worker, by address.
pub(crate) struct Pool {
    max: usize,
    idle_max: usize,
    idle_time: Duration,
    buffer: usize,
    headers: usize,
    hosts: RefCell<HashMap<SocketAddr, Host>>,
    /// The tasks that drive the connections; each ends when its connection or its channel does.
    tasks: RefCell<JoinSet<()>>,
}

#[derive(Default)]
struct Host {
    open: Rc<Cell<usize>>,
    idle: Vec<Idle>,
}

struct Idle {
    channel: Channel,
    since: Instant,
}

/// The right to use a connection. Dropping it closes the connection.
pub(crate) struct Channel {
    pub(crate) sender: SendRequest<RequestBody>,
    pub(crate) link: Rc<Link>,
    pub(crate) address: SocketAddr,
    /// It served a request before.
    pub(crate) reused: bool,
    task: AbortHandle,
    _open: Open,
}

/// Counts one open connection.
struct Open(Rc<Cell<usize>>);

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
            // A head as large as a client's may be comes whole.
            buffer: limits.buffer.max(limits.head + HYPER_PIECE),
            headers: limits.headers,
            hosts: RefCell::default(),
            tasks: RefCell::default(),
        }
    }

    /// A connection that stands and waits for a request, the last used first.
    pub(crate) fn take(&self, address: SocketAddr) -> Option<Channel> {
        let mut hosts = self.hosts.borrow_mut();
        let idle = &mut hosts.get_mut(&address)?.idle;
        let ready = |idle: &Idle| idle.channel.sender.is_ready() && !idle.channel.over();
        let ready = idle.iter().rposition(ready)?;
        let mut channel = idle.remove(ready).channel;
        channel.reused = true;
        Some(channel)
    }

    /// Keeps a connection whose request and answer are both whole.
    pub(crate) fn keep(&self, channel: Channel) {
        if channel.over() {
            return;
        }
        let mut hosts = self.hosts.borrow_mut();
        let host = hosts.entry(channel.address).or_default();
        if host.idle.len() < self.idle_max {
            host.idle.push(Idle { channel, since: Instant::now() });
        }
    }

    /// Makes a new connection.
    pub(crate) async fn connect(
        &self,
        worker: &Rc<Worker>,
        address: SocketAddr,
        timeout: Duration,
    ) -> Result<Channel, NoChannel> {
        let open = self.open(address).ok_or(NoChannel::Limit)?;
        let connected = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
        let socket = connected.map_err(|_| NoChannel::Late)?.map_err(|_| NoChannel::Failed)?;
        // Without it small requests would wait for the backend's acknowledgement.
        socket.set_nodelay(true).map_err(|_| NoChannel::Failed)?;
        worker.counters.add(Count::BackendConnections);
        let link = Rc::new(Link::new());
        let io = BackendIo { worker: worker.clone(), socket, link: link.clone() };
        let mut builder = http1::Builder::new();
        if self.headers != HYPER_HEADERS {
            builder.max_headers(self.headers);
        }
        let handshake = builder.max_buf_size(self.buffer).handshake(io).await;
        let (sender, connection) = handshake.map_err(|_| NoChannel::Failed)?;
        let task = self.tasks.borrow_mut().spawn_local(async move {
            // How it ended is known to the link and to whoever waits for the answer.
            let _ended = connection.await;
        });
        Ok(Channel { sender, link, address, reused: false, task, _open: open })
    }

    /// Closes what was idle for too long.
    pub(crate) fn sweep(&self, now: Instant) {
        let fresh = |idle: &Idle| {
            !idle.channel.over() && now.saturating_duration_since(idle.since) < self.idle_time
        };
        self.hosts.borrow_mut().retain(|_, host| {
            host.idle.retain(fresh);
            host.open.get() > 0
        });
        let mut tasks = self.tasks.borrow_mut();
        while tasks.try_join_next().is_some() {}
    }

    /// Closes everything and waits until it is closed.
    pub(crate) async fn close(&self) {
        self.hosts.borrow_mut().clear();
        let mut tasks = self.tasks.take();
        tasks.shutdown().await;
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

impl Channel {
    /// True when no further request can be sent.
    fn over(&self) -> bool {
        self.link.closed() || self.sender.is_closed()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
