//! Whether a revocation waits to be taken: for whoever is busy with an event of that partition.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// Knows of each [`crate::Event::Revoked`] from the moment in which the partition is gone until
/// `next()` has given the event. Cheap to clone; one for each thing that may be abandoned.
#[derive(Debug, Clone)]
pub struct Revocations {
    /// Partitions whose revocation waits; `None` for a source that revokes nothing.
    waiting: Option<watch::Receiver<BTreeSet<u32>>>,
}

impl Revocations {
    /// Of a source that revokes nothing.
    pub fn never() -> Self {
        Self { waiting: None }
    }

    pub(crate) fn new(waiting: watch::Receiver<BTreeSet<u32>>) -> Self {
        Self { waiting: Some(waiting) }
    }

    /// True when the partition, as it was last assigned by an event that was taken, is gone.
    pub fn waits_for(&self, partition: u32) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.borrow().contains(&partition))
    }

    /// Returns when [`Revocations::waits_for`] is true; never when the source revokes nothing
    /// more. May be dropped at any time.
    pub async fn wait_for(&mut self, partition: u32) {
        let Some(waiting) = &mut self.waiting else { return std::future::pending().await };
        if waiting.wait_for(|waiting| waiting.contains(&partition)).await.is_err() {
            std::future::pending().await
        }
    }
}
