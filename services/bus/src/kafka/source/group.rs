//! What the client calls while it is polled: the group gives partitions and takes them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::shared::Shared;
use crate::kafka::client;
use crate::kafka::ends::{number, offset};

/// Called by the polling thread only, or by whoever drops the consumer last.
pub(super) struct Member {
    shared: Arc<Shared>,
    /// Partitions to be taken once the client has returned: their queues need the consumer.
    given: Mutex<Vec<TopicPartitionList>>,
    /// The end of the commit that was under way.
    committed: Mutex<Option<Committed>>,
    /// The consumer is dropped; nobody takes what is given.
    leaving: AtomicBool,
}

/// How a commit ended, and what it was to commit: next offsets.
pub(super) struct Committed {
    pub(super) result: KafkaResult<()>,
    pub(super) offsets: Vec<(u32, u64)>,
}

// === impl Member ===

impl Member {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let (given, committed) = (Mutex::default(), Mutex::default());
        Self { shared, given, committed, leaving: AtomicBool::new(false) }
    }

    /// Partitions that the group has given, to be assigned by the caller.
    pub(super) fn given(&self) -> Vec<TopicPartitionList> {
        std::mem::take(&mut *self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn committed(&self) -> Option<Committed> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        let mut commit = TopicPartitionList::new();
        for element in partitions.elements() {
            let acked = self.shared.revoke(number(element.partition()));
            let next = acked.and_then(|next| i64::try_from(next).ok());
            if let Some(next) = next {
                let added = commit.add_partition_offset(
                    element.topic(),
                    element.partition(),
                    Offset::Offset(next),
                );
                added.expect("the offset is not negative");
            }
        }
        tracing::info!(partitions = %numbers(partitions), lost, "partitions are gone");
        if !lost && commit.count() > 0 {
            // It goes out before the partitions are given up; the client waits for its end.
            if let Err(error) = consumer.commit(&commit, CommitMode::Async) {
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

    fn commit_callback(&self, result: KafkaResult<()>, partitions: &TopicPartitionList) {
        let mut offsets = Vec::new();
        for element in partitions.elements() {
            if let Offset::Offset(next) = element.offset() {
                offsets.push((number(element.partition()), offset(next)));
            }
        }
        let committed = Some(Committed { result, offsets });
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = committed;
    }
}

/// For a log line.
pub(super) fn numbers(partitions: &TopicPartitionList) -> String {
    let elements = partitions.elements();
    let numbers: Vec<_> = elements.iter().map(|it| it.partition().to_string()).collect();
    numbers.join(" ")
}
