//! The producer, and the reports of what became of its messages.
//!
//! All of a message's way through the client costs allocations there, so what we add to it is a
//! number: the place of its [`Ticket`] in a list of ours.

use std::sync::{Mutex, PoisonError};
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
pub(super) const BATCH_MAX: u32 = 1_000_000;

/// So long the client waits for company of a message, milliseconds. It has one request under way for
/// each partition, and turns without a pause while it waits for the answer and has the next one
/// ready; so the next one should not be ready before the answer is there. With the 5 ms that are
/// usual it turned up to 800 times for each request.
const LINGER_MS: &str = "100";

/// What keeps one producer apart from the next: nothing that is in flight outlives it.
pub(super) struct Producer {
    client: BaseProducer<Reports>,
    topic: String,
    tickets: Tickets,
}

/// The tickets of what is under way, by number.
#[derive(Debug, Default)]
struct Tickets {
    tickets: Vec<Ticket>,
    /// Numbers that are given to nobody.
    free: Vec<usize>,
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
    /// Kafka's own time of the message, milliseconds since 1970.
    pub(super) stamp: i64,
    pub(super) payload: &'a [u8],
}

/// Collects the reports by the number of the ticket; called while the producer is polled.
#[derive(Debug, Default)]
struct Reports(Mutex<Vec<(usize, Result<(), Code>)>>);

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
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
    }
}

// === impl Producer ===

impl Producer {
    /// For a topic that was looked at. `linger`: messages wait for company.
    pub(super) fn new(config: &Config, topic: Topic, linger: bool) -> Result<Self, KafkaError> {
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
            .set("linger.ms", if linger { LINGER_MS } else { "0" })
            .set("message.max.bytes", topic.message_max.to_string())
            .set("batch.size", topic.message_max.min(BATCH_MAX).to_string())
            .create_with_context(Reports::default())?;
        Ok(Self { client, topic: config.topic.clone(), tickets: Tickets::default() })
    }

    pub(super) fn send(&mut self, out: Outgoing<'_>) -> Result<(), SendError> {
        let Outgoing { ticket, partition, key, headers, stamp, payload } = out;
        let number = self.tickets.put(ticket);
        let record = BaseRecord::with_opaque_to(&self.topic, number)
            .partition(partition)
            .key(key)
            .headers(headers)
            .timestamp(stamp)
            .payload(payload);
        let Err((error, _)) = self.client.send(record) else { return Ok(()) };
        self.tickets.take(number);
        Err(match error.rdkafka_error_code() {
            Some(Code::QueueFull) => SendError::Full,
            Some(code) if is_refusal(code) => SendError::Refused(code),
            _ => SendError::Failed(error),
        })
    }

    /// The reports that are there; when there is none, those that came after a while.
    ///
    /// The client is not asked to wait itself: it would always stay to the end, and turn without
    /// a pause for the last millisecond, which was a third of the shipper's CPU.
    pub(super) fn reports(&mut self, wait: Duration) -> Vec<Report> {
        let reports = self.there();
        if !reports.is_empty() || wait.is_zero() {
            return reports;
        }
        // Woken early it does no harm.
        thread::park_timeout(wait);
        self.there()
    }

    fn there(&mut self) -> Vec<Report> {
        let kept = || self.client.context().0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let before = kept().len();
            // One event, with the reports of some messages.
            self.client.poll(Duration::ZERO);
            let mut kept = kept();
            if kept.len() == before {
                let tickets = &mut self.tickets;
                let report = |(number, result)| Report { ticket: tickets.take(number), result };
                return kept.drain(..).map(report).collect();
            }
        }
    }

    /// Gives up what is not confirmed; each message still gets its report, which `each` is given,
    /// until `count` have come or the time is over.
    pub(super) fn abandon(
        &mut self,
        mut count: usize,
        max: Duration,
        mut each: impl FnMut(Report),
    ) {
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

// === impl Tickets ===

impl Tickets {
    /// Keeps a ticket; its number is nobody else's until it is taken.
    fn put(&mut self, ticket: Ticket) -> usize {
        if let Some(number) = self.free.pop() {
            self.tickets[number] = ticket;
            return number;
        }
        self.tickets.push(ticket);
        self.tickets.len() - 1
    }

    /// The ticket of a number that was given once and is taken once.
    fn take(&mut self, number: usize) -> Ticket {
        self.free.push(number);
        self.tickets[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_of_one_ticket_until_it_is_taken() {
        let ticket = |seq| Ticket { lane: 1, seq, bytes: 2 };
        let mut tickets = Tickets::default();
        let numbers = [5, 6, 7].map(|seq| tickets.put(ticket(seq)));
        assert_eq!(tickets.take(numbers[1]), ticket(6));
        let again = tickets.put(ticket(8));
        assert_eq!(again, numbers[1], "as many as are under way, no more");
        assert_eq!(tickets.put(ticket(9)), 3);
        assert_eq!([numbers[2], again, numbers[0]].map(|n| tickets.take(n).seq), [7, 8, 5]);
    }
}
