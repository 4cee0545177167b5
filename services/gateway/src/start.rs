//! Starting and stopping a gateway: sockets, threads, and who waits for whom.

mod listen;
mod threads;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use policy::Policy;
use record::{PreviousLife, Time};
use spool::{Epochs, Reader, Spool, WhenFull, Writer};
use tokio::sync::{oneshot, watch};

use crate::clocks::{Clocks, MonotonicClock, WallClock, boot_clock, system_clock};
use crate::config::Config;
use crate::epochs;
use crate::metrics::Counters;
use crate::running::Running;
use crate::serve::Thread;
use crate::worker::Parts;
use listen::listen;
use threads::{Naming, resolve, spawn};

/// Where the records go: what [`spool::open`] gave, but for its reader.
#[derive(Debug)]
pub struct Streams {
    /// One per worker.
    pub writers: Vec<Writer>,
    /// Begins an epoch when the wall clock jumps.
    pub epochs: Epochs,
    /// The newest earlier life that left a record on disk.
    pub previous: Option<PreviousLife>,
    /// What to do with requests when there is no room.
    pub when_full: WhenFull,
}

/// A gateway before it serves.
pub struct Gateway {
    config: Config,
    policy: Arc<Policy>,
    streams: Streams,
    clock: WallClock,
    monotonic: MonotonicClock,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "the port of `{address}` is in use: stop the process that holds it (`ss -ltnp` shows it), \
         or set `gateway.listen` to another port"
    )]
    PortInUse {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The address can not be listened on.
    #[error("failed to listen on `{address}`: check `gateway.listen`")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A thread or its runtime could not be made.
    #[error("failed to start a worker: the machine is short of threads, memory or descriptors")]
    Worker {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A worker that served ended by itself; the log says why.
    #[error("a worker ended by itself: restart the gateway, and report its log")]
    WorkerEnded,
    /// The spool was opened for another number of workers.
    #[error("the spool has {writers} writers for {workers} workers")]
    Writers {
        /// Of the spool.
        writers: usize,
        /// Of the configuration.
        workers: u16,
    },
}

// === impl Streams ===

impl Streams {
    /// Parts an opened spool: the gateway writes, somebody else reads.
    pub fn part(spool: Spool, when_full: WhenFull) -> (Self, Reader) {
        let Spool { writers, previous, reader, epochs, .. } = spool;
        (Self { writers, epochs, previous, when_full }, reader)
    }
}

// === impl Gateway ===

impl Gateway {
    /// A gateway of these parts, with the system's clocks.
    pub fn new(config: Config, policy: Arc<Policy>, streams: Streams) -> Self {
        let (clock, monotonic) = (Arc::new(system_clock), Arc::new(boot_clock));
        Self { config, policy, streams, clock, monotonic }
    }

    /// The same with another wall clock. It may be any distance from the system's, but where it
    /// leaves the monotonic one by more than 2 s, an epoch ends. Limits of waiting go by the
    /// system's own clock always.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The same with another monotonic clock, which only tells jumps of the wall clock.
    #[must_use]
    pub fn with_monotonic(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { monotonic: Arc::new(clock), ..self }
    }

    /// Starts with the system's clock.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(
        config: Config,
        policy: Arc<Policy>,
        streams: Streams,
    ) -> Result<Running, StartError> {
        Self::new(config, policy, streams).launch()
    }

    /// Serves until `shutdown` is done, then drains for at most `deadline`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()>,
        deadline: Duration,
    ) -> Result<(), StartError> {
        let mut running = self.launch()?;
        let failed = tokio::select! {
            () = shutdown => false,
            () = running.failed() => true,
        };
        running.stop(deadline).await;
        if failed { Err(StartError::WorkerEnded) } else { Ok(()) }
    }

    /// Binds, starts the threads, and returns when all of them serve.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn launch(self) -> Result<Running, StartError> {
        let workers = self.config.workers.get();
        let writers = self.streams.writers.len();
        if writers != usize::from(workers) {
            return Err(StartError::Writers { writers, workers });
        }
        let listeners = listen(self.config.listen, workers)?;
        let address = listeners[0].local_addr().map_err(|source| StartError::Worker { source })?;
        let Naming { names, serving, ask, thread } = resolve(&self.policy)?;
        let clocks = Arc::new(Clocks::new(self.clock, self.monotonic));
        let begun = epochs::start(self.streams.epochs, clocks.clone(), workers);
        let (calls, members, epochs) = begun.map_err(|source| StartError::Worker { source })?;
        // The one that begins epochs ends after the workers.
        let (mut threads, last) = (vec![thread], epochs);
        let (stop, stopped) = watch::channel(None);
        let (ready, served) = sync_channel(usize::from(workers));
        let config = Arc::new(self.config);
        let (mut counters, mut ended) = (Vec::new(), Vec::new());
        let places = listeners.into_iter().zip(self.streams.writers).zip(members);
        for ((listener, writer), member) in places {
            let number = writer.stream().worker;
            let counts = Arc::new(Counters::default());
            counters.push(counts.clone());
            let parts = Parts {
                config: config.clone(),
                policy: self.policy.clone(),
                counters: counts,
                when_full: self.streams.when_full,
                workers,
                writer,
                names: names.borrow().clone(),
                own: vec![address, config.metrics],
                clocks: clocks.clone(),
            };
            let thread = Thread {
                parts,
                listener,
                previous: self.streams.previous.clone(),
                names: names.clone(),
                serving: serving.clone(),
                member,
                stop: stopped.clone(),
            };
            let (end, ends) = oneshot::channel();
            ended.push(ends);
            threads.push(spawn(format!("gateway-{number}"), ready.clone(), end, thread)?);
        }
        drop(ready);
        threads.push(last);
        let when_full = self.streams.when_full;
        let running =
            Running { address, counters, when_full, calls, ask, serving, stop, ended, threads };
        while let Ok(started) = served.recv() {
            started.map_err(|source| StartError::Worker { source })?;
        }
        Ok(running)
    }
}
