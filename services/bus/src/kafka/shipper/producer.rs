//! The producer, and the reports of what became of its messages.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig,
};

use crate::kafka::client;
use crate::kafka::config::{Compression, Config};
use crate::kafka::topic::Topic;

/// Bytes that go out together at most: the client's own default, or what the topic takes.
const BATCH_MAX: u32 = 1_000_000;

/// What keeps one producer apart from the next: nothing that is in flight outlives it.
pub(super) struct Producer {
    client: BaseProducer<Reports>,
    topic: String,
}

/// A message under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) lane: usize,
    pub(super) seq: u64,
    pub(super) bytes: usize,
}

/// What became of a message.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) ticket: Ticket,
    pub(super) result: Result<(), Code>,
}

/// Why a message was not taken.
#[derive(Debug)]
pub(super) enum SendError {
    /// There is no room; serve the reports first.
    Full,
    /// This message is never taken.
    Refused(Code),
    /// Something else.
    Failed(KafkaError),
}

/// One message to send.
pub(super) struct Outgoing<'a> {
    pub(super) ticket: Ticket,
    pub(super) partition: i32,
    pub(super) key: &'a str,
    pub(super) headers: OwnedHeaders,
    pub(super) payload: &'a [u8],
}

/// Collects the reports; called while the producer is polled.
#[derive(Debug, Clone, Default)]
struct Reports(Arc<Mutex<Vec<Report>>>);

/// True for errors that say that the message itself is at fault. A bad time is not: it is that of a
/// clock, which will be mended; the broker tells some of those as `InvalidRecord`.
pub(super) fn is_refusal(code: Code) -> bool {
    code == Code::MessageSizeTooLarge
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        let report = Report { ticket: *ticket, result };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }
}

// === impl Producer ===

impl Producer {
    /// For a topic that was looked at.
    pub(super) fn new(config: &Config, topic: Topic) -> Result<Self, KafkaError> {
        let compression = match config.compression {
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        };
        let client = client::settings(config)
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("max.in.flight.requests.per.connection", "5")
            // A record is never given up; whoever waits for it notices that nothing comes back.
            .set("message.timeout.ms", "0")
            .set("compression.codec", compression)
            .set("message.max.bytes", topic.message_max.to_string())
            .set("batch.size", topic.message_max.min(BATCH_MAX).to_string())
            .create_with_context(Reports::default())?;
        Ok(Self { client, topic: config.topic.clone() })
    }

    pub(super) fn send(&self, out: Outgoing<'_>) -> Result<(), SendError> {
        let Outgoing { ticket, partition, key, headers, payload } = out;
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(ticket))
            .partition(partition)
            .key(key)
            .headers(headers)
            .payload(payload);
        match self.client.send(record) {
            Ok(()) => Ok(()),
            Err((error, _)) => Err(match error.rdkafka_error_code() {
                Some(Code::QueueFull) => SendError::Full,
                Some(code) if is_refusal(code) => SendError::Refused(code),
                _ => SendError::Failed(error),
            }),
        }
    }

    /// The reports that are there; when there is none, those that came after a while.
    ///
    /// The client is not asked to wait itself: it would always stay to the end, and turn without
    /// a pause for the last millisecond, which was a third of the shipper's CPU.
    pub(super) fn reports(&self, wait: Duration) -> Vec<Report> {
        let reports = self.there();
        if !reports.is_empty() || wait.is_zero() {
            return reports;
        }
        // Woken early it does no harm.
        thread::park_timeout(wait);
        self.there()
    }

    fn there(&self) -> Vec<Report> {
        let kept = || self.client.context().0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let before = kept().len();
            // One event, with the reports of some messages.
            self.client.poll(Duration::ZERO);
            let mut kept = kept();
            if kept.len() == before {
                return std::mem::take(&mut *kept);
            }
        }
    }

    /// Gives up what is not confirmed; each message still gets its report, which `each` is given,
    /// until `count` have come or the time is over.
    pub(super) fn abandon(&self, mut count: usize, max: Duration, mut each: impl FnMut(Report)) {
        self.client.purge(PurgeConfig::default().queue().inflight());
        let deadline = Instant::now() + max;
        while count > 0 && Instant::now() < deadline {
            for report in self.reports(Duration::from_millis(10)) {
                count = count.saturating_sub(1);
                each(report);
            }
        }
    }
}
