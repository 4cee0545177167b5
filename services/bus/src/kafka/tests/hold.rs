//! A spool to ship from, and a reader of the topic that knows nothing of ours but the headers.

use std::collections::BTreeMap;
use std::time::Instant;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use spool::{Durability, Reader, Room, Spool, WhenFull, Writer};
use tempfile::TempDir;

use super::lab::PATIENCE;
use crate::kafka::{Config, PLACE_HEADER, REFUSED_HEADER};

/// A spool with some writers, which can be opened again and again.
pub(crate) struct Hold {
    pub(crate) folder: TempDir,
    pub(crate) writers: Vec<Writer>,
    workers: u16,
    record_max: u32,
    lives: u64,
}

/// One message as it stands in the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) partition: i32,
    pub(crate) seq: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) refused: Option<String>,
}

/// All messages of a topic by stream, in their order.
pub(crate) type Topic = BTreeMap<String, Vec<Found>>;

impl Hold {
    pub(crate) fn new(workers: u16, record_max: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, writers: Vec::new(), workers, record_max, lives: 0 }
    }

    /// A new life of the gateway.
    pub(crate) fn open(&mut self) -> Reader {
        self.writers.clear();
        self.lives += 1;
        let config = spool::Config {
            dir: self.folder.path().to_owned(),
            gateway: "gw".to_owned(),
            workers: self.workers,
            size: 512 << 20,
            segment: 4 << 20,
            record_max: self.record_max,
            durability: Durability::Process,
            when_full: WhenFull::Reject,
        };
        let Spool { writers, reader, .. } = spool::open(&config, self.lives).expect("it opens");
        self.writers = writers;
        reader
    }

    /// Appends one record.
    pub(crate) fn write(&mut self, worker: usize, bytes: &[u8]) {
        let writer = &mut self.writers[worker];
        assert!(writer.reserve(), "there is room");
        let encode = |_, _, buffer: &mut Vec<u8>| buffer.extend_from_slice(bytes);
        writer.push(0, Room::Reserved, encode).expect("it was reserved");
        writer.write().expect("the disk is well");
    }

    /// Appends numbers, each worker in turn.
    pub(crate) fn numbers(&mut self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            let worker = usize::try_from(number % u64::from(self.workers)).expect("few");
            self.write(worker, number.to_string().as_bytes());
        }
    }
}

/// Reads the topic from its begin to where it ends now.
pub(crate) fn read(config: &Config) -> Topic {
    let consumer: BaseConsumer = crate::kafka::client::settings(config)
        .set("group.id", format!("{}.observer", config.group))
        .set("enable.auto.commit", "false")
        .create()
        .expect("a client");
    let metadata = consumer.fetch_metadata(Some(&config.topic), PATIENCE).expect("it answers");
    let (mut list, mut left) = (TopicPartitionList::new(), 0);
    for partition in metadata.topics()[0].partitions() {
        let id = partition.id();
        let added = list.add_partition_offset(&config.topic, id, Offset::Beginning);
        added.expect("an offset");
        let ends = consumer.fetch_watermarks(&config.topic, id, PATIENCE).expect("it answers");
        left += ends.1 - ends.0;
    }
    consumer.assign(&list).expect("it is there");
    let (mut topic, deadline) = (Topic::new(), Instant::now() + PATIENCE);
    while left > 0 {
        assert!(Instant::now() < deadline, "{left} messages did not come");
        let Some(message) = consumer.poll(std::time::Duration::from_millis(100)) else { continue };
        let Ok(message) = message else { continue };
        let text = |key: &str| {
            let found = message.headers()?.iter().find(|header| header.key == key)?;
            Some(String::from_utf8_lossy(found.value.unwrap_or_default()).into_owned())
        };
        let key = message.key().expect("every message has its stream");
        let stream = String::from_utf8_lossy(key).into_owned();
        let place = text(PLACE_HEADER).expect("every message has its place");
        let (seq, hash) = place.split_once(' ').expect("two numbers");
        let bytes = message.payload().unwrap_or_default();
        let refused = text(REFUSED_HEADER);
        if refused.is_none() {
            assert_eq!(hash, format!("{:016x}", spool::hash(bytes)));
        }
        topic.entry(stream).or_default().push(Found {
            partition: message.partition(),
            seq: seq.parse().expect("a number"),
            bytes: bytes.to_vec(),
            refused,
        });
        left -= 1;
    }
    topic
}

/// Every stream stands in one partition, and its numbers come for the first time in order.
pub(crate) fn assert_in_order(topic: &Topic) {
    for (stream, found) in topic {
        let mut next = 0;
        for message in found {
            assert_eq!(message.partition, found[0].partition, "{stream} has one partition");
            assert!(message.seq <= next, "{stream}: {} came before {next}", message.seq);
            next = next.max(message.seq + 1);
        }
    }
}

/// The different texts of the topic, as numbers.
pub(crate) fn numbers(topic: &Topic) -> Vec<u64> {
    let texts = topic.values().flatten().map(|found| String::from_utf8_lossy(&found.bytes));
    let mut numbers: Vec<u64> = texts.map(|text| text.parse().expect("a number")).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// How many messages there are.
pub(crate) fn count(topic: &Topic) -> usize {
    topic.values().map(Vec::len).sum()
}
