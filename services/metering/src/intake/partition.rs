//! What is pending of one partition, and what is known of its streams.

use std::collections::BTreeMap;

use bus::Batch;
use record::Stream;
use store::Claim;
use tokio::time::Instant;

use crate::known::Known;

/// Streams that are remembered at once. A gateway has a handful per life; beyond this many they are
/// read back anew when they come again.
const STREAMS_MAX: usize = 10_000;

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

    /// When the first of what is pending came.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
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
