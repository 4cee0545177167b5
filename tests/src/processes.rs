//! Processes as Linux shows them in `/proc`, found by the folder that they work in: whatever a test
//! started works inside the test's own folder, and nothing else does.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Ids of the processes whose current folder is `folder`, or lies in it. One that has ended and is
/// not yet waited for is not among them.
///
/// # Panics
/// When there is no `/proc`.
pub fn inside(folder: &Path) -> Vec<u32> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let entries = fs::read_dir("/proc").expect("Linux");
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let works = |pid: &u32| {
        let cwd = fs::read_link(format!("/proc/{pid}/cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(&folder))
    };
    entries.flatten().filter_map(pid).filter(works).collect()
}

/// Sends a signal; false when the process is gone.
///
/// # Panics
/// When `pid` is none.
pub fn signal(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).is_ok()
}
