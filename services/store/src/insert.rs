//! The fenced insert, and what may be concluded from its answer.

use thiserror::Error;

use crate::block::Block;
use crate::claim::Claim;
use crate::endpoint::Store;

/// Why an insert is not known to be written.
#[derive(Debug, Error)]
pub enum InsertError {
    /// Nothing was written: somebody claimed above. The owner stops; it does not claim again.
    #[error("somebody claimed {source_name}/{part} above {counter}")]
    Fenced {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// Our counter.
        counter: u64,
    },
    /// It may or may not have been written: claim anew, read back, send what is missing.
    #[error("whether the insert into `{table}` was written is unknown: {reason}")]
    Unknown {
        /// The table.
        table: &'static str,
        /// What happened. For the log.
        reason: String,
    },
    /// The server said no for good, and nothing was written. The same bytes will not do better.
    #[error("the store refused the insert into `{table}` (code {code}): {message}")]
    Refused {
        /// The table.
        table: &'static str,
        /// ClickHouse's error code.
        code: u32,
        /// ClickHouse's message.
        message: String,
    },
}

impl Store {
    /// Writes the block on behalf of the claim's owner. `Ok`: all its rows are stored.
    ///
    /// # Errors
    /// [`InsertError`]
    pub async fn insert(&self, claim: &Claim, block: &Block) -> Result<(), InsertError> {
        let _ = claim;
        Err(InsertError::Unknown { table: block.table(), reason: "not written yet".to_owned() })
    }
}
