//! The product as a process of its own, on a folder of its own.
//!
//! [`World`] writes a configuration, starts `tollgate up` with it, and looks at what it stored
//! through ClickHouse's own HTTP port, not through the product.

use std::fs;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::Value;

use crate::clickhouse::ClickHouse;
use crate::client::Client;
use crate::service::Service;
use crate::{processes, wait};

/// How long records may take from the spool into ClickHouse, restarts of the engine included.
pub const STORE_MAX: Duration = Duration::from_secs(90);
/// What a process of the product leaves behind when it is killed ends within it.
const ORPHAN_MAX: Duration = Duration::from_secs(10);
/// The host of the service in [`World`]'s configuration.
pub const HOST: &str = "svc.example.test";
/// The account of that service.
pub const ACCOUNT: &str = "1250000001";
/// The operator's own account, which pays for what no service is asked for.
pub const OPERATOR: &str = "1000000000";
/// Workers of the gateway.
pub(crate) const WORKERS: u64 = 2;

/// A folder with a configuration, and the process that runs on it, if any.
#[derive(Debug)]
pub struct World {
    /// Ends before its folder goes.
    service: Service,
    /// The folder; removed at the end.
    pub folder: tempfile::TempDir,
}

/// What `running.json` says of a running process.
#[derive(Debug, Clone)]
pub struct Running {
    /// Addresses of the gateway.
    pub gateway: SocketAddr,
    /// Address of the query API.
    pub api: SocketAddr,
    /// Address of the metrics.
    pub metrics: SocketAddr,
    /// A token for all accounts.
    pub token: String,
    /// Workers of the gateway.
    pub workers: u64,
    /// How far the clock of the process is ahead, seconds.
    pub ahead_s: i64,
    /// Its ClickHouse, asked directly.
    pub store: ClickHouse,
}

// === impl World ===

impl World {
    /// A new folder with the standard configuration for `backend`; `more` is appended to it.
    ///
    /// # Panics
    /// When the folder can not be written.
    pub fn new(exe: impl Into<PathBuf>, backend: SocketAddr, more: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("tollgate-test").tempdir();
        let folder = folder.expect("a folder");
        let world = Self { service: Service::new(exe, &["up"], folder.path()), folder };
        let text = format!("{}{more}", standard("gw-test", backend));
        fs::write(world.config(), text).expect("a configuration");
        world
    }

    /// Starts `tollgate up` and waits until it answers.
    ///
    /// # Panics
    /// When it ends or does not answer in time; its log is in the message.
    pub fn up(&mut self) -> Running {
        self.up_with(&[])
    }

    /// The same with environment variables.
    ///
    /// # Panics
    /// As [`World::up`].
    pub fn up_with(&mut self, env: &[(&str, &str)]) -> Running {
        self.try_up(env).unwrap_or_else(|status| {
            panic!("tollgate up ended with {status}:\n{}", self.log());
        })
    }

    /// The same where it may end before it answers: how it ended.
    ///
    /// # Errors
    /// The status that it ended with.
    ///
    /// # Panics
    /// When it does neither in time.
    pub fn try_up(&mut self, env: &[(&str, &str)]) -> Result<Running, ExitStatus> {
        self.service.spawn(env);
        let ahead = env.iter().find(|(name, _)| *name == "TOLLGATE_TEST_CLOCK_AHEAD");
        let ahead_s = ahead.map_or(0, |(_, seconds)| seconds.parse().expect("seconds"));
        let said = self.service.ready()?;
        Ok(Running::new(&said, ahead_s).unwrap_or_else(|| panic!("{said}")))
    }

    /// Asserts that a process that is gone has left nothing: no process in the folder, no lock.
    ///
    /// # Panics
    /// When it has.
    pub fn nothing_is_left(&self) {
        wait::until("the end of all processes of the folder", ORPHAN_MAX, || {
            processes::inside(self.folder.path()).is_empty().then_some(())
        });
        for lock in ["clickhouse/lock", "spool/lock"] {
            let file = fs::File::open(self.data().join(lock)).expect("a lock file");
            let taken = flock(&file, FlockOperation::NonBlockingLockExclusive);
            assert_eq!(taken, Ok(()), "{lock} is held by nobody");
        }
    }

    /// The engine's process, if there is one.
    pub fn engine(&self) -> Option<u32> {
        processes::inside(&self.data().join("clickhouse")).first().copied()
    }

    /// Sends a signal to the engine's process.
    ///
    /// # Panics
    /// When there is none.
    pub fn signal_engine(&self, signal: Signal) {
        let engine = wait::until("an engine", STORE_MAX, || self.engine());
        assert!(processes::signal(engine, signal), "the engine is gone");
    }
}

impl Deref for World {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}

// === impl Running ===

/// The product's answers and what it stored are asked in one breath in tests.
impl Deref for Running {
    type Target = ClickHouse;

    fn deref(&self) -> &ClickHouse {
        &self.store
    }
}

impl Running {
    /// What a `running.json` says; `ahead_s` is the clock of its process.
    pub fn new(json: &Value, ahead_s: i64) -> Option<Self> {
        let word = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            gateway: json.get("gateways")?.get(0)?.as_str()?.parse().ok()?,
            api: word("url")?.strip_prefix("http://")?.parse().ok()?,
            metrics: word("metrics")?.parse().ok()?,
            token: word("token")?,
            workers: WORKERS,
            ahead_s,
            store: ClickHouse::new(json.get("store")?)?,
        })
    }

    /// A number that the product shows of itself.
    ///
    /// # Panics
    /// When it does not show it.
    pub fn metric(&self, name: &str) -> u64 {
        let mut client = Client::connect(self.metrics).expect("the metrics are served");
        let request = crate::ledger::get("metrics", "/metrics");
        let answer = client.exchange(&request).expect("the metrics are served");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    /// `GET path` of the query API with a token: status and JSON.
    ///
    /// # Panics
    /// When the API does not answer.
    pub fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n");
        let mut client = Client::connect(self.api).expect("the API listens");
        let answer = client.exchange(request.as_bytes()).expect("the API answers");
        let json = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status, json)
    }
}

/// One service with a plain API on every path, an API with a mock, a price book, short times.
pub(crate) fn standard(gateway: &str, backend: SocketAddr) -> String {
    format!(
        "data: ./data\n\
         gateway:\n\
        \x20 name: {gateway}\n\
        \x20 region: ap-guangzhou\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 workers: {WORKERS}\n\
        \x20 operator_account: \"{OPERATOR}\"\n\
        \x20 private_networks: []\n\
        \x20 metrics: 127.0.0.1:0\n\
        \x20 record: {{heartbeat: 1s}}\n\
         query:\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 metrics: 127.0.0.1:0\n\
         prices:\n\
        \x20 books: [\"bundled:published\"]\n\
         services:\n\
        \x20 - id: service-a\n\
        \x20   account: \"{ACCOUNT}\"\n\
        \x20   hosts: [{HOST}]\n\
        \x20   environments: [release, test]\n\
        \x20   apis:\n\
        \x20     - id: api-all\n\
        \x20       path: /\n\
        \x20       backend: {{url: \"http://{backend}/\", net: private}}\n\
        \x20     - id: api-mock\n\
        \x20       path: /mock/\n\
        \x20       backend: {{mock: {{status: 200, body: hello}}}}\n"
    )
}
