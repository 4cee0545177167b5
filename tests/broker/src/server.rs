//! The broker's process, and the shell that keeps it no longer than the test.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::StartError;

/// A start takes some 3 seconds, after SIGKILL some 5; a machine that is busy with other tests
/// takes several times as long.
const START_MAX: Duration = Duration::from_secs(90);

/// A clean stop takes some 2 seconds.
const STOP_MAX: Duration = Duration::from_secs(30);

/// Between two looks at a process or its log.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The line of the log that says that the broker answers.
const STARTED: &str = "Kafka Server started";

/// Of the log, what is shown of a start that failed.
const COMPLAINT_MAX: usize = 3000;

/// Any cluster id does, since no cluster ever meets another.
const CLUSTER: &str = "dG9sbGdhdGUtdGVzdHMtMA";

/// Runs its arguments. The end of stdin, which comes with the end of the test however that ends,
/// kills the broker and removes its folder; a line on stdin says that a successor takes the folder.
const SHELL: &str = r#"
"$@" </dev/null >server.log 2>&1 &
echo $!
if read -r line; then wait; else kill -9 $!; wait; cd /; rm -rf "$FOLDER"; fi 2>/dev/null
"#;

#[derive(Debug)]
pub(crate) struct Server {
    jars: PathBuf,
    folder: PathBuf,
    shell: Child,
    line: Option<ChildStdin>,
    /// Of the broker; it stays a zombie, so nobody else gets this id, while the shell lives.
    pid: u32,
}

impl Server {
    /// Makes a folder, starts a broker in it and waits until it answers.
    pub(crate) fn start(jars: PathBuf, port: u16, controller: u16) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new().prefix("tollgate-broker-").tempdir();
        let folder = folder.map_err(|source| attempt("make a folder", source))?;
        let properties = properties(folder.path(), port, controller);
        fs::write(folder.path().join("server.properties"), properties)
            .map_err(|source| attempt("write server.properties", source))?;
        format(&jars, folder.path())?;
        let (shell, line, pid) = spawn(&jars, folder.path())?;
        // From here on the shell removes it.
        let server = Self { jars, folder: folder.keep(), shell, line: Some(line), pid };
        server.wait()?;
        Ok(server)
    }

    pub(crate) fn start_again(&mut self) -> Result<(), StartError> {
        self.kill();
        let mut line = self.line.take().expect("it is taken only here and at the end");
        writeln!(line, "next").map_err(|source| attempt("talk to the shell", source))?;
        self.shell.wait().map_err(|source| attempt("wait for the shell", source))?;
        let (shell, line, pid) = spawn(&self.jars, &self.folder)?;
        (self.shell, self.line, self.pid) = (shell, Some(line), pid);
        self.wait()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        runs(self.pid).then_some(self.pid)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        assert!(self.send(signal), "the broker is down");
    }

    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
        self.ended();
    }

    pub(crate) fn stop(&self) {
        self.send(Signal::TERM);
        self.send(Signal::CONT);
        self.ended();
    }

    fn send(&self, signal: Signal) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        runs(self.pid) && kill_process(pid.expect("a process id"), signal).is_ok()
    }

    fn ended(&self) {
        let deadline = Instant::now() + STOP_MAX;
        while runs(self.pid) {
            assert!(Instant::now() < deadline, "the broker did not end within {STOP_MAX:?}");
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    /// Until the broker answers.
    fn wait(&self) -> Result<(), StartError> {
        let deadline = Instant::now() + START_MAX;
        let log = self.folder.join("server.log");
        loop {
            // The log may not be there yet.
            let text = fs::read(&log).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            if text.contains(STARTED) {
                return Ok(());
            }
            if !runs(self.pid) || Instant::now() > deadline {
                let skipped = text.chars().count().saturating_sub(COMPLAINT_MAX);
                let complaint = text.chars().skip(skipped).collect();
                return Err(StartError::Silent { complaint });
            }
            thread::park_timeout(LOOK_AGAIN);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.line = None;
        // The shell has killed the broker when this returns; a failure leaves nothing to do.
        self.shell.wait().ok();
    }
}

/// True unless the process is gone, or a zombie without threads. (The first thread of a killed
/// process is a zombie while others still hold its ports.)
fn runs(pid: u32) -> bool {
    if fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|tasks| tasks.count() > 1) {
        return true;
    }
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name in parentheses may hold anything; the state stands after it.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn java(jars: &Path) -> [String; 7] {
    let jars = format!("{}/*", jars.display());
    // One compiler tier and one collector thread: a broker of a test shares two cores.
    let flags = ["java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    let [java, least, most, collector, tier] = flags.map(str::to_owned);
    [java, least, most, collector, tier, "-cp".to_owned(), jars]
}

fn format(jars: &Path, folder: &Path) -> Result<(), StartError> {
    let [java, arguments @ ..] = java(jars);
    let mut tool = Command::new(java);
    tool.args(arguments).args(["kafka.tools.StorageTool", "format", "-t", CLUSTER]);
    tool.args(["-c", "server.properties"]).current_dir(folder).stdin(Stdio::null());
    let output = tool.output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StartError::Missing { program: "java" },
        _ => attempt("start Java", source),
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(StartError::Silent { complaint: String::from_utf8_lossy(&output.stderr).into_owned() })
}

fn spawn(jars: &Path, folder: &Path) -> Result<(Child, ChildStdin, u32), StartError> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SHELL, "broker"]).args(java(jars));
    command.args(["kafka.Kafka", "server.properties"]).env("FOLDER", folder).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = command.spawn().map_err(|source| attempt("start the broker", source))?;
    let line = shell.stdin.take().expect("it is a pipe");
    let stdout = shell.stdout.take().expect("it is a pipe");
    let mut pid = String::new();
    let read = BufReader::new(stdout).read_line(&mut pid);
    read.map_err(|source| attempt("read the broker's process id", source))?;
    let pid = pid.trim().parse().map_err(|_| StartError::Silent { complaint: pid.clone() })?;
    Ok((shell, line, pid))
}

fn attempt(attempt: &str, source: io::Error) -> StartError {
    StartError::Io { attempt: attempt.to_owned(), source }
}

/// Whoever runs a broker sets these; docker-compose.yml does, and a test holds the two equal.
pub const SETTINGS: [(&str, &str); 12] = [
    ("controller.listener.names", "CONTROLLER"),
    ("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    ("offsets.topic.replication.factor", "1"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("auto.create.topics.enable", "false"),
    ("log.cleanup.policy", "delete"),
    ("log.retention.ms", "604800000"),
    ("log.retention.bytes", "-1"),
    ("message.max.bytes", "1048588"),
];

/// For tests alone. The time-outs of the session let a killed broker return after 4 instead of 13
/// seconds; short sessions of consumers are for tests in which one of them freezes.
const HASTE: [(&str, &str); 3] = [
    ("group.min.session.timeout.ms", "1000"),
    ("broker.session.timeout.ms", "2000"),
    ("broker.heartbeat.interval.ms", "500"),
];

fn properties(folder: &Path, port: u16, controller: u16) -> String {
    let place = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         log.dirs={}\n",
        folder.join("data").display()
    );
    let settings = SETTINGS.iter().chain(&HASTE);
    settings.fold(place, |text, (name, value)| text + name + "=" + value + "\n")
}
