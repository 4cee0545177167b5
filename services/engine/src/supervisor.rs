//! The running engine: its child process, watched by one thread.
//!
//! - The thread owns the child, the pipe and the lock on the data folder; when it ends, all three
//!   are gone, in this order.
//! - A child that dies unasked is started again on the same port, so that nobody has to learn a new
//!   address. There is no last try: the pause between two grows to [`PAUSE_MAX`] and stays there,
//!   and the state says `Down` all the while.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use settings::Secret;
use tokio::sync::watch;

use crate::config::{Config, Endpoint, HEADER, USER};
use crate::error::StartError;
use crate::fetch::library;
use crate::files::{SECRETS_FILE, Secrets, write_config};
use crate::library::PIN;
use crate::lock::{Lock, Refused};
use crate::process::{Failed, Launch, Process, STOP_MAX};
use crate::progress::Progress;

/// A start takes a second; with a great many parts to load, or while a dying predecessor still holds
/// the store, longer.
const START_MAX: Duration = Duration::from_secs(60);

/// A free port can be taken by another between our look and the child's. More than a few times in a
/// row means that something else is wrong.
const PORT_TRIES: u32 = 5;

/// Between two looks at a healthy child: a death is seen within this time.
const WATCH_EVERY: Duration = Duration::from_millis(50);

/// The first pause before a new start; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// The longest pause: short enough that an engine is back soon after its trouble has passed.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Whether the engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It answered when last seen.
    Up,
    /// It died and is being started again.
    Down,
}

/// A running engine. Dropping it stops it, like [`Engine::stop`].
#[derive(Debug)]
pub struct Engine {
    endpoint: Endpoint,
    state: watch::Receiver<State>,
    seen: Arc<Seen>,
    /// `None` once it was told to stop. Dropping the sender is what tells; a time that was sent
    /// before is how long the stop may take.
    stop: Option<SyncSender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

/// What the watching thread lets others see.
#[derive(Debug, Default)]
struct Seen {
    restarts: AtomicU64,
    /// 0 while there is no child.
    pid: AtomicU32,
}

/// The watching thread's own.
struct Watcher {
    launch: Launch,
    port: u16,
    stop: Receiver<Duration>,
    state: watch::Sender<State>,
    seen: Arc<Seen>,
}

// === impl Engine ===

impl Engine {
    /// Fetches the library if need be, starts the engine and waits until it answers.
    ///
    /// # Errors
    /// See [`StartError`]: each says what to do.
    pub fn start(config: &Config, progress: &mut dyn Progress) -> Result<Self, StartError> {
        Self::start_on(config, None, progress)
    }

    /// The same on a port of the caller's choice, so that it is known before the start.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_on(
        config: &Config,
        port: Option<u16>,
        progress: &mut dyn Progress,
    ) -> Result<Self, StartError> {
        let dir = make_private(&config.data_dir)
            .map_err(|source| StartError::data(&config.data_dir, source))?;
        let lock = hold(&dir)?;
        let cache = absolute(&config.cache_dir)
            .map_err(|source| StartError::data(&config.cache_dir, source))?;
        let library = library(&cache, &PIN, &config.sources, progress)?;
        if !is_name(&config.database) {
            return Err(StartError::Database { name: config.database.clone() });
        }
        let secrets = Secrets::load(&dir)
            .map_err(|source| StartError::data(&dir.join(SECRETS_FILE), source))?;
        write_config(&dir, &secrets, config.memory_max, &config.database)
            .map_err(|source| StartError::data(&dir, source))?;

        progress.step("starting the engine");
        let program = config.program.clone();
        let launch = Launch { dir, library, program, secrets };
        let (process, port) = first_start(&launch, port)?;
        Self::watch(launch, lock, process, port)
    }

    fn watch(launch: Launch, lock: Lock, process: Process, port: u16) -> Result<Self, StartError> {
        let endpoint = Endpoint {
            url: format!("http://127.0.0.1:{port}"),
            header: (HEADER.to_owned(), Secret::new(launch.secrets.header.clone())),
            user: USER.to_owned(),
            password: Secret::new(launch.secrets.password.clone()),
        };
        let (state_tx, state) = watch::channel(State::Up);
        let (stop_tx, stop) = sync_channel(1);
        let seen = Arc::new(Seen::default());
        seen.pid.store(process.pid(), Ordering::Relaxed);
        let watcher = Watcher { launch, port, stop, state: state_tx, seen: seen.clone() };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                watcher.run(process);
                drop(lock);
            })
            .map_err(StartError::Spawn)?;
        Ok(Self { endpoint, state, seen, stop: Some(stop_tx), thread: Some(thread) })
    }

    /// How it is reached.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it answers, as a value that can be awaited.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// How many times it was started again after an unexpected death.
    pub fn restarts(&self) -> u64 {
        self.seen.restarts.load(Ordering::Relaxed)
    }

    /// The process id of the child that runs now, if one does.
    pub fn pid(&self) -> Option<u32> {
        Some(self.seen.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Stops it: closes its pipe, waits, and kills it if it has not ended after 5 s. Blocks.
    pub fn stop(self) {
        drop(self);
    }

    /// The same for who can not wait that long: it is killed after `limit`.
    pub fn stop_within(self, limit: Duration) {
        if let Some(stop) = &self.stop {
            // Without room for the word, or anybody to hear it, it is being stopped already.
            stop.try_send(limit).ok();
        }
        drop(self);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the engine panicked");
        }
    }
}

/// The folder's absolute path. Only the owner may look into it: its files are customers' records,
/// and the engine itself writes them readable to all.
fn make_private(dir: &Path) -> io::Result<PathBuf> {
    let dir = absolute(dir)?;
    fs::create_dir_all(&dir)?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    Ok(dir)
}

/// Takes the lock of the data folder, which ends with this process.
fn hold(dir: &Path) -> Result<Lock, StartError> {
    let path = dir.join("lock");
    Lock::take(&path).map_err(|refused| match refused {
        Refused::Held(pid) => StartError::Held { dir: dir.to_owned(), pid },
        Refused::Io(source) => StartError::data(&path, source),
    })
}

/// The name goes into the engine's configuration unquoted.
fn is_name(database: &str) -> bool {
    !database.is_empty() && database.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits out a predecessor that is still dying, and takes another port when a free one was snatched
/// away.
fn first_start(launch: &Launch, chosen: Option<u16>) -> Result<(Process, u16), StartError> {
    let deadline = Instant::now() + START_MAX;
    let mut ports = 1;
    let free = || free_port().map_err(StartError::Spawn);
    let mut port = chosen.map_or_else(free, Ok)?;
    loop {
        match launch.start(port, deadline, || None) {
            Ok(process) => return Ok((process, port)),
            Err(Failed::Died(complaint)) if is_port_taken(&complaint) => match chosen {
                None if ports < PORT_TRIES => {
                    ports += 1;
                    port = free()?;
                }
                // The predecessor's, perhaps.
                Some(_) if Instant::now() < deadline => std::thread::sleep(PAUSE_MIN),
                Some(port) => return Err(StartError::Port { port }),
                None => return Err(StartError::Died { complaint }),
            },
            Err(Failed::Died(complaint))
                if is_store_locked(&complaint) && Instant::now() < deadline =>
            {
                std::thread::sleep(PAUSE_MIN);
            }
            Err(Failed::Died(complaint)) => return Err(StartError::Died { complaint }),
            // It is started again later too, whenever that happens.
            Err(Failed::Killed) if Instant::now() < deadline => {
                tracing::warn!("engine was killed at its start, starting it again");
                std::thread::sleep(PAUSE_MIN);
            }
            Err(Failed::Killed) => {
                let complaint = "it is killed (SIGKILL): is there enough memory?".to_owned();
                return Err(StartError::Died { complaint });
            }
            Err(Failed::Spawn(source)) => return Err(StartError::Spawn(source)),
            Err(Failed::Silent | Failed::Stopped) => {
                return Err(StartError::Silent { seconds: START_MAX.as_secs() });
            }
        }
    }
}

/// The engine's words when another process listens where it wants to.
fn is_port_taken(complaint: &str) -> bool {
    complaint.contains("Address already in use")
}

/// The engine's words when another engine uses the same store.
fn is_store_locked(complaint: &str) -> bool {
    complaint.contains("Cannot lock file")
}

// === impl Watcher ===

impl Watcher {
    /// Until told to stop; then the child is stopped as `process` is dropped.
    fn run(&self, mut process: Process) {
        loop {
            if let Some(limit) = self.told_to_stop(WATCH_EVERY) {
                process.stop_max = limit;
                return;
            }
            match process.exited() {
                Ok(None) => {}
                Ok(Some(status)) => {
                    let complaint = self.launch.complaint();
                    tracing::error!(%status, complaint, "engine died, starting it again");
                    self.seen.pid.store(0, Ordering::Relaxed);
                    self.state.send_replace(State::Down);
                    let Some(next) = self.start_again() else { return };
                    process = next;
                    self.seen.pid.store(process.pid(), Ordering::Relaxed);
                    self.seen.restarts.fetch_add(1, Ordering::Relaxed);
                    self.state.send_replace(State::Up);
                    tracing::info!(pid = process.pid(), "engine is up again");
                }
                Err(error) => tracing::error!(%error, "engine can not be watched"),
            }
        }
    }

    /// Waits for `pause` or the word to stop, whichever is first; gives how long a stop may take.
    fn told_to_stop(&self, pause: Duration) -> Option<Duration> {
        match self.stop.recv_timeout(pause) {
            Ok(limit) => Some(limit),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(STOP_MAX),
        }
    }

    /// `None` when told to stop meanwhile.
    fn start_again(&self) -> Option<Process> {
        let mut pause = PAUSE_MIN;
        loop {
            let deadline = Instant::now() + START_MAX;
            match self.launch.start(self.port, deadline, || self.told_to_stop(Duration::ZERO)) {
                Ok(process) => return Some(process),
                Err(Failed::Stopped) => return None,
                Err(failed) => tracing::warn!(?failed, ?pause, "engine does not start"),
            }
            if self.told_to_stop(pause).is_some() {
                return None;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}
