//! Reads what a topic holds from one offset to another, beside the group: for whoever recounts.
//!
//! - It never joins the group and commits nothing: consumption does not notice it.
//! - Memory: one batch, and what the client reads ahead ([`READ_AHEAD_KIB`]).
//! - Offsets that are no longer kept are an error, never passed over.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use record::Time;
use tokio::task::spawn_blocking;

use super::client::{self, Plain};
use super::config::Config;
use super::ends::{EndsError, number, offset, partitions};
use super::message::{self, Streams};
use crate::{Batch, Message};

/// The longest that one question may take, and the longest without a message where one is due;
/// then the broker counts as away.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// One look at the client's queue. It returns as soon as there is a message.
const POLL: Duration = Duration::from_millis(100);

/// Messages of one batch at most.
const BATCH_MESSAGES: usize = 10_000;

/// Bytes of one batch, not counting the message that crosses them.
const BATCH_BYTES: usize = 4 << 20;

/// What the client reads ahead, KiB.
const READ_AHEAD_KIB: &str = "16384";

/// What a topic holds of each partition: from its earliest offset up to, and not including, its
/// end.
pub type Kept = BTreeMap<u32, Range<u64>>;

/// Reads offsets of one partition, in order, up to and not including an end.
#[derive(Debug)]
pub struct SpanReader {
    topic: String,
    partition: u32,
    /// None after a failure, or when the program ends.
    inner: Option<Inner>,
}

/// Why a part of a topic was not read.
#[derive(Debug, thiserror::Error)]
pub enum SpanError {
    /// The broker could not be asked.
    #[error(transparent)]
    Ask(#[from] EndsError),
    /// The broker does not keep these offsets any more.
    #[error("topic `{topic}` no longer keeps offset {offset} of partition {partition}")]
    Gone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The first offset that was asked for.
        offset: u64,
    },
    /// No broker answered, or it refused.
    #[error("failed to read partition {partition} of topic `{topic}`")]
    Read {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// What it said.
        #[source]
        source: KafkaError,
    },
    /// The reader has failed before.
    #[error("partition {partition} of topic `{topic}` is not read any more")]
    Ended {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
}

struct Inner {
    consumer: BaseConsumer<Plain>,
    record_max: u32,
    streams: Streams,
    /// What is still to be read.
    left: Range<u64>,
}

/// What the topic holds now.
///
/// # Errors
/// No broker answered, or there is no such topic; see [`EndsError`].
pub async fn kept(config: &Config) -> Result<Kept, EndsError> {
    let failed = |source| EndsError::Kafka { what: "the ends of the partitions", source };
    ask(config, move |config, client| {
        let mut kept = Kept::new();
        for partition in partitions(config, client)? {
            let marks = client.fetch_watermarks(&config.topic, partition, ANSWER_MAX);
            let (first, end) = marks.map_err(failed)?;
            kept.insert(number(partition), offset(first)..offset(end));
        }
        Ok(kept)
    })
    .await
}

/// The first offset of each partition that was stamped at this time or later, by the broker's clock,
/// or by the sender's in a topic that was made so; none where there is no such message.
///
/// # Errors
/// No broker answered, or there is no such topic; see [`EndsError`].
pub async fn stamped_since(config: &Config, time: Time) -> Result<BTreeMap<u32, u64>, EndsError> {
    let failed = |source| EndsError::Kafka { what: "the offsets of a time", source };
    ask(config, move |config, client| {
        let mut asked = TopicPartitionList::new();
        for partition in partitions(config, client)? {
            let time = Offset::Offset(time.0.max(0));
            asked.add_partition_offset(&config.topic, partition, time).map_err(failed)?;
        }
        let answers = client.offsets_for_times(asked, ANSWER_MAX).map_err(failed)?;
        let mut found = BTreeMap::new();
        for answer in answers.elements() {
            answer.error().map_err(failed)?;
            if let Offset::Offset(first) = answer.offset() {
                found.insert(number(answer.partition()), offset(first));
            }
        }
        Ok(found)
    })
    .await
}

async fn ask<T: Send + 'static>(
    config: &Config,
    question: impl FnOnce(&Config, &BaseConsumer<Plain>) -> Result<T, EndsError> + Send + 'static,
) -> Result<T, EndsError> {
    let config = config.clone();
    let asked = spawn_blocking(move || {
        let failed = |source| EndsError::Kafka { what: "anything", source };
        let client = consumer(&config).map_err(failed)?;
        question(&config, &client)
    });
    asked.await.unwrap_or(Err(EndsError::Ending))
}

/// A client that knows the group and never joins it.
fn consumer(config: &Config) -> Result<BaseConsumer<Plain>, KafkaError> {
    client::settings(config)
        .set("group.id", &config.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        // What is gone is said, not replaced by what comes after it.
        .set("auto.offset.reset", "error")
        .set("queued.max.messages.kbytes", READ_AHEAD_KIB)
        .create_with_context(Plain)
}

// === impl SpanReader ===

impl SpanReader {
    /// A reader of these offsets; nothing is read yet.
    ///
    /// # Errors
    /// The client library does not take the configuration or the offsets.
    pub fn new(config: &Config, partition: u32, offsets: Range<u64>) -> Result<Self, SpanError> {
        let topic = config.topic.clone();
        let failed = |source| SpanError::Read { topic: topic.clone(), partition, source };
        let consumer = consumer(config).map_err(failed)?;
        let mut list = TopicPartitionList::new();
        let place = i32::try_from(partition).ok().zip(i64::try_from(offsets.start).ok());
        let (number, first) = place.ok_or_else(|| failed(no_place()))?;
        let added = list.add_partition_offset(&config.topic, number, Offset::Offset(first));
        added.and_then(|()| consumer.assign(&list)).map_err(failed)?;
        let (record_max, streams) = (config.record_max, Streams::default());
        let inner = Inner { consumer, record_max, streams, left: offsets };
        Ok(Self { topic, partition, inner: Some(inner) })
    }

    /// The next messages; none at the end. After a failure, or when the future was dropped, the
    /// reader gives nothing more.
    ///
    /// # Errors
    /// See [`SpanError`].
    pub async fn next(&mut self) -> Result<Option<Batch>, SpanError> {
        let (topic, partition) = (self.topic.clone(), self.partition);
        let ended = || SpanError::Ended { topic: topic.clone(), partition };
        let mut inner = self.inner.take().ok_or_else(ended)?;
        let first = inner.left.start;
        let work = spawn_blocking(move || inner.take(partition).map(|batch| (batch, inner)));
        match work.await {
            Err(_panicked) => Err(ended()),
            Ok(Err(source)) if out_of_range(&source) => {
                Err(SpanError::Gone { topic, partition, offset: first })
            }
            Ok(Err(source)) => Err(SpanError::Read { topic, partition, source }),
            Ok(Ok((batch, inner))) => {
                self.inner = Some(inner);
                Ok((!batch.messages.is_empty()).then_some(batch))
            }
        }
    }
}

// === impl Inner ===

impl Inner {
    /// One batch, empty at the end.
    fn take(&mut self, partition: u32) -> Result<Batch, KafkaError> {
        let mut batch = Batch { partition, ..Batch::default() };
        let mut heard = Instant::now();
        while !self.left.is_empty()
            && batch.messages.len() < BATCH_MESSAGES
            && batch.buffer.len() < BATCH_BYTES
        {
            let found = match self.consumer.poll(POLL) {
                Some(Ok(found)) => found,
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // Whatever stood before the end and did not come is no message of anybody.
                    self.left.start = self.left.end;
                    break;
                }
                Some(Err(error)) if !passing(&error) => return Err(error),
                None | Some(Err(_)) if heard.elapsed() < ANSWER_MAX => continue,
                None => return Err(KafkaError::MessageConsumption(Code::OperationTimedOut)),
                Some(Err(error)) => return Err(error),
            };
            heard = Instant::now();
            let position = offset(found.offset());
            if position >= self.left.end {
                self.left.start = self.left.end;
                break;
            }
            let bytes = found.payload().unwrap_or_default();
            let read = message::read(
                found.headers(),
                found.key(),
                bytes,
                self.record_max,
                &mut self.streams,
            );
            let start = batch.buffer.len();
            batch.buffer.extend_from_slice(bytes);
            batch.messages.push(Message {
                position,
                place: read.place,
                unreadable: read.unreadable,
                hash: read.hash,
                range: start..batch.buffer.len(),
            });
            self.left.start = position + 1;
        }
        Ok(batch)
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The client goes on by itself after it.
fn passing(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut)
    )
}

fn out_of_range(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::OffsetOutOfRange | Code::AutoOffsetReset))
}

fn no_place() -> KafkaError {
    KafkaError::MessageConsumption(Code::InvalidPartitions)
}
