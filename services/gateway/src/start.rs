//! Starting and stopping a gateway: sockets, threads, and who waits for whom.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use policy::Policy;
use record::{PreviousLife, Time};
use socket2::{Domain, Protocol, Socket, Type};
use spool::{Reader, Spool, WhenFull, Writer};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::backend::{Names, Resolver};
use crate::config::Config;
use crate::metrics::Counters;
use crate::serve::{self, Thread};
use crate::worker::{Parts, WallClock, system_clock};

/// Connections that the kernel keeps until a worker takes them.
const BACKLOG: i32 = 1024;

/// How long a start waits for the names of backends.
const NAMES_FIRST: Duration = Duration::from_secs(3);

/// Where the records go: what [`spool::open`] gave, but for its reader.
#[derive(Debug)]
pub struct Streams {
    /// One per worker.
    pub writers: Vec<Writer>,
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
}

/// A gateway that serves.
pub struct Running {
    address: SocketAddr,
    counters: Vec<Arc<Counters>>,
    stop: watch::Sender<Option<Instant>>,
    ended: Vec<oneshot::Receiver<()>>,
    threads: Vec<JoinHandle<()>>,
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
        let Spool { writers, previous, reader, .. } = spool;
        (Self { writers, previous, when_full }, reader)
    }
}

// === impl Gateway ===

impl Gateway {
    /// A gateway of these parts, with the system's clock.
    pub fn new(config: Config, policy: Arc<Policy>, streams: Streams) -> Self {
        Self { config, policy, streams, clock: Arc::new(system_clock) }
    }

    /// The same with another wall clock. Durations always come from the system's own.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
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
        let Naming { names, thread } = resolve(&self.policy)?;
        let mut threads = vec![thread];
        let (stop, stopped) = watch::channel(None);
        let (ready, served) = sync_channel(usize::from(workers));
        let config = Arc::new(self.config);
        let (mut counters, mut ended) = (Vec::new(), Vec::new());
        for (listener, writer) in listeners.into_iter().zip(self.streams.writers) {
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
                clock: self.clock.clone(),
            };
            let thread = Thread {
                parts,
                listener,
                previous: self.streams.previous.clone(),
                names: names.clone(),
                stop: stopped.clone(),
            };
            let (end, ends) = oneshot::channel();
            ended.push(ends);
            threads.push(spawn(format!("gateway-{number}"), ready.clone(), end, thread)?);
        }
        drop(ready);
        let running = Running { address, counters, stop, ended, threads };
        while let Ok(started) = served.recv() {
            started.map_err(|source| StartError::Worker { source })?;
        }
        Ok(running)
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
    /// ends the streams.
    pub async fn stop(mut self, deadline: Duration) {
        self.stop.send_replace(Some(Instant::now() + deadline));
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
        self.stop.send_if_modified(|until| {
            let first = until.is_none();
            until.get_or_insert_with(Instant::now);
            first
        });
        for thread in std::mem::take(&mut self.threads) {
            if thread.join().is_err() {
                tracing::error!("worker panicked");
            }
        }
    }
}

/// One listener per worker on the same port; the kernel spreads connections over them.
fn listen(address: SocketAddr, workers: u16) -> Result<Vec<TcpListener>, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { address },
        _ => StartError::Listen { address, source },
    };
    if address.port() != 0 {
        // With shared ports a second gateway of the same user would be let in, and take half of
        // the connections. Without, the kernel says so.
        drop(bind(address, false).map_err(failed)?);
    }
    let first = bind(address, true).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(bind(bound, true).map_err(failed)?);
    }
    Ok(listeners)
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The names as they are known now, and the thread that keeps them so.
struct Naming {
    names: watch::Receiver<Arc<Names>>,
    thread: JoinHandle<()>,
}

/// Resolves all names once, then keeps doing so on a thread of its own.
fn resolve(policy: &Policy) -> Result<Naming, StartError> {
    let mut resolver = Resolver::new(policy);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| StartError::Worker { source })?;
    let (first, listening) = sync_channel(1);
    let control = move || {
        // What is not resolved by then may be soon; its requests are answered so meanwhile.
        let _elapsed = runtime.block_on(async { timeout(NAMES_FIRST, resolver.resolve()).await });
        let (publish, names) = watch::channel(Arc::new(resolver.names()));
        // The one who started this waits for it.
        let _listening = first.send(names);
        runtime.block_on(resolver.run(publish));
        // A lookup that hangs is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("gateway-names".to_owned()).spawn(control);
    let thread = thread.map_err(|source| StartError::Worker { source })?;
    let names = listening.recv().map_err(|_| StartError::Worker {
        source: io::Error::other("the thread that resolves names ended"),
    })?;
    Ok(Naming { names, thread })
}

fn spawn(
    name: String,
    ready: SyncSender<io::Result<()>>,
    end: oneshot::Sender<()>,
    thread: Thread,
) -> Result<JoinHandle<()>, StartError> {
    let run = move || {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let started = match runtime {
            Ok(runtime) => runtime.block_on(async {
                // Whoever waits for it hears a later failure too.
                let _waits = ready.send(Ok(()));
                drop(ready);
                serve::serve(thread).await
            }),
            Err(error) => {
                let _waits = ready.send(Err(error));
                Ok(())
            }
        };
        if let Err(error) = started {
            tracing::error!(%error, "worker does not serve");
        }
        // Nobody may wait any more.
        let _waits = end.send(());
    };
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned.map_err(|source| StartError::Worker { source })
}
