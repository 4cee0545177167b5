//! The topic: looked at before anything is sent or read, and made when it is not there.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::client::{self, Plain};
use super::config::Config;
use super::message::OVERHEAD_MAX;

/// The longest that one question may take; then the broker counts as away.
const ANSWER_MAX: Duration = Duration::from_secs(4);

/// Between two looks at a topic that was just made.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What is known of a topic that is fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) partitions: u32,
    /// Greatest batch of messages that it takes, bytes.
    pub(crate) message_max: u32,
}

/// Why there is nothing to be known of the topic now.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// No broker answers; ask again.
    Away(KafkaError),
    /// Somebody must act.
    Refused(TopicError),
}

/// Why the topic is not used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TopicError {
    /// Kafka would throw away all but the last record of each stream.
    #[error(
        "topic `{topic}` is compacted, so Kafka throws records away: set its cleanup.policy to \
         `delete`, or name another topic"
    )]
    Compacted {
        /// The topic.
        topic: String,
    },
    /// A record of the greatest size would be refused.
    #[error(
        "topic `{topic}` takes messages of {allowed} bytes, a record may need {needed}: raise its \
         max.message.bytes, or lower `record.max`"
    )]
    TooSmall {
        /// The topic.
        topic: String,
        /// Its limit, bytes.
        allowed: u32,
        /// What is needed, bytes.
        needed: u32,
    },
    /// It is not there, and could not be made.
    #[error("topic `{topic}` is not there and can not be made: {reason}")]
    NotMade {
        /// The topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// The broker does not tell what the topic is like.
    #[error("topic `{topic}` can not be looked at: {reason}")]
    Hidden {
        /// The topic.
        topic: String,
        /// What the broker said.
        reason: String,
    },
    /// It has lost partitions, as a topic does that was made anew.
    #[error(
        "stream `{stream}` has its records in partition {partition} of topic `{topic}`, which has \
         only {partitions} partitions: add partitions, or bring the old topic back"
    )]
    Shrunk {
        /// The topic.
        topic: String,
        /// The stream.
        stream: String,
        /// Its partition, from 0.
        partition: u32,
        /// How many the topic has.
        partitions: u32,
    },
    /// The client library does not take the configuration.
    #[error("the client of Kafka can not be set up")]
    Client(#[source] KafkaError),
}

/// Looks at the topic, and makes it when it is not there. Blocks, for a minute at most.
pub(crate) fn check(config: &Config) -> Result<Topic, Unfit> {
    let admin: AdminClient<Plain> = client::settings(config)
        .create_with_context(Plain)
        .map_err(|error| Unfit::Refused(TopicError::Client(error)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without drivers needs nothing");
    let (deadline, mut made) = (Instant::now() + ANSWER_MAX, false);
    loop {
        if let Some(topic) = runtime.block_on(look(&admin, config))? {
            if topic.partitions < config.partitions {
                tracing::warn!(
                    topic = config.topic,
                    partitions = topic.partitions,
                    configured = config.partitions,
                    "the topic has fewer partitions than configured"
                );
            }
            return Ok(topic);
        }
        if !made {
            made = runtime.block_on(make(&admin, config))?;
        } else if Instant::now() > deadline {
            let reason = "the broker says nothing of its configuration".to_owned();
            let topic = config.topic.clone();
            return Err(Unfit::Refused(TopicError::Hidden { topic, reason }));
        }
        // A topic that was made is not known to every broker at once.
        thread::park_timeout(LOOK_AGAIN);
    }
}

/// What the topic is like; `None` when it is not there.
async fn look(admin: &AdminClient<Plain>, config: &Config) -> Result<Option<Topic>, Unfit> {
    let topic = config.topic.clone();
    let asked = [ResourceSpecifier::Topic(&topic)];
    let answers = admin.describe_configs(&asked, &options()).await.map_err(Unfit::Away)?;
    let found = match answers.into_iter().next() {
        // The client hides the code: a topic that is not there has no settings.
        Some(Ok(found)) if found.entries.is_empty() => return Ok(None),
        Some(Ok(found)) => found,
        Some(Err(Code::UnknownTopicOrPartition)) | None => return Ok(None),
        Some(Err(code)) => return Err(Unfit::Away(KafkaError::AdminOp(code))),
    };
    let value = |name| found.get(name).and_then(|entry| entry.value.as_deref());
    if value("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        return Err(Unfit::Refused(TopicError::Compacted { topic }));
    }
    let allowed = value("max.message.bytes").and_then(|bytes| bytes.parse::<u32>().ok());
    let Some(allowed) = allowed else {
        let reason = "it has no max.message.bytes".to_owned();
        return Err(Unfit::Refused(TopicError::Hidden { topic, reason }));
    };
    let needed = config.record_max.saturating_add(OVERHEAD_MAX);
    if allowed < needed {
        return Err(Unfit::Refused(TopicError::TooSmall { topic, allowed, needed }));
    }
    let metadata = admin.inner().fetch_metadata(Some(&topic), ANSWER_MAX);
    let metadata = metadata.map_err(Unfit::Away)?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
    Ok((partitions > 0).then_some(Topic { partitions, message_max: allowed }))
}

/// Makes the topic; another process may have been faster. Always true.
async fn make(admin: &AdminClient<Plain>, config: &Config) -> Result<bool, Unfit> {
    let topic = config.topic.clone();
    let refused =
        |reason: String| Unfit::Refused(TopicError::NotMade { topic: topic.clone(), reason });
    let Ok(partitions) = i32::try_from(config.partitions) else {
        return Err(refused(format!("{} partitions are too many", config.partitions)));
    };
    let replication = TopicReplication::Fixed(i32::from(config.replication));
    // What a compacting cluster would give by default is said here, and would be refused above.
    // The broker's own stamps: it would refuse those of a gateway whose clock is an hour ahead, and
    // nothing of that gateway could be shipped.
    let new = NewTopic::new(&config.topic, partitions, replication)
        .set("cleanup.policy", "delete")
        .set("message.timestamp.type", "LogAppendTime");
    let made = admin.create_topics([&new], &options()).await.map_err(Unfit::Away)?;
    match made.into_iter().next() {
        None | Some(Ok(_)) => {
            tracing::info!(topic, partitions = config.partitions, "the topic is made");
            Ok(true)
        }
        Some(Err((_, Code::TopicAlreadyExists))) => Ok(true),
        Some(Err((_, code @ (Code::RequestTimedOut | Code::NotController)))) => {
            Err(Unfit::Away(KafkaError::AdminOp(code)))
        }
        Some(Err((_, code))) => Err(refused(code.to_string())),
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_MAX)).operation_timeout(Some(ANSWER_MAX))
}
