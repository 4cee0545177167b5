//! What every source of records gives and takes.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use record::Stream;

/// Where records come from. Not acknowledged: comes again. Acknowledged: may be gone.
pub trait Source: Send + 'static {
    /// Stands in claims, like `spool:<gateway>`.
    fn name(&self) -> &str;

    /// The next event; waits until there is one. Safe to drop at an await.
    fn next(&mut self) -> impl Future<Output = Result<Event, SourceError>> + Send;

    /// All of the partition up to and including `position` is stored.
    fn ack(
        &mut self,
        partition: u32,
        position: u64,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Asks for [`Event::Reached`] with the number returned, after everything that stands in
    /// the source now.
    fn mark(&mut self) -> impl Future<Output = Result<u64, SourceError>> + Send;

    /// What is not acknowledged comes again, under new or the same positions; positions that were
    /// given before and not acknowledged are void.
    fn rewind(&mut self, partition: u32) -> impl Future<Output = Result<(), SourceError>> + Send;
}

/// What a source says.
#[derive(Debug)]
pub enum Event {
    /// The partition is ours; comes before its first batch.
    Assigned {
        /// The partition.
        partition: u32,
    },
    /// Messages of one partition, in order.
    Batch(Batch),
    /// The partition is no longer ours.
    Revoked {
        /// The partition.
        partition: u32,
    },
    /// Everything that stood in the source at `mark()` was given.
    Reached {
        /// What `mark()` returned.
        mark: u64,
    },
}

/// Messages of one partition, their bytes in one buffer.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The partition.
    pub partition: u32,
    /// In the order of their positions.
    pub messages: Vec<Message>,
    /// The bytes of all messages.
    pub buffer: Vec<u8>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Grows within the partition, not always by one.
    pub position: u64,
    /// Where the record stands, when the source knows without decoding it.
    pub place: Option<Place>,
    /// [`spool::hash`] of the bytes.
    pub hash: u64,
    /// Where its bytes stand in the batch's buffer.
    pub range: Range<usize>,
}

/// Stream and number of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The stream.
    pub stream: Arc<Stream>,
    /// The number in the stream.
    pub seq: u64,
}

/// How much a source may hold in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Greatest bytes of a batch (one message is always let through).
    pub batch_bytes: usize,
    /// Greatest number of messages of a batch.
    pub batch_messages: usize,
    /// Batches that are read ahead.
    pub queued: usize,
    /// How long a small batch is followed by a pause, so that the next one is larger.
    pub linger: Duration,
}

/// Why a source did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source does not have this partition now.
    #[error("partition {partition} is not assigned")]
    NotAssigned {
        /// The partition.
        partition: u32,
    },
    /// The position was not given, or was made void by a rewind, or is acknowledged already.
    #[error("position {position} of partition {partition} is not among those given")]
    OutOfRange {
        /// The partition.
        partition: u32,
        /// The position.
        position: u64,
    },
    /// The spool could not be read; the next call tries again.
    #[error("failed to read from the spool")]
    Read(#[source] spool::ReadError),
    /// The spool did not take the acknowledgement; it may be repeated.
    #[error("failed to acknowledge to the spool")]
    Ack(#[source] spool::AckError),
    /// The source has ended.
    #[error("the source is closed")]
    Closed,
}

// === impl Batch ===

impl Batch {
    /// The bytes of one of its messages.
    pub fn bytes(&self, message: &Message) -> &[u8] {
        &self.buffer[message.range.clone()]
    }

    /// The messages with their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&Message, &[u8])> {
        self.messages.iter().map(|message| (message, self.bytes(message)))
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            batch_bytes: 1 << 20,
            batch_messages: 8192,
            queued: 2,
            linger: Duration::from_millis(10),
        }
    }
}
