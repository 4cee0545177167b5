//! A gateway that serves: how it is, and how it ends.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use policy::Policy;
use spool::WhenFull;
use tokio::sync::{oneshot, watch};

use crate::epochs::Calls;
use crate::metrics::{Count, Counters};

/// A gateway that serves.
pub struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Vec<Arc<Counters>>,
    pub(crate) when_full: WhenFull,
    pub(crate) calls: Arc<Calls>,
    pub(crate) ask: watch::Sender<Arc<Policy>>,
    pub(crate) serving: watch::Receiver<Arc<Policy>>,
    pub(crate) stop: watch::Sender<Option<Stop>>,
    pub(crate) ended: Vec<oneshot::Receiver<()>>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

/// How a gateway ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Until when to finish what has begun.
    pub(crate) until: Instant,
    /// It does not come back.
    pub(crate) retires: bool,
}

/// How a gateway is, for whoever asks at whatever time, also after its end. Cheap to clone and to
/// ask; it follows the workers within their beat (a second at most).
#[derive(Debug, Clone)]
pub struct Health {
    counters: Vec<Arc<Counters>>,
    when_full: WhenFull,
}

/// Why a gateway should be given no requests now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    /// It has not begun to serve, or it drains.
    #[error("{workers} of its workers accept no connections")]
    NotServing {
        /// How many.
        workers: usize,
    },
    /// The disk takes no records, or an epoch does not begin: answers are held.
    #[error("the spool of {workers} workers takes no records")]
    Stalled {
        /// How many.
        workers: usize,
    },
    /// The spool is full, and requests are refused (`when_full: reject`).
    #[error("the spool of {workers} workers is full")]
    Full {
        /// How many.
        workers: usize,
    },
}

/// How full one worker's share of the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolUsage {
    /// Number of the worker.
    pub worker: u16,
    /// Bytes that wait for their acknowledgement.
    pub used: u64,
    /// Bytes of the share.
    pub capacity: u64,
    /// It is full by 80 % or more; until it falls below 70 %.
    pub alarm: bool,
}

/// Brings a gateway other policies.
#[derive(Debug, Clone)]
pub struct Reloader(watch::Sender<Arc<Policy>>);

// === impl Reloader ===

impl Reloader {
    /// Serves requests that begin from now on by another policy, as soon as the names of its
    /// backends were asked for once; requests that have begun are finished by the one before. Of two
    /// in quick succession only the later one may be served.
    pub fn reload(&self, policy: Arc<Policy>) {
        self.0.send_replace(policy);
    }
}

// === impl Running ===

impl Running {
    /// Where it listens: the port that was chosen when the configuration says 0.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The counters of each worker.
    pub fn counters(&self) -> Vec<Arc<Counters>> {
        self.counters.clone()
    }

    /// Tells how it is, now and later.
    pub fn health(&self) -> Health {
        Health { counters: self.counters.clone(), when_full: self.when_full }
    }

    /// True when its workers listen and its spool takes appends.
    pub fn ready(&self) -> bool {
        self.health().ready().is_ok()
    }

    /// For whoever brings other policies; also after the gateway's end, when it does nothing.
    pub fn reloader(&self) -> Reloader {
        Reloader(self.ask.clone())
    }

    /// Which policy is served, now and later; the workers follow at their next turn.
    pub fn serving(&self) -> watch::Receiver<Arc<Policy>> {
        self.serving.clone()
    }

    /// Returns when a worker ended without having been told to: it never should.
    pub async fn failed(&mut self) {
        poll_fn(|cx| {
            let mut ends = self.ended.iter_mut();
            let ended = ends.any(|ended| Pin::new(ended).poll(cx).is_ready());
            if ended { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // One that has told its end is not asked again.
        self.ended.clear();
    }

    /// Stops accepting, finishes what has begun within `deadline`, cuts and records the rest,
    /// ends the streams. The gateway is expected to come back.
    pub async fn stop(self, deadline: Duration) {
        self.end(Stop { until: Instant::now() + deadline, retires: false }).await;
    }

    /// The same, for good: its streams say that it retires, so that no later hour waits for it.
    pub async fn retire(self, deadline: Duration) {
        self.end(Stop { until: Instant::now() + deadline, retires: true }).await;
    }

    async fn end(mut self, stop: Stop) {
        self.calls.close();
        self.stop.send_replace(Some(stop));
        for ended in std::mem::take(&mut self.ended) {
            // The thread ended either way.
            let _ended = ended.await;
        }
        drop(self);
    }
}

impl Drop for Running {
    /// Stops at once, and waits for the threads.
    fn drop(&mut self) {
        self.calls.close();
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            stop.get_or_insert_with(Stop::now);
            first
        });
        for thread in std::mem::take(&mut self.threads) {
            if thread.join().is_err() {
                tracing::error!("worker panicked");
            }
        }
    }
}

// === impl Stop ===

impl Stop {
    /// At once; the gateway is expected to come back.
    pub(crate) fn now() -> Self {
        Self { until: Instant::now(), retires: false }
    }
}

// === impl Health ===

impl Health {
    /// Whether requests should be sent to it now.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn ready(&self) -> Result<(), Unready> {
        let with = |count, value| {
            self.counters.iter().filter(|counters| counters.get(count) == value).count()
        };
        let workers = with(Count::SpoolStalled, 1);
        if workers > 0 {
            return Err(Unready::Stalled { workers });
        }
        let workers = with(Count::Serving, 0);
        if workers > 0 {
            return Err(Unready::NotServing { workers });
        }
        let workers = with(Count::SpoolFull, 1);
        if workers > 0 && self.when_full == WhenFull::Reject {
            return Err(Unready::Full { workers });
        }
        Ok(())
    }

    /// How full the spool is, per worker.
    pub fn usage(&self) -> Vec<SpoolUsage> {
        let usage = |(worker, counters): (u16, &Arc<Counters>)| SpoolUsage {
            worker,
            used: counters.get(Count::SpoolUsed),
            capacity: counters.get(Count::SpoolCapacity),
            alarm: counters.get(Count::SpoolAlarm) > 0,
        };
        (0..).zip(&self.counters).map(usage).collect()
    }
}
