//! The product as a process of its own, on a folder of its own.
//!
//! [`World`] writes a configuration, starts `tollgate up` with it, and looks at what it stored
//! through ClickHouse's own HTTP port, not through the product.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use serde_json::Value;

use crate::clickhouse::ClickHouse;
use crate::client::Client;
use crate::{processes, wait};

/// A start with a warm cache takes two seconds; the first one of a machine fetches the engine.
const START_MAX: Duration = Duration::from_secs(600);
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
const WORKERS: u64 = 2;

/// A folder with a configuration, and the process that runs on it, if any.
#[derive(Debug)]
pub struct World {
    /// The folder; removed at the end.
    pub folder: tempfile::TempDir,
    exe: PathBuf,
    process: Option<Child>,
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
        let world = Self { folder: folder.expect("a folder"), exe: exe.into(), process: None };
        fs::write(world.config(), configuration(backend, more)).expect("a configuration");
        world
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("tollgate.yaml")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
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
        let path = self.data().join("running.json");
        fs::remove_file(&path).ok();
        self.spawn_with(env);
        let ahead = env.iter().find(|(name, _)| *name == "TOLLGATE_TEST_CLOCK_AHEAD");
        let ahead_s = ahead.map_or(0, |(_, seconds)| seconds.parse().expect("seconds"));
        let outcome = wait::until("tollgate up", START_MAX, || {
            let child = self.process.as_mut().expect("just started");
            if let Some(status) = child.try_wait().expect("a child") {
                return Some(Err(status));
            }
            Running::read(&path, ahead_s).map(Ok)
        });
        if outcome.is_err() {
            self.process = None;
        }
        outcome
    }

    /// Starts `tollgate up` without waiting.
    ///
    /// # Panics
    /// When the program can not be started.
    pub fn spawn_with(&mut self, env: &[(&str, &str)]) {
        assert!(self.process.is_none(), "it runs already");
        let mut process = self.command(&["up"], env).spawn().expect("the program starts");
        self.collect_log(&mut process);
        self.process = Some(process);
    }

    /// SIGKILL, then waits for the end. The system ends an engine that is stopped then (SIGHUP to
    /// a process group that has lost its parent), the engine itself any other.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("a process of ours");
        process.wait().expect("a child");
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

    /// Waits until it ended by itself.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut process = self.process.take().expect("it runs");
        wait::until("the end of the process", limit, || process.try_wait().expect("a child"))
    }

    /// Asks it to end (SIGINT), and waits; gives how it ended.
    ///
    /// # Panics
    /// When it does not end within a minute. That it takes five seconds at most is shown by the
    /// tests of the end; elsewhere a busy machine is no fault.
    pub fn stop(&mut self) -> ExitStatus {
        let pid = self.pid().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
        assert!(told.success());
        self.ended(Duration::from_secs(60))
    }

    /// Process id of the running process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// True while the process has not ended.
    pub fn alive(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().ok().flatten().is_none())
    }

    /// Runs a command of the program to its end.
    ///
    /// # Panics
    /// When it can not be started.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args, &[]).output().expect("the program starts")
    }

    /// All that the processes of this folder wrote to stderr so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.exe);
        command
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env("TOLLGATE_TEST_PARENT", std::process::id().to_string())
            .envs(env.iter().copied());
        for variable in ["TOLLGATE_URL", "TOLLGATE_TOKEN", "TOLLGATE_DATA"] {
            command.env_remove(variable);
        }
        command
    }

    /// Copies the process's stderr into the folder's log.
    fn collect_log(&self, process: &mut Child) {
        let path = self.folder.path().join("log");
        let stderr = process.stderr.take().expect("stderr is a pipe");
        let mut stdout = process.stdout.take().expect("stdout is a pipe");
        std::thread::spawn(move || {
            let mut out = fs::OpenOptions::new().create(true).append(true).open(path).expect("log");
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                std::io::Write::write_all(&mut out, format!("{line}\n").as_bytes()).expect("log");
            }
        });
        std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already; then there is nothing to kill.
            process.kill().ok();
            process.wait().ok();
        }
        // An engine that a test has stopped does not see that its parent is gone.
        for pid in processes::inside(self.folder.path()) {
            processes::signal(pid, Signal::KILL);
        }
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
    /// What stands in a `running.json`, once it is there; `ahead_s` is the clock of its process.
    pub fn read(path: &Path, ahead_s: i64) -> Option<Self> {
        let json: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
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
fn configuration(backend: SocketAddr, more: &str) -> String {
    let standard = format!(
        "data: ./data\n\
         gateway:\n\
        \x20 name: gw-test\n\
        \x20 region: ap-guangzhou\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 workers: {WORKERS}\n\
        \x20 operator_account: \"{OPERATOR}\"\n\
        \x20 private_networks: []\n\
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
    );
    format!("{standard}{more}")
}
