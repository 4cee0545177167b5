//! Commands that end: at a limit of time, or when the run is interrupted, with all that they
//! started.

use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::timeout;

/// How long a command may take to end once it was asked to.
const END_MAX: Duration = Duration::from_secs(10);
/// Lines of a command's output that are shown when it failed.
const TAIL: usize = 30;

/// Runs commands until the run is interrupted.
#[derive(Debug)]
pub struct Commands {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

/// The run was asked to end.
#[derive(Debug, Clone, Copy)]
pub struct Interrupted;

/// A command that ended by itself.
#[derive(Debug, Clone)]
pub struct Ran {
    /// It ended with 0.
    pub success: bool,
    /// All that it printed: standard output, then standard error.
    pub text: String,
    /// How long it took.
    pub took: Duration,
}

enum End {
    Done(std::io::Result<Output>),
    Interrupted,
}

// === impl Commands ===

impl Commands {
    /// From now on SIGINT and SIGTERM are taken as a wish to end the run.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// Runs a command in a process group of its own, so that whatever it started ends with it.
    ///
    /// # Errors
    /// When it can not be started or takes longer than `limit`; [`Interrupted`].
    pub async fn run(&mut self, mut command: Command, limit: Duration) -> anyhow::Result<Ran> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("can not run {command:?}"))?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let group = group.context("a child without an id")?;
        let mut output = pin!(child.wait_with_output());
        let end = timeout(limit, async {
            tokio::select! {
                done = &mut output => End::Done(done),
                _ = self.interrupt.recv() => End::Interrupted,
                _ = self.terminate.recv() => End::Interrupted,
            }
        });
        let end = end.await;
        if let Ok(End::Done(done)) = end {
            return Ok(Ran::new(&done?, began.elapsed()));
        }
        for signal in [Signal::TERM, Signal::KILL] {
            // It may have ended in the meantime.
            kill_process_group(group, signal).ok();
            if timeout(END_MAX, &mut output).await.is_ok() {
                break;
            }
        }
        match end {
            Ok(_) => bail!(Interrupted),
            Err(_elapsed) => bail!("time-out after {} s", limit.as_secs()),
        }
    }
}

// === impl Ran ===

impl Ran {
    fn new(output: &Output, took: Duration) -> Self {
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Self { success: output.status.success(), text, took }
    }

    /// The last lines of what it printed.
    pub fn tail(&self) -> String {
        let lines: Vec<&str> = self.text.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

// === impl Interrupted ===

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Runs git in `folder`, whatever repository the caller's environment speaks of; gives its
/// standard output.
pub(super) fn git(folder: &Path, args: &[&str]) -> anyhow::Result<String> {
    let mut command = std::process::Command::new("git");
    for name in std::env::vars_os().map(|(name, _)| name) {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["-c", "core.autocrlf=false"])
        .args(args)
        .current_dir(folder)
        .output()
        .context("can not run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {}", args[0], said.trim());
    String::from_utf8(output.stdout).context("git prints what is no UTF-8")
}
