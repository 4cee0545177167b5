//! Claims: who may write on behalf of a partition.

use thiserror::Error;

use crate::endpoint::Store;
use crate::query::QueryError;

/// The right to write on behalf of one partition of one source, until somebody claims above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// E.g. `spool:gw-1`, `close`.
    pub source: String,
    /// Partition of the source.
    pub part: u32,
    /// Counts the owners of the partition, from 1.
    pub counter: u64,
    /// Tells apart two that claimed the same counter. `(counter, nonce)` are compared as one.
    pub nonce: u64,
}

/// Why a partition could not be claimed.
#[derive(Debug, Error)]
pub enum ClaimError {
    /// Somebody claimed above in the meantime: it owns the partition.
    #[error("somebody else claimed {source_name}/{part} at the same time")]
    Lost {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
    },
    /// Inserts of an earlier owner are still running, though killed.
    #[error("{inserts} inserts of an earlier owner of {source_name}/{part} do not end")]
    Busy {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// How many still run.
        inserts: u64,
    },
    /// A statement failed; claim again.
    #[error("failed to claim {source_name}/{part}")]
    Query {
        /// Source of the claim.
        source_name: String,
        /// Partition of the source.
        part: u32,
        /// What failed.
        #[source]
        source: QueryError,
    },
}

impl Store {
    /// Claims a partition above everybody before, and ends the inserts of earlier owners.
    ///
    /// # Errors
    /// [`ClaimError`]
    pub async fn claim(&self, source: &str, part: u32, owner: &str) -> Result<Claim, ClaimError> {
        let _ = owner;
        Err(ClaimError::Lost { source_name: source.to_owned(), part })
    }
}
