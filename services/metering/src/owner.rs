//! Owning partitions: claims, and what follows from the answers of the store.
//!
//! Whoever finds that another has claimed above stops. Only after an answer that says nothing does
//! an owner claim again, and only while no other has: its own name stands in the claim.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use store::{Claim, ClaimError, InsertError, QueryError, RowsError, Sql, Store};
use tokio::time::sleep;
use uuid::Uuid;

use crate::config::Config;
use crate::counters::Counters;
use crate::intake::IntakeError;

/// The first pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest pause of whoever stores records: a store that is back is noticed within it.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The greatest claim's owner.
const OWNER_SQL: &str = "\
SELECT argMax(owner, (counter, nonce)) AS owner
FROM claims
WHERE source = {source:String}
  AND part = {part:UInt32}";

/// Why something was not done, as far as it decides what to do next.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Another owner has claimed: stop.
    Fenced,
    /// It may or may not be done, or can not be done now: claim anew, read back, try again.
    Doubt(String),
}

/// Who writes.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) counters: Arc<Counters>,
    /// Unique to this value, so that a claim of unknown outcome is known to be ours.
    name: String,
}

/// Growing pauses.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
}

// === impl Owner ===

impl Owner {
    pub(crate) fn new(store: Store, config: Config, counters: Arc<Counters>) -> Self {
        let name = format!("{} {}", config.owner, Uuid::new_v4().simple());
        Self { store, config, counters, name }
    }

    /// Claims a partition that was just assigned. Waits while the store is away.
    pub(crate) async fn claim(&self, source: &str, part: u32) -> Result<Claim, IntakeError> {
        let mut backoff = self.backoff();
        loop {
            match self.store.claim(source, part, &self.name).await {
                Ok(claim) => return Ok(claim),
                Err(ClaimError::Lost { source_name, part }) => {
                    return Err(IntakeError::TakenOver { source_name, part });
                }
                Err(error) => {
                    tracing::warn!(source, part, error = chain(&error), "partition not claimed");
                    backoff.wait().await;
                }
            }
        }
    }

    /// Claims anew after a doubt, unless another has claimed.
    pub(crate) async fn claim_again(&self, old: &Claim) -> Result<Claim, IntakeError> {
        let mut backoff = self.backoff();
        loop {
            match self.owns(old).await {
                Ok(true) => return self.claim(&old.source, old.part).await,
                Ok(false) => return Err(self.taken_over(old)),
                Err(error) => {
                    let (source, part) = (&old.source, old.part);
                    tracing::warn!(source, part, error = chain(&error), "claims not read");
                    backoff.wait().await;
                }
            }
        }
    }

    pub(crate) fn taken_over(&self, claim: &Claim) -> IntakeError {
        IntakeError::TakenOver { source_name: claim.source.clone(), part: claim.part }
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(PAUSE_MAX)
    }

    /// Whether the greatest claim is ours. Not whether it is `claim`: a newer one of ours may have
    /// been written without our knowing.
    async fn owns(&self, claim: &Claim) -> Result<bool, QueryError> {
        #[derive(Deserialize)]
        struct Row {
            owner: String,
        }
        let sql =
            Sql::new(OWNER_SQL).param("source", claim.source.as_str()).param("part", claim.part);
        let rows: Vec<Row> = self.store.query(&sql).await?;
        Ok(rows.first().is_some_and(|row| row.owner == self.name))
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Backoff ===

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Self { next: PAUSE_MIN, max }
    }

    pub(crate) async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(self.max);
    }
}

// === impl Trouble ===

impl From<InsertError> for Trouble {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Fenced { .. } => Self::Fenced,
            InsertError::Unknown { .. } | InsertError::Refused { .. } => Self::Doubt(chain(&error)),
        }
    }
}

impl From<QueryError> for Trouble {
    fn from(error: QueryError) -> Self {
        Self::Doubt(chain(&error))
    }
}

impl From<RowsError> for Trouble {
    fn from(error: RowsError) -> Self {
        Self::Doubt(chain(&error))
    }
}

/// An error with its sources, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
