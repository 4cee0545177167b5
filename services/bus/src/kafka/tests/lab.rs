//! What the tests need: topics of their own, a producer, events with a deadline.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::Broker;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::client::{self, Plain};
use crate::kafka::{Compression, Config, KafkaSource, Security};
use crate::{Batch, Event, Source};

/// Longer than any machine is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A configuration with a topic and a group that nobody else uses.
pub(crate) fn config(broker: &Broker, partitions: u32) -> Config {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test-{}-{}-{number}", std::process::id(), since.as_millis());
    Config {
        brokers: vec![broker.addr().to_owned()],
        topic: format!("{name}.records"),
        group: format!("{name}.metering"),
        partitions,
        replication: 1,
        compression: Compression::Lz4,
        session_timeout: Duration::from_secs(6),
        max_poll_interval: Duration::from_secs(10),
        record_max: 65_536,
        security: Security::default(),
    }
}

pub(crate) fn admin(config: &Config) -> AdminClient<Plain> {
    client::settings(config).create_with_context(Plain).expect("a client")
}

/// Makes the topic, with settings of its own.
pub(crate) async fn make(config: &Config, settings: &[(&str, &str)]) {
    let partitions = i32::try_from(config.partitions).expect("few");
    let mut new = NewTopic::new(&config.topic, partitions, TopicReplication::Fixed(1));
    for (key, value) in settings {
        new = new.set(key, value);
    }
    let made = admin(config).create_topics([&new], &AdminOptions::new()).await;
    made.expect("the broker answers")[0].as_ref().expect("it is made");
}

/// Makes the broker forget what stands before an offset, as its retention does.
pub(crate) async fn drop_before(config: &Config, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    let added = list.add_partition_offset(&config.topic, partition, Offset::Offset(before));
    added.expect("an offset");
    let done = admin(config).delete_records(&list, &AdminOptions::new()).await;
    let done = done.expect("the broker answers");
    assert!(done.elements().iter().all(|element| element.error().is_ok()), "{done:?}");
}

/// Writes to a topic as anybody could.
pub(crate) struct Writer {
    topic: String,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Writer {
    pub(crate) fn new(config: &Config) -> Self {
        let producer = client::settings(config).create().expect("a client");
        Self { topic: config.topic.clone(), producer }
    }

    /// `key` is the stream; none when it is empty.
    pub(crate) fn send(&self, partition: i32, key: &str, headers: OwnedHeaders, bytes: &[u8]) {
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(&self.topic).partition(partition).payload(bytes).headers(headers);
        record.key = (!key.is_empty()).then_some(key);
        self.producer.send(record).map_err(|(error, _)| error).expect("there is room");
    }

    /// As somebody would whose clock shows this, milliseconds since 1970.
    pub(crate) fn send_at(&self, partition: i32, stamp: i64) {
        let record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(&self.topic).partition(partition).payload(&b"at"[..]).timestamp(stamp);
        self.producer.send(record).map_err(|(error, _)| error).expect("there is room");
        self.flush();
    }

    /// Returns when all is in the topic.
    pub(crate) fn flush(&self) {
        self.producer.flush(PATIENCE).expect("the broker answers");
    }

    /// `count` short texts, the first is `from`.
    pub(crate) fn numbers(&self, partition: i32, from: u64, count: u64) {
        for number in from..from + count {
            self.send(partition, "", OwnedHeaders::new(), number.to_string().as_bytes());
        }
        self.flush();
    }
}

/// The next event.
pub(crate) async fn next(source: &mut KafkaSource) -> Event {
    let event = tokio::time::timeout(PATIENCE, source.next()).await;
    event.expect("the source says something").expect("the source is well")
}

/// Takes assignments until so many partitions are there.
pub(crate) async fn assigned(source: &mut KafkaSource, count: usize) -> BTreeSet<u32> {
    let mut partitions = BTreeSet::new();
    while partitions.len() < count {
        match next(source).await {
            Event::Assigned { partition } => assert!(partitions.insert(partition)),
            event => panic!("{event:?} before {count} partitions were assigned"),
        }
    }
    partitions
}

/// The next batch; changes of the assignment are passed over.
pub(crate) async fn batch(source: &mut KafkaSource) -> Batch {
    loop {
        match next(source).await {
            Event::Batch(batch) => return batch,
            Event::Assigned { .. } | Event::Revoked { .. } => {}
            event @ Event::Reached { .. } => panic!("{event:?} where a batch was due"),
        }
    }
}

/// The texts of a batch as numbers.
pub(crate) fn numbers(batch: &Batch) -> Vec<u64> {
    let number = |(_, bytes): (_, &[u8])| String::from_utf8_lossy(bytes).parse().expect("a number");
    batch.iter().map(number).collect()
}
