//! Ports that nobody else takes while a broker is down.
//!
//! They lie below the range from which the system gives ports to outgoing connections, so a
//! connection of some other test never sits on the port to which a killed broker returns. A lock
//! file per port keeps tests of several processes apart.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use crate::StartError;

/// First port and how many there are. Linux gives outgoing connections ports from 32768.
const FIRST: u16 = 20_000;
const COUNT: u16 = 8_000;

/// Spreads the processes over the range, so that they seldom try the same port.
const STRIDE: u32 = 37;

/// A port that is ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// The next one that is free.
    ///
    /// # Errors
    /// [`StartError::NoPort`], or what the system says of the lock's file.
    pub fn take() -> Result<Self, StartError> {
        let folder = std::env::temp_dir().join("tollgate-test-ports");
        let io = |source| StartError::Io { attempt: format!("use {}", folder.display()), source };
        fs::create_dir_all(&folder).map_err(io)?;
        let start = std::process::id().wrapping_mul(STRIDE) % u32::from(COUNT);
        for step in 0..u32::from(COUNT) {
            let offset = u16::try_from((start + step) % u32::from(COUNT)).expect("below COUNT");
            let number = FIRST + offset;
            if let Some(lock) = lock(&folder.join(number.to_string())).map_err(io)?
                && TcpListener::bind(("127.0.0.1", number)).is_ok()
            {
                return Ok(Self { number, _lock: lock });
            }
        }
        Err(StartError::NoPort)
    }

    /// The port.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// The lock of a port, or `None` when another test holds it.
fn lock(path: &PathBuf) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
