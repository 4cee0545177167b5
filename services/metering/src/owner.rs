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

/// The greatest claim's owner, and the group that it belongs to.
const OWNER_SQL: &str = "\
SELECT
    argMax(owner, (counter, nonce)) AS owner,
    argMax(consumer_group, (counter, nonce)) AS group
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
    /// The consumer group, or nothing.
    group: String,
}

#[derive(Debug, Deserialize)]
struct OwnerRow {
    owner: String,
    group: String,
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
        Self { store, config, counters, name, group: String::new() }
    }

    /// As a member of a consumer group.
    pub(crate) fn in_group(mut self, group: Option<&str>) -> Self {
        self.group = group.unwrap_or_default().to_owned();
        self
    }

    /// The other group that the last owner of a partition belonged to, if there is one. Waits while
    /// the store is away.
    pub(crate) async fn other_group(&self, source: &str, part: u32) -> Option<String> {
        let mut backoff = self.backoff();
        loop {
            match self.greatest(source, part).await {
                Ok(found) => {
                    let group = found.map(|row| row.group).unwrap_or_default();
                    return (!group.is_empty() && group != self.group).then_some(group);
                }
                Err(error) => {
                    backoff.said("claims not read", source, part, &error);
                    backoff.wait().await;
                }
            }
        }
    }

    /// Claims a partition that was just assigned. Waits while the store is away.
    pub(crate) async fn claim(&self, source: &str, part: u32) -> Result<Claim, IntakeError> {
        let mut backoff = self.backoff();
        loop {
            match self.store.claim_in(source, part, &self.name, &self.group).await {
                Ok(claim) => return Ok(claim),
                Err(ClaimError::Lost { source_name, part }) => {
                    return Err(IntakeError::TakenOver { source_name, part });
                }
                Err(error) => {
                    backoff.said("partition not claimed", source, part, &error);
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
                    backoff.said("claims not read", source, part, &error);
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
        let found = self.greatest(&claim.source, claim.part).await?;
        Ok(found.is_some_and(|row| row.owner == self.name))
    }

    async fn greatest(&self, source: &str, part: u32) -> Result<Option<OwnerRow>, QueryError> {
        let sql = Sql::new(OWNER_SQL).param("source", source).param("part", part);
        Ok(self.store.query(&sql).await?.into_iter().next())
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

    /// Says why there is a wait: the first time for everybody, then for a close look only.
    fn said(&self, what: &'static str, source: &str, part: u32, error: &dyn std::error::Error) {
        let error = chain(error);
        if self.next == PAUSE_MIN {
            tracing::warn!(source, part, error, "{what}; it is tried again");
        } else {
            tracing::debug!(source, part, error, "{what}");
        }
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
