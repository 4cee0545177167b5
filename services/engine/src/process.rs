//! One child process: started, asked until it answers, stopped.
//!
//! - The child has its own process group, so that Ctrl-C on a terminal reaches the parent only, and
//!   the parent decides when the engine may stop.
//! - Its stdin is the pipe that keeps it alive; dropping a [`Process`] stops it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::child::{ChildArgs, STORE_DIR};
use crate::config::Program;
use crate::files::Secrets;
use crate::probe;

/// A stop is clean within about a second, or as soon as idle connections have ended; beyond this the
/// engine is killed, which loses nothing that it had confirmed. Who stops it may say less.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(5);

/// Between two looks at a child that starts or stops.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where the child's complaints go, inside the data folder; anew at each start.
const STDERR_FILE: &str = "stderr.log";

/// Of the complaints, the last bytes that are shown.
const COMPLAINT_MAX: u64 = 2000;

/// All that a start of the child needs.
#[derive(Clone)]
pub(crate) struct Launch {
    pub(crate) dir: PathBuf,
    pub(crate) library: PathBuf,
    pub(crate) program: Program,
    pub(crate) secrets: Secrets,
}

/// A running child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    /// How long a stop may take before the child is killed.
    pub(crate) stop_max: Duration,
}

/// Why a child did not come up.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The system refused to start it, or a file of the folder.
    Spawn(io::Error),
    /// It ended; what it complained of.
    Died(String),
    /// Somebody ended it with SIGKILL: a person, or a system that is short of memory.
    Killed,
    /// It runs, but did not answer in time.
    Silent,
    /// The caller was told to stop meanwhile.
    Stopped,
}

// === impl Launch ===

impl Launch {
    /// Starts the child and waits until it answers. `stop` is asked between two looks: whether to
    /// stop, and how long that may take.
    pub(crate) fn start(
        &self,
        port: u16,
        deadline: Instant,
        mut stop: impl FnMut() -> Option<Duration>,
    ) -> Result<Process, Failed> {
        let mut process = self.spawn(port).map_err(Failed::Spawn)?;
        loop {
            // Looked at before the port is asked, so that the secrets go to our child only.
            if let Some(status) = process.exited().map_err(Failed::Spawn)? {
                let killed = status.signal() == Some(Signal::KILL.as_raw());
                return Err(if killed { Failed::Killed } else { Failed::Died(self.complaint()) });
            }
            if probe::answers(port, &self.secrets) {
                return Ok(process);
            }
            if let Some(limit) = stop() {
                process.stop_max = limit;
                return Err(Failed::Stopped);
            }
            if Instant::now() >= deadline {
                return Err(Failed::Silent);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn spawn(&self, port: u16) -> io::Result<Process> {
        fs::create_dir_all(self.dir.join(STORE_DIR))?;
        let args = ChildArgs { library: self.library.clone(), port };
        let mut child = Command::new(&self.program.path)
            .args(&self.program.args)
            .args(args.to_args())
            .current_dir(&self.dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(self.dir.join(STDERR_FILE))?)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Process { child, stdin, stop_max: STOP_MAX })
    }

    /// The last words of the child that ran last.
    pub(crate) fn complaint(&self) -> String {
        let path = self.dir.join(STDERR_FILE);
        // Without its words a death is still reported, only less well.
        tail(&path).unwrap_or_default()
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(COMPLAINT_MAX)))?;
    let mut bytes = Vec::new();
    file.take(COMPLAINT_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

// === impl Process ===

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(crate) fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    fn stop(&mut self) -> io::Result<()> {
        drop(self.stdin.take());
        let deadline = Instant::now() + self.stop_max;
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                tracing::warn!(pid = self.child.id(), "engine did not stop in time, killed");
                self.child.kill()?;
                self.child.wait()?;
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "engine could not be waited for");
        }
    }
}
