//! Retiring a gateway that does not run any more.
//!
//! A gateway is expected in every hour until it says that it retires. One whose process is gone
//! for good can not say so: its folder is opened once more, as a life of its own, in which each
//! stream begins, names the last numbers of the life before, and ends for good. It serves nothing.

use record::{Life, Part, Time};
use spool::{PushError, Stalled};

use crate::config::Config;
use crate::record::life;
use crate::start::Streams;

/// Why a gateway was not retired. It may be tried again, with the folder opened anew.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// The records that say so do not fit.
    #[error("failed to push the end of stream {worker}")]
    Push {
        /// Number of the worker.
        worker: u16,
        /// What the spool said.
        #[source]
        source: PushError,
    },
    /// The disk does not take them.
    #[error("failed to write the end of stream {worker}")]
    Write {
        /// Number of the worker.
        worker: u16,
        /// What the disk said.
        #[source]
        source: Stalled,
    },
}

/// Writes down that the gateway whose folder this is retires: `start` and `end` of one epoch in
/// each of its streams. They are in the spool when this returns; to ship them, with all that
/// earlier lives left, is for who has its reader.
///
/// # Errors
/// See [`RetireError`].
pub fn retire(
    config: &Config,
    streams: Streams,
    clock: impl Fn() -> Time,
) -> Result<(), RetireError> {
    let Streams { writers, previous, .. } = streams;
    let workers = u16::try_from(writers.len()).unwrap_or(u16::MAX);
    for mut writer in writers {
        let worker = writer.stream().worker;
        let start = Life { workers, previous: previous.clone(), ..Life::default() };
        let end = Life { workers, retires: true, ..Life::default() };
        for (part, told) in [(Part::Start, start), (Part::End, end)] {
            let pushed = life(&mut writer, config, part, told, clock());
            pushed.map_err(|source| RetireError::Push { worker, source })?;
        }
        writer.write().map_err(|source| RetireError::Write { worker, source })?;
    }
    Ok(())
}
