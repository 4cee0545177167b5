//! One folder, one holder: an `flock` on a file that names the holder's process.
//!
//! - The lock ends with the process that took it, however that ends; nothing has to be cleaned up.
//! - The file stays and is only a name plate: what counts is the lock, not the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The name plate holds a process id, no more.
const PLATE_MAX: u64 = 32;

/// How often a wait for the lock looks again: short against a fetch, long against a system call.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A held lock. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another process holds it; its id, if the name plate says one.
    Held(Option<u32>),
    /// The file can not be used.
    Io(io::Error),
}

impl Lock {
    /// Takes the lock of `path`, or says who holds it.
    pub(crate) fn take(path: &Path) -> Result<Self, Refused> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(Refused::Io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Refused::Held(plate(&mut file))),
            Err(error) => return Err(Refused::Io(error.into())),
        }
        write_plate(&mut file).map_err(Refused::Io)?;
        Ok(Self { _file: file })
    }

    /// Like [`Lock::take`], but waits for the holder until `deadline`. `waiting` is called once,
    /// before the first wait.
    pub(crate) fn wait(
        path: &Path,
        deadline: Instant,
        waiting: impl FnOnce(Option<u32>),
    ) -> Result<Self, Refused> {
        let mut waiting = Some(waiting);
        loop {
            match Self::take(path) {
                Err(Refused::Held(holder)) if Instant::now() < deadline => {
                    if let Some(waiting) = waiting.take() {
                        waiting(holder);
                    }
                    std::thread::sleep(LOOK_AGAIN);
                }
                result => return result,
            }
        }
    }
}

fn plate(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(PLATE_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_plate(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
