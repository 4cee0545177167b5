//! The running engine: its child process, watched by one thread.

use tokio::sync::watch;

use crate::config::{Config, Endpoint};
use crate::error::StartError;
use crate::progress::Progress;

/// Whether the engine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It answered when last seen.
    Up,
    /// It died and is being started again.
    Down,
}

/// A running engine. Dropping it stops it, like [`Engine::stop`].
#[derive(Debug)]
pub struct Engine {
    endpoint: Endpoint,
    state: watch::Receiver<State>,
}

impl Engine {
    /// Fetches the library if need be, starts the engine and waits until it answers.
    ///
    /// # Errors
    /// See [`StartError`]: each says what to do.
    pub fn start(config: Config, _progress: &mut dyn Progress) -> Result<Self, StartError> {
        Err(StartError::Data {
            path: config.data_dir,
            source: std::io::Error::other("not built yet"),
        })
    }

    /// How it is reached.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it answers, as a value that can be awaited.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// How many times it was started again after an unexpected death.
    pub fn restarts(&self) -> u64 {
        0
    }

    /// The process id of the child that runs now, if one does.
    pub fn pid(&self) -> Option<u32> {
        None
    }

    /// Stops it: closes its pipe, waits, and kills it if it has not ended after 5 s.
    pub fn stop(self) {}
}
