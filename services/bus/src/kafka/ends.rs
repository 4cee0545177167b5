//! Questions to the broker from beside the consumption: how far the topic goes, how far the group
//! has stored it, and whether a group is at work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Plain};
use super::config::Config;

/// The longest that one question may take; then the broker counts as away.
const ANSWER_MAX: Duration = Duration::from_secs(10);

impl ConsumerContext for Plain {}

/// How far the topic goes and how far the group has stored it: for closing hours. It never joins
/// the group. One per closing process.
#[derive(Clone)]
pub struct Ends {
    config: Arc<Config>,
    /// Made at the first question. Locked while one is asked, so questions come one by one.
    client: Arc<Mutex<Option<BaseConsumer<Plain>>>>,
}

/// Why a question has no answer now; it may be asked again.
#[derive(Debug, thiserror::Error)]
pub enum EndsError {
    /// No broker answered, or it refused.
    #[error("failed to ask Kafka for {what}")]
    Kafka {
        /// What was asked.
        what: &'static str,
        /// What it said.
        #[source]
        source: KafkaError,
    },
    /// The topic is not there.
    #[error("the broker has no topic `{topic}`")]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// The program ends.
    #[error("the question was not asked to its end")]
    Ending,
}

/// Whether a group has members now.
///
/// # Errors
/// No broker answered; see [`EndsError`].
pub async fn is_live(config: &Config, group: &str) -> Result<bool, EndsError> {
    let (config, group) = (config.clone(), group.to_owned());
    blocking(move || {
        let failed = |source| EndsError::Kafka { what: "the members of a group", source };
        let client = consumer(&config).map_err(failed)?;
        let groups = client.fetch_group_list(Some(&group), ANSWER_MAX).map_err(failed)?;
        Ok(groups.groups().iter().any(|group| !group.members().is_empty()))
    })
    .await
}

// === impl Ends ===

impl Ends {
    /// Asks nothing yet.
    pub fn new(config: &Config) -> Self {
        Self { config: Arc::new(config.clone()), client: Arc::default() }
    }

    /// Where every partition ends now: one past its last offset; 0 for one that holds nothing (any
    /// more), so that nobody waits for a group to store what is gone.
    ///
    /// # Errors
    /// See [`EndsError`].
    pub async fn now(&self) -> Result<BTreeMap<u32, u64>, EndsError> {
        self.ask(|config, client| {
            let failed = |source| EndsError::Kafka { what: "the ends of the partitions", source };
            let mut ends = BTreeMap::new();
            for partition in partitions(config, client)? {
                let (begin, end) = client
                    .fetch_watermarks(&config.topic, partition, ANSWER_MAX)
                    .map_err(failed)?;
                let end = if begin == end { 0 } else { offset(end) };
                ends.insert(number(partition), end);
            }
            Ok(ends)
        })
        .await
    }

    /// What the group has stored of every partition: the next offset; 0 for one of which it has
    /// stored nothing.
    ///
    /// # Errors
    /// See [`EndsError`].
    pub async fn committed(&self) -> Result<BTreeMap<u32, u64>, EndsError> {
        self.ask(|config, client| {
            let failed = |source| EndsError::Kafka { what: "the offsets of the group", source };
            let mut asked = TopicPartitionList::new();
            for partition in partitions(config, client)? {
                asked.add_partition(&config.topic, partition);
            }
            let found = client.committed_offsets(asked, ANSWER_MAX).map_err(failed)?;
            let mut committed = BTreeMap::new();
            for element in found.elements() {
                element.error().map_err(failed)?;
                let next = match element.offset() {
                    Offset::Offset(next) => offset(next),
                    _ => 0,
                };
                committed.insert(number(element.partition()), next);
            }
            Ok(committed)
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Config, &BaseConsumer<Plain>) -> Result<T, EndsError> + Send + 'static,
    ) -> Result<T, EndsError> {
        let (config, client) = (Arc::clone(&self.config), Arc::clone(&self.client));
        blocking(move || {
            let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
            let client = match &mut *client {
                Some(client) => client,
                none => {
                    let failed = |source| EndsError::Kafka { what: "anything", source };
                    none.insert(consumer(&config).map_err(failed)?)
                }
            };
            // Nothing is consumed; this only takes what the client has to say.
            while client.poll(Duration::ZERO).is_some() {}
            question(&config, client)
        })
        .await
    }
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").field("topic", &self.config.topic).finish_non_exhaustive()
    }
}

/// A client that knows the group and never joins it.
fn consumer(config: &Config) -> Result<BaseConsumer<Plain>, KafkaError> {
    client::settings(config)
        .set("group.id", &config.group)
        .set("enable.auto.commit", "false")
        .create_with_context(Plain)
}

pub(crate) fn partitions(
    config: &Config,
    client: &BaseConsumer<Plain>,
) -> Result<Vec<i32>, EndsError> {
    let failed = |source| EndsError::Kafka { what: "the partitions of the topic", source };
    let found = client.fetch_metadata(Some(&config.topic), ANSWER_MAX).map_err(failed)?;
    let topic = found.topics().iter().find(|topic| topic.name() == config.topic);
    let error = topic.and_then(|topic| topic.error()).map(RDKafkaErrorCode::from);
    match (topic, error) {
        (Some(topic), None) => Ok(topic.partitions().iter().map(|it| it.id()).collect()),
        (None, _) | (_, Some(RDKafkaErrorCode::UnknownTopicOrPartition)) => {
            Err(EndsError::NoTopic { topic: config.topic.clone() })
        }
        (_, Some(code)) => Err(failed(KafkaError::MetadataFetch(code))),
    }
}

/// Runs what blocks beside the runtime's workers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EndsError> + Send + 'static,
) -> Result<T, EndsError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(EndsError::Ending))
}

/// Kafka's partitions are never negative.
pub(crate) fn number(partition: i32) -> u32 {
    u32::try_from(partition).unwrap_or_default()
}

/// Kafka's offsets of messages are never negative.
pub(crate) fn offset(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or_default()
}
