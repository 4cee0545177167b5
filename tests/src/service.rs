//! One process of the product, in a folder of its own with its configuration, its data and its log.
//! It is ready when `data/running.json` is there, or
//! `data/running-<role>.json`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::{processes, schema, wait, yaml};

/// A start with a warm cache takes two seconds; the first one of a machine fetches the engine.
const START_MAX: Duration = Duration::from_secs(600);
/// What is still in a pipe is read within it.
const LOG_MAX: Duration = Duration::from_secs(1);
/// A clean end on a busy machine.
const STOP_MAX: Duration = Duration::from_secs(60);

/// A folder, and the process that runs in it, if any.
#[derive(Debug)]
pub struct Service {
    exe: PathBuf,
    args: Vec<&'static str>,
    folder: PathBuf,
    process: Option<Child>,
    /// Copies what the process says into the log, and ends with it.
    scribe: Option<JoinHandle<()>>,
}

// === impl Service ===

impl Service {
    /// The program with these arguments, in a folder that is there.
    pub fn new(exe: impl Into<PathBuf>, args: &[&'static str], folder: impl Into<PathBuf>) -> Self {
        Self {
            exe: exe.into(),
            args: args.to_vec(),
            folder: folder.into(),
            process: None,
            scribe: None,
        }
    }

    /// Where it works.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.join("tollgate.yaml")
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it without waiting.
    ///
    /// # Panics
    /// When it runs already, or the program can not be started.
    pub fn spawn(&mut self, env: &[(&str, &str)]) {
        assert!(self.process.is_none(), "it runs already");
        fs::remove_file(self.said()).ok();
        let mut process = self.command(&self.args, env).spawn().expect("the program starts");
        self.collect_log(&mut process);
        self.process = Some(process);
    }

    /// Waits until it is ready; gives what it says of itself, or how it ended before. Where
    /// `tollgate check` takes its configuration, so does the schema.
    ///
    /// # Errors
    /// The status that it ended with.
    ///
    /// # Panics
    /// When it does not run, or does neither in time.
    pub fn ready(&mut self) -> Result<Value, ExitStatus> {
        let path = self.said();
        let outcome = wait::until("a process that is ready", START_MAX, || {
            let child = self.process.as_mut().expect("it runs");
            if let Some(status) = child.try_wait().expect("a child") {
                return Some(Err(status));
            }
            let text = fs::read(&path).ok()?;
            Some(Ok(serde_json::from_slice(&text).expect("running.json comes in one step")))
        });
        if outcome.is_ok() {
            self.schema_agrees();
        } else {
            self.process = None;
            self.write_down();
        }
        outcome
    }

    /// Asserts that the schema takes the configuration, if `tollgate check` does: one with faults
    /// in single APIs runs, too.
    fn schema_agrees(&self) {
        let text = fs::read_to_string(self.config()).expect("it runs with a configuration");
        let found = schema::mistakes(&yaml::read(&text));
        let agrees = found.is_empty() || !self.run(&["check"]).status.success();
        assert!(agrees, "the schema refuses what runs:\n{}\n{text}", found.join("\n"));
    }

    /// Starts it, and waits until it is ready.
    ///
    /// # Panics
    /// When it ends or does not answer in time; its log is in the message.
    pub fn start(&mut self, env: &[(&str, &str)]) -> Value {
        self.spawn(env);
        self.ready().unwrap_or_else(|status| {
            panic!("tollgate {:?} ended with {status}:\n{}", self.args, self.log());
        })
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
        self.write_down();
    }

    /// Asks it to end (SIGINT), and waits; gives how it ended.
    ///
    /// # Panics
    /// When it does not end within a minute. That it takes five seconds at most is shown by the
    /// tests of the end; elsewhere a busy machine is no fault.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::INT);
        self.ended(STOP_MAX)
    }

    /// Waits until it ended by itself.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut process = self.process.take().expect("it runs");
        let status =
            wait::until("the end of the process", limit, || process.try_wait().expect("a child"));
        self.write_down();
        status
    }

    /// Sends a signal to it: SIGSTOP freezes it, SIGCONT thaws it.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, signal: Signal) {
        assert!(processes::signal(self.pid(), signal), "it runs");
    }

    /// Process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// The same, if it runs.
    pub fn alive_pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// True while the process has not ended.
    pub fn alive(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.try_wait().ok().flatten().is_none())
    }

    /// Runs another command of the program in the same folder, to its end.
    ///
    /// # Panics
    /// When it can not be started.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args, &[]).output().expect("the program starts")
    }

    /// All that was written to stderr in this folder so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The log has all that the process said which has ended. A child of its own may hold the pipe a
    /// little longer: then the rest comes by itself.
    fn write_down(&mut self) {
        let Some(scribe) = self.scribe.take() else { return };
        wait::within(LOG_MAX, || scribe.is_finished().then_some(()));
    }

    fn said(&self) -> PathBuf {
        let name = match self.args[0] {
            "up" => "running.json".to_owned(),
            role => format!("running-{role}.json"),
        };
        self.data().join(name)
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.exe);
        command
            .args(args)
            .current_dir(&self.folder)
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
    fn collect_log(&mut self, process: &mut Child) {
        let path = self.folder.join("log");
        let stderr = process.stderr.take().expect("stderr is a pipe");
        let mut stdout = process.stdout.take().expect("stdout is a pipe");
        let scribe = std::thread::spawn(move || {
            let mut out = fs::OpenOptions::new().create(true).append(true).open(path).expect("log");
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                out.write_all(format!("{line}\n").as_bytes()).expect("log");
            }
        });
        self.scribe = Some(scribe);
        std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already; then there is nothing to kill.
            process.kill().ok();
            process.wait().ok();
        }
        // An engine that a test has stopped does not see that its parent is gone.
        for pid in processes::inside(&self.folder) {
            processes::signal(pid, Signal::KILL);
        }
    }
}
