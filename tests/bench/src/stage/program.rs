//! One process of the product, in a folder of its own; dropping it ends it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::LOOK;

/// Longer than any start.
const START_MAX: Duration = Duration::from_secs(120);

/// A process that runs.
pub(crate) struct Program {
    process: Child,
    /// What it says of itself.
    pub(crate) said: Value,
}

// === impl Program ===

impl Program {
    /// `tollgate ROLE` in `folder`, which is made; ready when this returns.
    pub(crate) fn start(
        exe: &Path,
        folder: PathBuf,
        role: &str,
        configuration: &str,
    ) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("tollgate.yaml"), configuration)?;
        let log = fs::File::create(folder.join("log"))?;
        // However this program ends, the kernel ends that one.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(exe)
            .arg(role)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("`tollgate {role}` can not be started"))?;
        let said = match role {
            "up" => "data/running.json".to_owned(),
            role => format!("data/running-{role}.json"),
        };
        // From here on it ends with the value.
        let mut program = Self { process, said: Value::Null };
        let began = Instant::now();
        loop {
            if let Ok(text) = fs::read(folder.join(&said)) {
                program.said = serde_json::from_slice(&text)?;
                return Ok(program);
            }
            if program.process.try_wait()?.is_some() || began.elapsed() > START_MAX {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("`tollgate {role}` did not start: {log}");
            }
            thread::park_timeout(LOOK);
        }
    }

    /// A text that it says of itself.
    pub(crate) fn word(&self, pointer: &str) -> Result<&str> {
        let word = self.said.pointer(pointer).and_then(Value::as_str);
        word.with_context(|| format!("the process says nothing of {pointer}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
