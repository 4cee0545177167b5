//! The topic: filled once, with the messages that a gateway's shipper would send.

use std::time::Duration;

use anyhow::{Context, Result};
use broker::Broker;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::rows::{Rows, Span, Words};

/// The broker takes no longer for anything.
const ASK_MAX: Duration = Duration::from_secs(60);
/// While the producer's queue is full.
const FULL_WAIT: Duration = Duration::from_millis(20);
/// Between two looks at what was sent.
const POLL_EVERY: u64 = 1_000;
/// Between two words about it.
const TOLD_EVERY: u64 = 100_000;

/// A topic of a broker of its own.
pub(super) struct Topic {
    broker: Broker,
    partitions: u16,
}

// === impl Topic ===

impl Topic {
    pub(super) const NAME: &str = "tollgate.records";

    /// Starts the broker, and puts all records into it.
    pub(super) fn fill(words: &Words, span: Span, partitions: u16) -> Result<Self> {
        let topic = Self { broker: Broker::try_start()?, partitions };
        topic.make()?;
        let producer: BaseProducer = topic
            .client()
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "20")
            .create()?;
        let mut rows = Rows::new(words, span, span.begin.0 as u64);
        let mut bytes = Vec::new();
        let mut sent = 0_u64;
        while let Some(record) = rows.next_record() {
            bytes.clear();
            record::encode(&record, &mut bytes);
            let stream = format!("{}/{}/{}", record.gateway, record.epoch, record.worker);
            topic.send(&producer, &stream, (record.worker, record.seq), &bytes)?;
            sent += 1;
            if sent.is_multiple_of(POLL_EVERY) {
                producer.poll(Duration::ZERO);
            }
            if sent.is_multiple_of(TOLD_EVERY) {
                eprint!("\r{sent} messages");
            }
        }
        eprintln!();
        producer.flush(ASK_MAX)?;
        Ok(topic)
    }

    pub(super) fn addr(&self) -> &str {
        self.broker.addr()
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.addr());
        client
    }

    fn make(&self) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let copies = TopicReplication::Fixed(1);
        let topic = [NewTopic::new(Self::NAME, self.partitions.into(), copies)];
        let options = AdminOptions::new().operation_timeout(Some(ASK_MAX));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for made in runtime.block_on(admin.create_topics(&topic, &options))? {
            made.map_err(|(name, code)| anyhow::anyhow!("topic {name}: {code}"))?;
        }
        Ok(())
    }

    /// All of a stream goes into one partition, in order.
    fn send(
        &self,
        producer: &BaseProducer,
        stream: &str,
        (worker, seq): (u16, u64),
        bytes: &[u8],
    ) -> Result<()> {
        let mut record = BaseRecord::to(Self::NAME)
            .partition((worker % self.partitions).into())
            .key(stream)
            .payload(bytes)
            .headers(bus::kafka::headers(seq, spool::hash(bytes)));
        loop {
            match producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    producer.poll(FULL_WAIT);
                    record = back;
                }
                Err((error, _)) => return Err(error).context("the broker takes no record"),
            }
        }
    }
}
