//! The topic of the records, seen by a client of its own: what is in it, and messages that no
//! gateway would send.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication, TopicResult,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::{Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::Deserialize;

/// No single question to the broker takes longer.
const ASK_MAX: Duration = Duration::from_secs(30);
/// Reading all of a topic takes no longer.
const READ_MAX: Duration = Duration::from_secs(300);

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    broker: String,
    name: String,
}

/// The place of a record, as its own text says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Number {
    /// The gateway's name.
    pub gateway: String,
    /// The life of its process.
    pub epoch: u64,
    /// The worker.
    pub worker: u32,
    /// The number in the stream.
    pub seq: u64,
}

/// One message, as somebody wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The partition.
    pub partition: i32,
    /// The key.
    pub key: &'a str,
    /// The headers.
    pub headers: &'a OwnedHeaders,
    /// The bytes.
    pub bytes: &'a [u8],
}

// === impl Topic ===

impl Topic {
    /// The topic with this name on a broker.
    pub fn new(broker: &str, name: &str) -> Self {
        Self { broker: broker.to_owned(), name: name.to_owned() }
    }

    /// The places of all records that are in it now, and how many messages there are.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub fn numbers(&self) -> (BTreeSet<Number>, u64) {
        let (mut numbers, mut messages) = (BTreeSet::new(), 0);
        self.each(|bytes| {
            messages += 1;
            numbers.extend(serde_json::from_slice::<Number>(bytes).ok());
        });
        (numbers, messages)
    }

    /// One past the last message of each partition.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub fn ends(&self) -> Vec<i64> {
        let consumer = self.consumer();
        let partitions = self.partitions(&consumer);
        let end = |partition| {
            let marks = consumer.fetch_watermarks(&self.name, partition, ASK_MAX);
            marks.expect("the broker answers").1
        };
        (0..partitions).map(end).collect()
    }

    /// What a group has read of each partition: the offset that comes next; -1001 for nothing.
    ///
    /// # Panics
    /// When the broker does not answer.
    pub fn committed(&self, group: &str) -> Vec<i64> {
        let mut config = self.config();
        let consumer: BaseConsumer = config.set("group.id", group).create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions(&consumer) {
            list.add_partition(&self.name, partition);
        }
        let found = consumer.committed_offsets(list, ASK_MAX).expect("the broker answers");
        found.elements().iter().map(|one| one.offset().to_raw().unwrap_or(-1001)).collect()
    }

    /// Writes a message, and waits until it is there.
    ///
    /// # Panics
    /// When the broker does not take it.
    pub fn put(&self, text: Text<'_>) {
        let producer: BaseProducer =
            self.config().set("message.max.bytes", "20000000").create().expect("a producer");
        let record = BaseRecord::to(&self.name).partition(text.partition).key(text.key);
        let record = record.payload(text.bytes).headers(text.headers.clone());
        producer.send(record).map_err(|(error, _)| error).expect("room in the queue");
        producer.flush(ASK_MAX).expect("the broker takes it");
    }

    /// Makes the topic.
    ///
    /// # Panics
    /// When the broker does not.
    pub fn make(&self, partitions: i32) {
        let topic = [NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1))];
        done(self.admin().create_topics(&topic, &options()));
    }

    /// Lets the topic take messages of so many bytes.
    ///
    /// # Panics
    /// When the broker does not.
    pub fn allow(&self, bytes: usize) {
        let bytes = bytes.to_string();
        let topic = AlterConfig::new(ResourceSpecifier::Topic(&self.name));
        let topic = [topic.set("max.message.bytes", &bytes)];
        let admin = self.admin();
        let altered = wait_for(admin.alter_configs(&topic, &options()));
        assert!(altered.iter().all(Result::is_ok), "{altered:?}");
    }

    /// Gives the topic more partitions.
    ///
    /// # Panics
    /// When the broker does not.
    pub fn grow(&self, partitions: usize) {
        let grown = [NewPartitions::new(&self.name, partitions)];
        done(self.admin().create_partitions(&grown, &options()));
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("a client")
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.broker);
        config
    }

    fn consumer(&self) -> BaseConsumer {
        let mut config = self.config();
        config.set("group.id", "tests").set("enable.auto.commit", "false");
        config.set("fetch.message.max.bytes", "20000000");
        config.create().expect("a consumer")
    }

    fn partitions(&self, consumer: &BaseConsumer) -> i32 {
        let metadata = consumer.fetch_metadata(Some(&self.name), ASK_MAX);
        let metadata = metadata.expect("the broker answers");
        let partitions = metadata.topics().first().expect("the topic").partitions().len();
        i32::try_from(partitions).expect("few partitions")
    }

    /// Every message up to where the topic ends now.
    fn each(&self, mut see: impl FnMut(&[u8])) {
        let ends = self.ends();
        let consumer = self.consumer();
        let mut list = TopicPartitionList::new();
        let mut left = BTreeSet::new();
        for (partition, end) in (0..).zip(&ends) {
            let (first, _) =
                consumer.fetch_watermarks(&self.name, partition, ASK_MAX).expect("an answer");
            list.add_partition_offset(&self.name, partition, Offset::Offset(first)).expect("new");
            if first < *end {
                left.insert(partition);
            }
        }
        consumer.assign(&list).expect("partitions of the topic");
        let began = Instant::now();
        while !left.is_empty() {
            assert!(began.elapsed() < READ_MAX, "the topic was not read in {READ_MAX:?}");
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            // What the client says of connections that it makes anew is no end.
            let Ok(message) = message else { continue };
            let partition = message.partition();
            let end = ends[usize::try_from(partition).expect("a partition")];
            if message.offset() < end {
                see(message.payload().unwrap_or_default());
            }
            if message.offset() + 1 >= end {
                left.remove(&partition);
            }
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ASK_MAX))
}

fn wait_for<T>(asked: impl Future<Output = KafkaResult<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(asked).expect("the broker answers")
}

/// Waits until the broker has done what was asked of it.
fn done(asked: impl Future<Output = KafkaResult<Vec<TopicResult>>>) {
    let done = wait_for(asked);
    assert!(done.iter().all(Result::is_ok), "{done:?}");
}
