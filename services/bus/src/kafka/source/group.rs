//! What the client calls while it is polled: the group gives partitions and takes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::shared::Shared;
use crate::kafka::client;
use crate::kafka::ends::number;

/// Called by the polling thread only, or by whoever drops the consumer last.
pub(super) struct Member {
    topic: String,
    shared: Arc<Shared>,
    /// Partitions to be taken once the client has returned: their queues need the consumer.
    given: Mutex<Vec<TopicPartitionList>>,
    /// The consumer is dropped; nobody takes what is given.
    leaving: AtomicBool,
}

// === impl Member ===

impl Member {
    pub(super) fn new(topic: &str, shared: Arc<Shared>) -> Self {
        let topic = topic.to_owned();
        Self { topic, shared, given: Mutex::default(), leaving: AtomicBool::new(false) }
    }

    /// Partitions that the group has given, to be assigned by the caller.
    pub(super) fn given(&self) -> Vec<TopicPartitionList> {
        std::mem::take(&mut *self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on nobody takes what is given.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        if self.leaving.load(Ordering::Relaxed) {
            // The client wants an answer before it can close.
            if let Err(error) = consumer.incremental_assign(partitions) {
                tracing::debug!(%error, "partitions came while leaving");
            }
            return;
        }
        self.given.lock().unwrap_or_else(PoisonError::into_inner).push(partitions.clone());
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let lost = consumer.assignment_lost();
        let mut acked = Vec::new();
        for element in partitions.elements() {
            let partition = number(element.partition());
            acked.extend(self.shared.revoke(partition).map(|next| (partition, next)));
        }
        tracing::info!(partitions = %numbers(partitions), lost, "partitions are gone");
        if !lost && !acked.is_empty() {
            // It goes out before the partitions are given up; the client waits for its end.
            let offsets = list(&self.topic, acked);
            if let Err(error) = consumer.commit(&offsets, CommitMode::Async) {
                tracing::warn!(%error, "failed to commit before partitions are given up");
            }
        }
        let done = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.unassign(),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "failed to give partitions up");
        }
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka consumer");
    }
}

impl ConsumerContext for Member {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assign(consumer, partitions);
            }
            _ => self.revoke(consumer, partitions),
        }
    }
}

/// Next offsets of partitions, as the client takes them.
pub(super) fn list(
    topic: &str,
    offsets: impl IntoIterator<Item = (u32, u64)>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (partition, next) in offsets {
        let place = i32::try_from(partition).ok().zip(i64::try_from(next).ok());
        let (partition, next) = place.expect("both came from Kafka");
        let added = list.add_partition_offset(topic, partition, Offset::Offset(next));
        added.expect("the offset is not negative");
    }
    list
}

/// For a log line.
pub(super) fn numbers(partitions: &TopicPartitionList) -> String {
    let elements = partitions.elements();
    let numbers: Vec<_> = elements.iter().map(|it| it.partition().to_string()).collect();
    numbers.join(" ")
}
