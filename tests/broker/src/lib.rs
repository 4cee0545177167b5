//! A real Apache Kafka broker for tests: one process, KRaft, in a folder and on ports of its own.
//!
//! - Nothing has to be installed but Java and Maven: the jars are fetched once per machine.
//! - The broker ends with the test, even when the test is killed: a small shell between the two
//!   waits on a pipe that only the test holds, then kills the broker and removes its folder.
//! - It comes back on the same address with the same data ([`Broker::start_again`]).
//! - `TOLLGATE_TEST_KAFKA=host:port` names a broker that is there already; it is used and never
//!   killed, so tests that kill ask [`Broker::is_ours`] first.

mod jars;
mod ports;
mod server;

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

pub use jars::VERSION;
pub use ports::Port;
pub use server::SETTINGS;
use server::Server;

/// A broker. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Broker {
    addr: String,
    /// `None` when the broker is somebody else's.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    server: Server,
    /// Held, so that no other test takes them while the broker is down.
    _ports: [Port; 2],
}

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A program that runs or fetches the broker is missing.
    #[error(
        "the tests need a Kafka broker, and `{program}` is missing: install the Debian packages \
         `openjdk-17-jre-headless maven`, or set TOLLGATE_TEST_KAFKA=host:port"
    )]
    Missing {
        /// What is not on the PATH.
        program: &'static str,
    },
    /// There is no place for the jars.
    #[error("no folder to keep the broker in: set TOLLGATE_CACHE to one that can be written")]
    NoCache,
    /// Maven did not bring the jars.
    #[error("Maven could not fetch Apache Kafka {version}: {complaint}")]
    Fetch {
        /// The version that is pinned.
        version: &'static str,
        /// What Maven said.
        complaint: String,
    },
    /// The broker ended, or said nothing for too long.
    #[error("the broker did not start: {complaint}")]
    Silent {
        /// The end of its log.
        complaint: String,
    },
    /// No two ports are free.
    #[error("no free port for the broker")]
    NoPort,
    /// A file or process could not be handled.
    #[error("failed to {attempt}")]
    Io {
        /// What was attempted.
        attempt: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Broker {
    /// Starts a fresh broker, and returns once it answers: some 3 seconds; the first time on a
    /// machine the jars are fetched before.
    ///
    /// # Panics
    /// With one sentence, when there is none to be had.
    pub fn start() -> Self {
        Self::try_start().unwrap_or_else(|error| panic!("{}", told(&error)))
    }

    /// As [`Broker::start`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn try_start() -> Result<Self, StartError> {
        if let Some(addr) = std::env::var("TOLLGATE_TEST_KAFKA").ok().filter(|it| !it.is_empty()) {
            return Ok(Self { addr, own: None });
        }
        let jars = jars::jars()?;
        let ports = [Port::take()?, Port::take()?];
        let [port, controller] = ports.each_ref().map(Port::number);
        let server = Server::start(jars, port, controller)?;
        let addr = format!("127.0.0.1:{port}");
        Ok(Self { addr, own: Some(Own { server, _ports: ports }) })
    }

    /// One broker for all tests of a process that do not kill it; each has topics of its own.
    ///
    /// # Panics
    /// As [`Broker::start`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Where it listens, `host:port`.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// False for the broker of `TOLLGATE_TEST_KAFKA`.
    pub fn is_ours(&self) -> bool {
        self.own.is_some()
    }

    /// Id of the broker's process; `None` while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.own.as_ref().and_then(|own| own.server.pid())
    }

    /// The folder of its data and its log.
    ///
    /// # Panics
    /// When the broker is not ours.
    pub fn folder(&self) -> PathBuf {
        self.own().server.folder().to_owned()
    }

    /// Sends SIGKILL, and returns when the process is gone. Nothing when it is down already.
    ///
    /// # Panics
    /// When the broker is not ours.
    pub fn kill(&mut self) {
        self.own_mut().server.kill();
    }

    /// Stops cleanly, in some 2 seconds.
    ///
    /// # Panics
    /// When the broker is not ours, or does not end.
    pub fn stop(&mut self) {
        self.own_mut().server.stop();
    }

    /// Starts the broker that was killed or stopped, on the same address with the same data, and
    /// returns once it answers. Kills it first when it runs.
    ///
    /// # Panics
    /// When the broker is not ours, or does not start.
    pub fn start_again(&mut self) {
        let started = self.own_mut().server.start_again();
        started.unwrap_or_else(|error| panic!("{}", told(&error)));
    }

    /// The process stands still (SIGSTOP) until [`Broker::thaw`]: connections stay open, nothing
    /// is answered.
    ///
    /// # Panics
    /// When the broker is not ours, or is down.
    pub fn freeze(&self) {
        self.own().server.signal(rustix::process::Signal::STOP);
    }

    /// Goes on after [`Broker::freeze`].
    ///
    /// # Panics
    /// When the broker is not ours, or is down.
    pub fn thaw(&self) {
        self.own().server.signal(rustix::process::Signal::CONT);
    }

    fn own(&self) -> &Own {
        self.own.as_ref().expect("the broker of TOLLGATE_TEST_KAFKA is not ours to touch")
    }

    fn own_mut(&mut self) -> &mut Own {
        self.own.as_mut().expect("the broker of TOLLGATE_TEST_KAFKA is not ours to touch")
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
