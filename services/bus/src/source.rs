//! What every source of records gives and takes.
//!
//! The shape is that of Kafka with its rebalances, so that Kafka can stand behind it: many
//! partitions, each assigned and revoked. The spool and memory have partition 0 only.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use record::Stream;

use crate::kafka::{EndsError, TopicError};
use crate::revocations::Revocations;

/// Most marks that are asked for and not reached; nobody needs more than a few.
pub(crate) const MARKS_MAX: u64 = 1024;

/// Where records come from. Not acknowledged: comes again. Acknowledged: may be gone. All futures
/// may be dropped at any await; nothing is lost then.
pub trait Source: Send + 'static {
    /// Stands in claims, like `spool:<gateway>`.
    fn name(&self) -> &str;

    /// The next event; waits until there is one.
    fn next(&mut self) -> impl Future<Output = Result<Event, SourceError>> + Send;

    /// All of the partition up to and including `position` is stored. Acknowledging again what
    /// is acknowledged does nothing.
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

    /// Tells of revocations while an event is worked on, so that an insert need not end first.
    fn revocations(&self) -> Revocations {
        Revocations::never()
    }

    /// The consumer group, where there is such a thing; stands in claims.
    fn group(&self) -> Option<&str> {
        None
    }

    /// Whether `group` has members that consume the same topic now.
    fn is_live(&self, _group: &str) -> impl Future<Output = Result<bool, SourceError>> + Send {
        async { Ok(false) }
    }
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
    /// Why the bytes are no record, when whoever read them knows better than a decoder would: a
    /// line of a file, with its number.
    pub unreadable: Option<Arc<str>>,
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
    /// Bytes of a batch, not counting the message that crosses them.
    pub batch_bytes: usize,
    /// Greatest number of messages of a batch.
    pub batch_messages: usize,
    /// Batches that are read ahead.
    pub queued: usize,
    /// A small batch is followed by such a pause, so that the next one is larger and writers
    /// need not wake the reader for each record.
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
    /// The position was never given, or was made void by a rewind.
    #[error("position {position} of partition {partition} is not among those given")]
    OutOfRange {
        /// The partition.
        partition: u32,
        /// The position.
        position: u64,
    },
    /// The spool could not be read; the next call tries the same place again.
    #[error("failed to read from the spool")]
    Read(#[source] spool::ReadError),
    /// The spool did not take the acknowledgement; it may be repeated.
    #[error("failed to acknowledge to the spool")]
    Ack(#[source] spool::AckError),
    /// The topic is not fit; it is looked at again from time to time.
    #[error("the topic can not be consumed")]
    Topic(#[source] TopicError),
    /// The broker was asked and did not answer.
    #[error("failed to ask the broker")]
    Ask(#[source] EndsError),
    /// Nobody takes the events that the marks wait for.
    #[error("{outstanding} marks are not reached yet; no more are taken")]
    TooManyMarks {
        /// How many there are.
        outstanding: u64,
    },
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

// === impl Bounds ===

impl Default for Bounds {
    /// A batch that is quickly read, four of them read ahead while an insert runs, and a pause that
    /// nobody notices.
    fn default() -> Self {
        let linger = Duration::from_millis(10);
        Self { batch_bytes: 4 << 20, batch_messages: 16 << 10, queued: 4, linger }
    }
}
