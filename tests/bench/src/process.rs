//! A program that takes part: pinned to a core, ended with this one, counted with its children.
//!
//! `setpriv` has the kernel end it when this program ends in any way; its own children are its
//! own to end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// The proxy's core; load and backend have [`LOAD_CORE`].
pub(crate) const PROXY_CORE: usize = 0;
/// Where load and backend run. On a machine with one core they stay beside the proxy.
pub(crate) const LOAD_CORE: usize = 1;
/// Longer than any clean end.
const END_MAX: Duration = Duration::from_secs(10);
/// Longer than any start; the engine's first one on a machine fetches 180 MB.
const START_MAX: Duration = Duration::from_secs(300);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A running program; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

// === impl Process ===

impl Process {
    /// Starts `program` in `folder` on one core; what it says goes to a file there.
    ///
    /// # Errors
    /// It is missing.
    pub(crate) fn start(program: &Path, args: &[&str], folder: &Path, core: usize) -> Result<Self> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}.log"));
        let said = fs::File::create(&log)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]);
        if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > core) {
            command.args(["taskset", "-c", &core.to_string()]);
        }
        let child = command
            .arg(program)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("`setpriv` is missing: apt-get install util-linux")?;
        Ok(Self { child, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` gives something.
    ///
    /// # Errors
    /// It ended, or takes too long; with what it said.
    pub(crate) fn wait_for<T>(&mut self, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let began = Instant::now();
        loop {
            if let Some(done) = ready() {
                return Ok(done);
            }
            if self.child.try_wait()?.is_some() || began.elapsed() > START_MAX {
                bail!("it is not ready ({}): {}", self.log.display(), self.said());
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// CPU that it and its children have used so far, nanoseconds.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        let mut sum = 0;
        for id in family(self.id()) {
            sum += cpu_of(id).with_context(|| format!("it ended: {}", self.said()))?;
        }
        Ok(sum)
    }

    /// Memory of it and its children, bytes: what several processes share is divided among them.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn memory(&self) -> Result<u64> {
        self.rollup("Pss:")
    }

    /// Resident memory of it and its children, bytes: what they share counts for each.
    ///
    /// # Errors
    /// It has ended.
    pub(crate) fn resident(&self) -> Result<u64> {
        self.rollup("Rss:")
    }

    fn rollup(&self, name: &str) -> Result<u64> {
        let mut sum = 0;
        for id in family(self.id()) {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            sum += kib.with_context(|| format!("the kernel does not say {name}"))? * 1024;
        }
        Ok(sum)
    }

    fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" / ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).ok();
        }
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if began.elapsed() > END_MAX {
                self.child.kill().ok();
            }
            std::thread::park_timeout(LOOK);
        }
    }
}

/// It and all its children.
fn family(id: u32) -> Vec<u32> {
    let mut family = vec![id];
    let mut next = 0;
    while let Some(id) = family.get(next).copied() {
        for task in tasks(id) {
            let children = fs::read_to_string(task.join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
        next += 1;
    }
    family
}

fn tasks(id: u32) -> Vec<PathBuf> {
    let listed = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten();
    listed.flatten().map(|entry| entry.path()).collect()
}

/// The first word of `schedstat` is the time on a CPU.
fn cpu_of(id: u32) -> Option<u64> {
    let tasks = tasks(id);
    if tasks.is_empty() {
        return None;
    }
    let used = |task: &PathBuf| {
        let text = fs::read_to_string(task.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    // A thread that ends meanwhile counts no more; the programs measured keep theirs.
    Some(tasks.iter().filter_map(used).sum())
}

/// Where the program is, by the PATH and the folders of servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let folders = std::env::split_paths(&path).chain(servers);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_counted_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        // The child ends by itself, should the shell be killed before it can end it.
        let script = "trap 'kill $!; exit' TERM; \
                      (i=0; while [ $i -lt 9000000 ]; do i=$((i+1)); done) & wait";
        let shell = find("sh").expect("a shell");
        let process = Process::start(&shell, &["-c", script], folder.path(), PROXY_CORE);
        let mut process = process.expect("it starts");
        let id = process.id();
        let used = process.wait_for(|| {
            let child = *family(id).get(1)?;
            cpu_of(child).filter(|used| *used > 20_000_000)
        });
        let used = used.expect("the child works");
        assert!(process.cpu_ns().expect("it lives") >= used);
        assert!(process.memory().expect("it lives") > 0);
        drop(process);
        assert_eq!(cpu_of(id), None, "it has ended");
    }
}
