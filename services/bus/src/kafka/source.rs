//! Kafka as a source: one member of the group, with the partitions that the group gives it.
//!
//! - One thread does nothing but poll ([`pump`]). Each partition has a queue of its own inside the
//!   client; the thread takes from it only while there is room, and polls for the group's events
//!   always. So a reader that takes nothing for hours costs no membership, no partition is ever
//!   paused, and the client fetches no more than its queues hold.
//! - What waits for the broker's answer is done by another thread ([`asker`]): commits, marks.
//! - Between them and the reader stands one small table behind a lock ([`shared`]): the partitions,
//!   the events, the marks. A revocation changes it at once, whatever the reader is doing.
//! - An acknowledgement is noted, and committed soon after: one commit under way at a time, again
//!   after a failure, before a partition is given up, and at the end. Only what is acknowledged is
//!   ever committed.
//! - A lost partition (the session ended without us) is revoked like any other; nothing is
//!   committed for it.

mod asker;
mod group;
mod pump;
mod shared;

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

use super::client;
use super::config::Config;
use crate::{Bounds, Event, Revocations, Source, SourceError};
use asker::Asker;
use group::Member;
use pump::Pump;
use shared::Shared;

/// Leaving the group is a courtesy that takes milliseconds; when no broker answers, or the client
/// library hangs, the session's end does the same a little later.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// How often the client looks again whether its queue has room, milliseconds. Its own default of
/// a second would be a pause after each full queue.
const FULL_BACKOFF_MS: &str = "20";

/// How often the client asks for new partitions, milliseconds.
const REFRESH_MS: &str = "10000";

/// Heartbeats per session; one or two may be lost.
const HEARTBEATS: u32 = 4;

/// Least memory of a partition's queue in the client, KiB.
const QUEUE_KIB_MIN: usize = 256;

/// The records of all gateways, for one member of the group; named `kafka:<topic>`. The position
/// of a message is its offset. Memory: beside [`Bounds`], the client holds at most one more batch
/// for each partition, and the answer to one fetch.
#[derive(Debug)]
pub struct KafkaSource {
    name: String,
    config: Config,
    shared: Arc<Shared>,
    /// Closed when both threads have ended.
    ended: Mutex<Receiver<()>>,
}

/// Why Kafka could not be used at all; a broker that is away is no such reason.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The client library does not take the configuration.
    #[error("the client of Kafka can not be set up")]
    Client(#[source] KafkaError),
    /// The system gives no thread.
    #[error("failed to start a thread")]
    Thread(#[source] io::Error),
}

impl KafkaSource {
    /// Starts the threads that talk to the brokers, none of which needs to be up.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: &Config, bounds: Bounds) -> Result<Self, StartError> {
        let shared = Arc::new(Shared::default());
        let member = Member::new(&config.topic, Arc::clone(&shared));
        let consumer: Result<BaseConsumer<Member>, _> =
            settings(config, bounds).create_with_context(member);
        let mut consumer = consumer.map_err(StartError::Client)?;
        let wake = Arc::clone(&shared);
        consumer.set_nonempty_callback(move || wake.wake_pump());
        let consumer = Arc::new(consumer);
        let (running, ended) = sync_channel(1);
        let asker = Asker::new(config.clone(), Arc::clone(&shared), Arc::clone(&consumer));
        let pump = Pump::new(config.clone(), bounds, Arc::clone(&shared), consumer);
        let source = Self {
            name: format!("kafka:{}", config.topic),
            config: config.clone(),
            shared,
            ended: Mutex::new(ended),
        };
        // From here on dropping the source ends what was started.
        let asking = running.clone();
        source.spawn("kafka-asker", asking, |shared| shared.set_asker(), move || asker.run())?;
        source.spawn("kafka-source", running, |shared| shared.set_pump(), move || pump.run())?;
        Ok(source)
    }

    /// Batches that are read ahead; at most `queued` of the bounds.
    pub fn queued(&self) -> usize {
        self.shared.lock().batches()
    }

    fn spawn(
        &self,
        name: &str,
        running: SyncSender<()>,
        enter: fn(&Shared),
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _running = running;
            enter(&shared);
            let _closes = shared::Closes(shared);
            work();
        });
        thread.map(drop).map_err(StartError::Thread)
    }
}

/// The settings of the consumer.
fn settings(config: &Config, bounds: Bounds) -> rdkafka::ClientConfig {
    let session = config.session_timeout.as_millis();
    let mut client = client::settings(config);
    client
        .set("group.id", &config.group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", session.to_string())
        .set("heartbeat.interval.ms", (session / u128::from(HEARTBEATS)).max(1).to_string())
        .set("max.poll.interval.ms", config.max_poll_interval.as_millis().to_string())
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("topic.metadata.refresh.interval.ms", REFRESH_MS)
        .set("fetch.queue.backoff.ms", FULL_BACKOFF_MS)
        .set(
            "queued.max.messages.kbytes",
            (bounds.batch_bytes >> 10).clamp(QUEUE_KIB_MIN, 1 << 20).to_string(),
        );
    client
}

impl Source for KafkaSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        loop {
            let news = self.shared.news();
            if let Some(event) = self.shared.take() {
                return event;
            }
            news.await;
        }
    }

    async fn ack(&mut self, partition: u32, position: u64) -> Result<(), SourceError> {
        self.shared.ack(partition, position)
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        self.shared.mark()
    }

    async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
        self.shared.rewind(partition)
    }

    fn revocations(&self) -> Revocations {
        self.shared.revocations()
    }

    fn group(&self) -> Option<&str> {
        Some(&self.config.group)
    }

    async fn is_live(&self, group: &str) -> Result<bool, SourceError> {
        super::is_live(&self.config, group).await.map_err(SourceError::Ask)
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.shared.close();
        let ended = self.ended.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let deadline = Instant::now() + CLOSE_MAX;
        let left = deadline.saturating_duration_since(Instant::now());
        if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(
                source = self.name,
                "the group could not be left in time; the session ends by itself"
            );
        }
    }
}
