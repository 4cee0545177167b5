//! The polling thread: serves the group, fills the queue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::asker;
use super::group::{Member, numbers};
use super::shared::Shared;
use crate::kafka::config::Config;
use crate::kafka::ends::{number, offset};
use crate::kafka::message::{self, Streams};
use crate::{Batch, Bounds, Message};

/// Everything wakes the thread; this limits the harm of an event of the group that the client did
/// not announce, and keeps far below the least `max.poll.interval.ms`.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// Before a seek that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The longest that a seek waits for the client's own threads.
const SEEK_MAX: Duration = Duration::from_secs(1);

pub(super) struct Pump {
    config: Config,
    bounds: Bounds,
    shared: Arc<Shared>,
    consumer: Arc<BaseConsumer<Member>>,
    subscribed: bool,
    queues: BTreeMap<u32, Queue>,
    /// The partition that is read first the next time stands first.
    turns: VecDeque<u32>,
    streams: Streams,
}

/// The client's queue of one partition.
struct Queue {
    assignment: u64,
    messages: PartitionQueue<Member>,
    /// Nothing is taken before: a small batch waits for company, a failed seek for better times.
    pause_until: Option<Instant>,
}

impl Pump {
    pub(super) fn new(
        config: Config,
        bounds: Bounds,
        shared: Arc<Shared>,
        consumer: Arc<BaseConsumer<Member>>,
    ) -> Self {
        Self {
            config,
            bounds,
            shared,
            consumer,
            subscribed: false,
            queues: BTreeMap::new(),
            turns: VecDeque::new(),
            streams: Streams::default(),
        }
    }

    /// Works until the source is closed.
    pub(super) fn run(mut self) {
        while !self.shared.closed() {
            self.subscribe();
            let served = self.serve();
            let rewound = self.rewind();
            let filled = self.fill();
            self.shared.announce();
            if !served && !rewound && !filled {
                thread::park_timeout(self.sleep());
            }
        }
        self.commit_last();
        self.consumer.context().leave();
        self.queues.clear();
        // The last holder of the consumer leaves the group.
    }

    fn subscribe(&mut self) {
        if self.subscribed || !self.shared.lock().fit {
            return;
        }
        match self.consumer.subscribe(&[&self.config.topic]) {
            Ok(()) => self.subscribed = true,
            Err(error) => tracing::error!(%error, "failed to subscribe"),
        }
    }

    /// Serves the group; true when something happened.
    fn serve(&mut self) -> bool {
        match self.consumer.poll(Duration::ZERO) {
            None => {}
            Some(Err(error)) => explain(&error),
            // Queues are split off before their partitions are assigned.
            Some(Ok(message)) => tracing::error!(
                partition = message.partition(),
                offset = message.offset(),
                "a message came beside its queue"
            ),
        }
        let given = self.consumer.context().given();
        let happened = !given.is_empty();
        for partitions in given {
            self.assign(&partitions);
        }
        self.forget();
        happened
    }

    /// Takes partitions that the group gives: first their queues, so that no message goes astray.
    fn assign(&mut self, partitions: &TopicPartitionList) {
        let mut queues = Vec::new();
        for element in partitions.elements() {
            let queue = self.consumer.split_partition_queue(element.topic(), element.partition());
            let mut queue = queue.expect("the topic's name has no zero byte");
            let shared = Arc::clone(&self.shared);
            queue.set_nonempty_callback(move || shared.wake_pump());
            queues.push((number(element.partition()), queue));
        }
        if let Err(error) = self.consumer.incremental_assign(partitions) {
            // The group takes them back; nothing is lost.
            tracing::warn!(%error, "failed to take partitions");
            return;
        }
        if partitions.count() > 0 {
            tracing::info!(partitions = %numbers(partitions), "partitions are ours");
        }
        self.shared.assign(queues.iter().map(|(partition, _)| *partition));
        let table = self.shared.lock();
        for (partition, messages) in queues {
            let assignment = table.parts.get(&partition).map_or(0, |part| part.assignment);
            let queue = Queue { assignment, messages, pause_until: None };
            self.queues.insert(partition, queue);
            self.turns.retain(|turn| *turn != partition);
            self.turns.push_back(partition);
        }
    }

    /// Drops the queues of partitions that are gone.
    fn forget(&mut self) {
        let table = self.shared.lock();
        let ours = |partition: &u32, assignment: u64| {
            table.parts.get(partition).is_some_and(|part| part.assignment == assignment)
        };
        let before = self.queues.len();
        self.queues.retain(|partition, queue| ours(partition, queue.assignment));
        if self.queues.len() < before {
            self.turns.retain(|turn| self.queues.contains_key(turn));
        }
    }

    /// Goes back where the reader asked for it; true when that was done.
    fn rewind(&mut self) -> bool {
        let asked: Vec<_> = {
            let table = self.shared.lock();
            let parts = table.parts.iter().filter(|(_, part)| part.rewinding);
            parts.map(|(partition, part)| (*partition, part.back())).collect()
        };
        let (now, mut done) = (Instant::now(), false);
        for (partition, back) in asked {
            let Some(queue) = self.queues.get_mut(&partition) else { continue };
            if queue.pause_until.is_some_and(|until| until > now) {
                continue;
            }
            let place = i32::try_from(partition).ok().zip(back.and_then(|it| it.try_into().ok()));
            let sought = match place {
                // Nothing was taken from the client yet, so there is nothing to go back to.
                None => Ok(()),
                Some((partition, back)) => {
                    let to = Offset::Offset(back);
                    self.consumer.seek(&self.config.topic, partition, to, SEEK_MAX)
                }
            };
            match sought {
                Ok(()) => {
                    queue.pause_until = None;
                    self.shared.rewound(partition);
                    done = true;
                }
                Err(error) => {
                    tracing::debug!(%error, partition, "a seek failed, it is tried again");
                    queue.pause_until = Some(now + RETRY);
                }
            }
        }
        done
    }

    /// Puts batches into the queue while there is room; true when one was.
    fn fill(&mut self) -> bool {
        let mut filled = false;
        for _ in 0..self.turns.len() {
            let (room, marks) = {
                let table = self.shared.lock();
                (table.batches() < self.bounds.queued.max(1), table.marks_wait())
            };
            if !room {
                break;
            }
            let Some(partition) = self.turns.pop_front() else { break };
            self.turns.push_back(partition);
            let now = Instant::now();
            let Some(queue) = self.queues.get_mut(&partition) else { continue };
            if queue.pause_until.is_some_and(|until| until > now && !marks) {
                continue;
            }
            queue.pause_until = None;
            let limit = self.config.record_max;
            let batch = take(&queue.messages, partition, self.bounds, limit, &mut self.streams);
            if batch.messages.is_empty() {
                continue;
            }
            let small = batch.buffer.len() < self.bounds.batch_bytes / 2
                && batch.messages.len() < self.bounds.batch_messages / 2;
            if small {
                queue.pause_until = Some(now + self.bounds.linger);
            }
            self.check_place(&batch);
            self.shared.queue(batch);
            filled = true;
        }
        filled
    }

    /// Offsets go up one by one, or something was taken away under our feet.
    fn check_place(&mut self, batch: &Batch) {
        let (partition, first) = (batch.partition, batch.messages[0].position);
        let expected = {
            let table = self.shared.lock();
            let part = table.parts.get(&partition);
            part.filter(|part| !part.rewinding).and_then(|part| part.queued)
        };
        let Some(expected) = expected.filter(|expected| *expected != first) else { return };
        tracing::error!(
            partition,
            expected,
            found = first,
            "the topic does not go on where it was read last"
        );
        if first < expected {
            // It was made anew: what is known of its offsets means nothing any more.
            self.shared.revoke(partition);
            self.shared.assign([partition]);
            let table = self.shared.lock();
            let assignment = table.parts.get(&partition).map(|part| part.assignment);
            if let (Some(queue), Some(assignment)) = (self.queues.get_mut(&partition), assignment) {
                queue.assignment = assignment;
            }
        }
    }

    /// Commits all that is acknowledged; whoever closes the source does not wait for ever.
    fn commit_last(&self) {
        let offsets = self.shared.lock().uncommitted();
        if offsets.is_empty() {
            return;
        }
        let done = asker::commit(&self.consumer, &self.config.topic, &self.shared, &offsets);
        if let Err(error) = done {
            tracing::warn!(%error, "the last acknowledgements are not committed");
        }
    }

    /// How long there is nothing to do, if nobody wakes us.
    fn sleep(&self) -> Duration {
        let now = Instant::now();
        let pauses = self.queues.values().filter_map(|queue| queue.pause_until);
        let next = pauses.filter(|until| *until > now).min();
        next.map_or(SLEEP_MAX, |until| SLEEP_MAX.min(until - now))
    }
}

/// One batch of what the client has of a partition.
fn take(
    queue: &PartitionQueue<Member>,
    partition: u32,
    bounds: Bounds,
    record_max: u32,
    streams: &mut Streams,
) -> Batch {
    let mut batch = Batch { partition, ..Batch::default() };
    while batch.messages.len() < bounds.batch_messages.max(1)
        && batch.buffer.len() < bounds.batch_bytes.max(1)
    {
        let found = match queue.poll(Duration::ZERO) {
            None => break,
            Some(Ok(found)) => found,
            Some(Err(error)) => {
                explain(&error);
                continue;
            }
        };
        let bytes = found.payload().unwrap_or_default();
        let read = message::read(found.headers(), found.key(), bytes, record_max, streams);
        let start = batch.buffer.len();
        batch.buffer.extend_from_slice(bytes);
        batch.messages.push(Message {
            position: offset(found.offset()),
            place: read.place,
            unreadable: read.unreadable,
            hash: read.hash,
            range: start..batch.buffer.len(),
        });
    }
    batch
}

/// Says what the client met. A broker that is away is no more than that.
fn explain(error: &KafkaError) {
    match error.rdkafka_error_code() {
        Some(Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut) => {
            tracing::debug!(%error, "no broker answers");
        }
        _ => tracing::warn!(%error, "the consumer met an error"),
    }
}
