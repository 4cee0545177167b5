//! The sides of a comparison: our gateway, and what others run in its place.
//!
//! All get the same APIs, the same backend and the same core. Each has a folder of its own, which
//! goes with it.

mod haproxy;
mod nginx;
mod ours;
mod rsyslog;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

pub(crate) use ours::configuration;

use crate::process::{Process, find};

/// The host that is served.
pub(crate) const HOST: &str = "bench.example.test";

/// Who serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `tollgate gateway`, this program.
    Ours(PathBuf),
    /// With a JSON log of the same fields, buffered.
    Nginx,
    /// Without any log.
    Haproxy,
}

/// What is served.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) backend: SocketAddr,
    pub(crate) apis: u32,
    /// Threads of ours; a peer has one.
    pub(crate) workers: u32,
    /// Key pairs are checked, by ours.
    pub(crate) hmac: bool,
    /// Where records go: a broker's address and a topic.
    pub(crate) kafka: Option<(String, String)>,
}

/// One side, running; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) address: SocketAddr,
    processes: Vec<Process>,
    _folder: TempDir,
}

// === impl Kind ===

impl Kind {
    /// What has to be installed for it with this setup, when it is not there.
    pub(crate) fn missing(&self, setup: &Setup) -> Option<String> {
        let needed: &[(&str, &str)] = match self {
            Self::Ours(_) => &[],
            Self::Nginx => &[("nginx", "nginx-light")],
            Self::Haproxy => &[("haproxy", "haproxy")],
        };
        if setup.kafka.is_some() && *self == Self::Nginx && !rsyslog::is_there() {
            return Some(missing_text("rsyslog", "rsyslog rsyslog-kafka"));
        }
        let missing = needed.iter().find(|(program, _)| find(program).is_none());
        missing.map(|(program, package)| missing_text(program, package))
    }

    /// The name in tables.
    pub(crate) fn name(&self, setup: &Setup) -> &'static str {
        match self {
            Self::Ours(_) => "tollgate",
            Self::Nginx if setup.kafka.is_some() => "nginx + rsyslog",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// `nginx/1.22.1`; for ours what `--version` says.
    pub(crate) fn version(&self) -> String {
        let (program, flag) = match self {
            Self::Ours(path) => (Some(path.clone()), "--version"),
            Self::Nginx => (find("nginx"), "-v"),
            Self::Haproxy => (find("haproxy"), "-v"),
        };
        version(program, flag)
    }
}

/// `rsyslogd 8.2302.0`
pub(crate) fn rsyslog_version() -> String {
    version(find("rsyslogd"), "-v").split("  ").next().unwrap_or("rsyslogd").to_owned()
}

/// `nginx is missing: apt-get install nginx`
pub(crate) fn missing_text(program: &str, package: &str) -> String {
    format!("{program} is missing: apt-get install {package}")
}

/// The first line that the program says about itself, without what goes on about the build.
pub(crate) fn version(program: Option<PathBuf>, flag: &str) -> String {
    let output = program.and_then(|program| Command::new(program).arg(flag).output().ok());
    let output = output.map(|output| [output.stdout, output.stderr].concat());
    let text = String::from_utf8_lossy(&output.unwrap_or_default()).into_owned();
    let line = text.lines().next().unwrap_or("unknown").replace("nginx version: ", "");
    line.split([',', '(']).next().unwrap_or("unknown").trim().to_owned()
}

// === impl Side ===

impl Side {
    /// Starts it; it answers when this returns.
    ///
    /// # Errors
    /// It is missing, or does not start; with what it said.
    pub(crate) fn start(kind: &Kind, setup: &Setup) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-bench").tempdir()?;
        let (address, mut processes) = match kind {
            Kind::Ours(program) => ours::start(program, setup, folder.path())?,
            Kind::Nginx => nginx::start(setup, folder.path())?,
            Kind::Haproxy => haproxy::start(setup, folder.path())?,
        };
        if let (Kind::Nginx, Some((broker, topic))) = (kind, &setup.kafka) {
            processes.push(rsyslog::start(broker, topic, folder.path())?);
        }
        Ok(Self { address, processes, _folder: folder })
    }

    /// CPU of all its processes so far, nanoseconds.
    ///
    /// # Errors
    /// One has ended.
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        self.processes.iter().map(Process::cpu_ns).sum()
    }

    /// Memory of all its processes, bytes.
    ///
    /// # Errors
    /// One has ended.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.processes.iter().map(Process::memory).sum()
    }
}

/// A port that nobody has just now. Somebody else may take it before it is used; then the start
/// fails and says so.
pub(crate) fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Waits until it accepts connections.
fn accepting(process: &mut Process, address: SocketAddr) -> Result<()> {
    process.wait_for(|| TcpStream::connect(address).ok().map(drop))
}
