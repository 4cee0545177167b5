//! The thread that the broker may keep waiting: is the topic fit, where do the partitions end when
//! a mark is asked for, and the commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::group::{Member, list};
use super::shared::Shared;
use crate::kafka::config::Config;
use crate::kafka::ends::offset;
use crate::kafka::topic::{self, Unfit};

/// The longest that one question may take; a source that closes waits no longer than that.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Before a question that had no answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Before a topic that was refused is looked at again.
const REFUSED_AGAIN: Duration = Duration::from_secs(10);

pub(super) struct Asker {
    config: Config,
    shared: Arc<Shared>,
    consumer: Arc<BaseConsumer<Member>>,
}

/// A partition as it was when the question was put: assignment, and whether its place is unknown.
type Asked = BTreeMap<i32, (u64, bool)>;

impl Asker {
    pub(super) fn new(
        config: Config,
        shared: Arc<Shared>,
        consumer: Arc<BaseConsumer<Member>>,
    ) -> Self {
        Self { config, shared, consumer }
    }

    /// Works until the source is closed.
    pub(super) fn run(self) {
        if !self.wait_for_topic() {
            return;
        }
        while !self.shared.closed() {
            // One does not wait for the other: a commit may fail while the group is in motion.
            match (self.commit(), self.ask()) {
                (Ok(false), Ok(false)) => thread::park(),
                (Ok(_), Ok(_)) => {}
                (Err(error), _) | (_, Err(error)) => {
                    tracing::debug!(%error, "the broker does not do what is asked, trying again");
                    thread::park_timeout(AGAIN);
                }
            }
        }
    }

    /// Commits what is acknowledged; false when there is nothing.
    fn commit(&self) -> Result<bool, KafkaError> {
        let offsets = self.shared.lock().uncommitted();
        if offsets.is_empty() {
            return Ok(false);
        }
        commit(&self.consumer, &self.config.topic, &self.shared, &offsets)?;
        Ok(true)
    }

    /// Asks what the marks need; false when there is nothing to ask.
    fn ask(&self) -> Result<bool, KafkaError> {
        let Some((marks, asked)) = self.question() else { return Ok(false) };
        let ends = self.ends(&asked)?;
        self.answer(&marks, &asked, ends);
        Ok(true)
    }

    /// Looks at the topic until it is fit; false when the source is closed before.
    fn wait_for_topic(&self) -> bool {
        let (mut away, mut refused) = (false, false);
        loop {
            if self.shared.closed() {
                return false;
            }
            let pause = match topic::check(&self.config) {
                Ok(_) => break,
                Err(Unfit::Away(error)) => {
                    if !away {
                        tracing::warn!(%error, "no broker answers; waiting for one");
                    }
                    away = true;
                    AGAIN
                }
                Err(Unfit::Refused(error)) => {
                    if !refused {
                        tracing::error!(%error, "the topic is not consumed");
                        self.shared.refuse(error);
                    }
                    refused = true;
                    REFUSED_AGAIN
                }
            };
            thread::park_timeout(pause);
        }
        if away || refused {
            tracing::info!(topic = self.config.topic, "the broker answers, the topic is fit");
        }
        self.shared.lock().fit = true;
        self.shared.wake_pump();
        true
    }

    /// Marks without an answer, and the partitions to ask for.
    fn question(&self) -> Option<(Vec<u64>, Asked)> {
        let table = self.shared.lock();
        let open = table.marks.iter().filter(|mark| mark.ends.is_none());
        let marks: Vec<_> = open.map(|mark| mark.number).collect();
        if marks.is_empty() {
            return None;
        }
        let parts = table.parts.iter().filter_map(|(partition, part)| {
            let partition = i32::try_from(*partition).ok()?;
            Some((partition, (part.assignment, part.queued.is_none())))
        });
        Some((marks, parts.collect()))
    }

    /// Begin and end of each partition. It begins where the group stands, when we do not know.
    fn ends(&self, asked: &Asked) -> Result<BTreeMap<u32, (u64, u64)>, KafkaError> {
        let (topic, mut ends) = (self.config.topic.as_str(), BTreeMap::new());
        let mut unknown = TopicPartitionList::new();
        for (partition, (_, is_unknown)) in asked {
            if *is_unknown {
                unknown.add_partition(topic, *partition);
            }
        }
        let mut begins = BTreeMap::new();
        if unknown.count() > 0 {
            let found = self.consumer.committed_offsets(unknown, ANSWER_MAX)?;
            for element in found.elements() {
                element.error()?;
                if let Offset::Offset(next) = element.offset() {
                    begins.insert(element.partition(), offset(next));
                }
            }
        }
        for partition in asked.keys() {
            let watermarks = self.consumer.fetch_watermarks(topic, *partition, ANSWER_MAX)?;
            let (low, high) = (offset(watermarks.0), offset(watermarks.1));
            let begin = begins.get(partition).copied().unwrap_or(0).max(low);
            let number = u32::try_from(*partition).expect("it was a u32 before");
            ends.insert(number, (begin, high));
        }
        Ok(ends)
    }

    fn answer(&self, marks: &[u64], asked: &Asked, ends: BTreeMap<u32, (u64, u64)>) {
        let mut table = self.shared.lock();
        let mut known = BTreeMap::new();
        for ((partition, (begin, end)), (assignment, _)) in ends.into_iter().zip(asked.values()) {
            known.insert(partition, (*assignment, end));
            let part = table.parts.get_mut(&partition);
            if let Some(part) = part.filter(|part| part.assignment == *assignment) {
                part.floor = part.floor.max(begin);
            }
        }
        for mark in table.marks.iter_mut().filter(|mark| marks.contains(&mark.number)) {
            mark.ends = Some(known.clone());
        }
        drop(table);
        self.shared.wake_pump();
    }
}

/// Waits until the group has the offsets.
pub(super) fn commit(
    consumer: &BaseConsumer<Member>,
    topic: &str,
    shared: &Shared,
    offsets: &BTreeMap<u32, (u64, u64)>,
) -> Result<(), KafkaError> {
    let next = offsets.iter().map(|(partition, (_, next))| (*partition, *next));
    consumer.commit(&list(topic, next), CommitMode::Sync)?;
    shared.committed(offsets);
    Ok(())
}
