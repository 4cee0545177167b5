//! What is pending of one partition, and what is known of its streams.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::Batch;
use record::Stream;
use store::Claim;
use tokio::time::Instant;

use crate::known::Known;

/// Streams that are remembered at once. A gateway has a handful per life; beyond this many they are
/// read back anew when they come again.
const STREAMS_MAX: usize = 10_000;

/// Bytes that come within one wait only from a source that is behind, or very busy (20,000 records
/// a second): its inserts get larger instead of more, since the store spends as much on each part
/// of a table as on some thousand rows.
const BUSY_BYTES: u64 = 2 << 20;

/// So many times the wait such a partition is patient.
const BUSY_WAITS: u32 = 5;

/// So many times the wait is the end of all patience, whatever was done for other partitions.
const WAITS_MAX: u32 = 20;

/// A partition that is ours.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) claim: Claim,
    pub(super) known: BTreeMap<Stream, Known>,
    pub(super) pending: Vec<Batch>,
    /// Per pending message: whether an attempt has tried to write it.
    pub(super) tried: Vec<bool>,
    messages: u64,
    bytes: u64,
    since: Option<Instant>,
}

// === impl Partition ===

impl Partition {
    pub(super) fn new(claim: Claim) -> Self {
        let (known, pending, tried) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { claim, known, pending, tried, messages: 0, bytes: 0, since: None }
    }

    /// Adds a batch to what is pending.
    pub(super) fn push(&mut self, batch: Batch) {
        if batch.messages.is_empty() {
            return;
        }
        self.since.get_or_insert_with(Instant::now);
        self.messages += batch.messages.len() as u64;
        self.bytes += batch.buffer.len() as u64;
        self.tried.resize(self.tried.len() + batch.messages.len(), false);
        self.pending.push(batch);
    }

    /// When to store what is pending. `free`: when the last insert of any partition ended, for
    /// while one runs nobody takes what is ready, and that is no wait.
    pub(super) fn due(&self, wait: Duration, free: Option<Instant>) -> Option<Instant> {
        let since = self.since?;
        let begin = free.map_or(since, |free| since.max(free));
        let patience = if self.is_busy() { wait * BUSY_WAITS } else { wait };
        Some((begin + patience).min(since + wait * WAITS_MAX))
    }

    /// Whether so much comes that it is better stored in few large inserts.
    pub(super) fn is_busy(&self) -> bool {
        self.bytes >= BUSY_BYTES
    }

    /// Bytes pending.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Batches pending.
    pub(super) fn batches(&self) -> u64 {
        self.pending.len() as u64
    }

    /// Whether it is time to store what is pending, whatever the clock says.
    pub(super) fn is_full(&self, rows: u64, bytes: u64) -> bool {
        self.messages >= rows || self.bytes >= bytes
    }

    /// The position to acknowledge once all that is pending is stored.
    pub(super) fn last_position(&self) -> Option<u64> {
        self.pending.last()?.messages.last().map(|message| message.position)
    }

    /// After a doubt: nothing is known any more, and the claim is a new one.
    pub(super) fn forget(&mut self, claim: Claim) {
        self.claim = claim;
        self.known.clear();
    }

    /// All that was pending has its outcome in the store.
    pub(super) fn done(&mut self) {
        self.pending.clear();
        self.tried.clear();
        (self.messages, self.bytes, self.since) = (0, 0, None);
        if self.known.len() > STREAMS_MAX {
            self.known.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use bus::Message;

    use super::*;

    const WAIT: Duration = Duration::from_millis(150);

    fn with_bytes(bytes: u64) -> Partition {
        let claim = Claim { source: "s".to_owned(), part: 0, counter: 1, nonce: 1 };
        let mut partition = Partition::new(claim);
        let (place, unreadable) = (None, None);
        let message = Message { position: 0, place, unreadable, hash: 0, range: 0..0 };
        let buffer = vec![0; usize::try_from(bytes).expect("a small size")];
        partition.push(Batch { partition: 0, messages: vec![message], buffer });
        partition
    }

    fn waits(bytes: u64, free: Option<Duration>) -> Duration {
        let partition = with_bytes(bytes);
        let since = partition.since.expect("something is pending");
        let due = partition.due(WAIT, free.map(|free| since + free));
        due.expect("something is pending") - since
    }

    #[test]
    fn a_partition_waits_longer_when_it_is_busy_or_nobody_could_take_its_messages() {
        assert_eq!(waits(1, None), WAIT);
        assert_eq!(waits(BUSY_BYTES - 1, None), WAIT);
        assert_eq!(waits(BUSY_BYTES, None), 5 * WAIT);
        let insert = Duration::from_millis(400);
        assert_eq!(waits(1, Some(insert)), insert + WAIT);
        assert_eq!(waits(BUSY_BYTES, Some(insert)), insert + 5 * WAIT);
        assert_eq!(waits(BUSY_BYTES, Some(60 * insert)), 20 * WAIT, "patience has an end");
    }

    #[test]
    fn nothing_pending_is_never_due() {
        let mut partition = with_bytes(BUSY_BYTES);
        partition.done();
        assert_eq!(partition.due(WAIT, None), None);
        assert!(!partition.is_busy());
    }
}
