//! What the reader and the threads of a Kafka source share.
//!
//! - Only the polling thread adds and removes partitions; the reader acknowledges and rewinds.
//! - Changes of the assignment are taken before batches, and a revocation takes the partition's
//!   batches out of the queue: so no batch comes before `Assigned` or after `Revoked`.
//! - The queue is bounded: `queued` batches, the marks that are asked for, and at most two changes
//!   for each partition (one that was not taken yet cancels out).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

use tokio::sync::{Notify, futures::Notified, watch};

use crate::kafka::TopicError;
use crate::source::MARKS_MAX;
use crate::{Batch, Event, Revocations, SourceError};

#[derive(Debug, Default)]
pub(super) struct Shared {
    table: Mutex<Table>,
    /// There may be something to take.
    news: Notify,
    /// Partitions whose `Revoked` is not taken.
    revoked: watch::Sender<BTreeSet<u32>>,
    pump: OnceLock<Thread>,
    asker: OnceLock<Thread>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) parts: BTreeMap<u32, Part>,
    /// Counts assignments, so that the same partition given again is told from before.
    assignments: u64,
    changes: VecDeque<Change>,
    items: VecDeque<Item>,
    /// Why the topic is not consumed; taken once.
    refused: Option<TopicError>,
    pub(super) marks: VecDeque<Mark>,
    marked: u64,
    /// The topic is fit.
    pub(super) fit: bool,
    pub(super) closed: bool,
}

/// A partition that is ours.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) assignment: u64,
    /// The reader has taken its `Assigned`.
    told: bool,
    /// The first offset that was queued since it is ours.
    first: Option<u64>,
    /// One past the last that was queued since it is ours or was rewound.
    pub(super) queued: Option<u64>,
    /// One past the last that the reader took since it is ours or was rewound.
    given: Option<u64>,
    /// One past the last that is acknowledged.
    pub(super) acked: Option<u64>,
    /// The offset that the group is known to have.
    committed: Option<u64>,
    /// The reader has rewound; nothing is queued before the client has gone back.
    pub(super) rewinding: bool,
    /// The client does not begin below; asked for when a mark needs it.
    pub(super) floor: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Assigned(u32),
    Revoked(u32),
}

#[derive(Debug)]
enum Item {
    Batch { batch: Batch, end: u64 },
    Reached(u64),
}

/// What stood in the partitions when it was asked for.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) number: u64,
    /// Assignment and end of each partition; `None` until the broker has said it.
    pub(super) ends: Option<BTreeMap<u32, (u64, u64)>>,
    announced: bool,
}

/// Tells the reader, when it is dropped, that a thread has ended.
pub(super) struct Closes(pub(super) Arc<Shared>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

// === impl Shared, for all ===

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing panics while it holds the lock; every change is whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_pump(&self) {
        // Set once, by the only thread that is the pump.
        self.pump.set(thread::current()).ok();
    }

    pub(super) fn set_asker(&self) {
        // Set once, by the only thread that is the asker.
        self.asker.set(thread::current()).ok();
    }

    pub(super) fn wake_pump(&self) {
        self.pump.get().map(Thread::unpark);
    }

    fn wake_asker(&self) {
        self.asker.get().map(Thread::unpark);
    }

    /// Ends both threads; the reader gets what is queued, then `Closed`.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake_pump();
        self.wake_asker();
        self.news.notify_one();
    }

    pub(super) fn closed(&self) -> bool {
        self.lock().closed
    }
}

// === impl Shared, for the reader ===

impl Shared {
    /// Completes when there may be something to take that was not there before the call.
    pub(super) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }

    pub(super) fn revocations(&self) -> Revocations {
        Revocations::new(self.revoked.subscribe())
    }

    pub(super) fn take(&self) -> Option<Result<Event, SourceError>> {
        let mut table = self.lock();
        if let Some(change) = table.changes.pop_front() {
            return Some(Ok(match change {
                Change::Assigned(partition) => {
                    let part = table.parts.get_mut(&partition);
                    part.expect("a revocation removes the change too").told = true;
                    Event::Assigned { partition }
                }
                Change::Revoked(partition) => {
                    self.revoked.send_if_modified(|waiting| waiting.remove(&partition));
                    Event::Revoked { partition }
                }
            }));
        }
        if let Some(error) = table.refused.take() {
            return Some(Err(SourceError::Topic(error)));
        }
        match table.items.pop_front() {
            Some(Item::Batch { batch, end }) => {
                let part = table.parts.get_mut(&batch.partition);
                part.expect("a revocation removes the batch too").given = Some(end);
                drop(table);
                self.wake_pump();
                Some(Ok(Event::Batch(batch)))
            }
            Some(Item::Reached(mark)) => {
                table.marks.retain(|known| known.number != mark);
                Some(Ok(Event::Reached { mark }))
            }
            None => table.closed.then_some(Err(SourceError::Closed)),
        }
    }

    pub(super) fn ack(&self, partition: u32, position: u64) -> Result<(), SourceError> {
        let mut table = self.lock();
        let part = table.told(partition)?;
        let begin = part.acked.or(part.first);
        if begin.is_some_and(|begin| position < begin) {
            return Ok(());
        }
        if part.given.is_none_or(|given| position >= given) {
            return Err(SourceError::OutOfRange { partition, position });
        }
        part.acked = Some(position + 1);
        drop(table);
        self.wake_asker();
        Ok(())
    }

    pub(super) fn mark(&self) -> Result<u64, SourceError> {
        let mut table = self.lock();
        let outstanding = table.marks.len() as u64;
        if table.closed {
            return Err(SourceError::Closed);
        }
        if outstanding >= MARKS_MAX {
            return Err(SourceError::TooManyMarks { outstanding });
        }
        table.marked += 1;
        let number = table.marked;
        table.marks.push_back(Mark { number, ends: None, announced: false });
        drop(table);
        self.wake_asker();
        Ok(number)
    }

    pub(super) fn rewind(&self, partition: u32) -> Result<(), SourceError> {
        let mut table = self.lock();
        let part = table.told(partition)?;
        (part.rewinding, part.given, part.queued) = (true, None, None);
        table.withdraw(partition);
        drop(table);
        self.wake_pump();
        Ok(())
    }
}

// === impl Shared, for the threads ===

impl Shared {
    /// The partitions are ours.
    pub(super) fn assign(&self, partitions: impl IntoIterator<Item = u32>) {
        let mut table = self.lock();
        for partition in partitions {
            table.assignments += 1;
            let part = Part { assignment: table.assignments, ..Part::default() };
            table.parts.insert(partition, part);
            table.changes.push_back(Change::Assigned(partition));
        }
        drop(table);
        self.news.notify_one();
    }

    /// The partition is no longer ours; returns what is acknowledged of it.
    pub(super) fn revoke(&self, partition: u32) -> Option<u64> {
        let mut table = self.lock();
        let part = table.parts.remove(&partition)?;
        table.withdraw(partition);
        if part.told {
            table.changes.push_back(Change::Revoked(partition));
            self.revoked.send_if_modified(|waiting| waiting.insert(partition));
        } else {
            table.changes.retain(|change| *change != Change::Assigned(partition));
        }
        drop(table);
        self.news.notify_one();
        part.acked
    }

    /// Puts a batch into the queue; `false` when the reader has rewound meanwhile.
    pub(super) fn queue(&self, batch: Batch) -> bool {
        let (first, last) = (batch.messages.first(), batch.messages.last());
        let (Some(first), Some(last)) = (first, last) else { return true };
        let (first, end) = (first.position, last.position + 1);
        let mut table = self.lock();
        let Some(part) = table.parts.get_mut(&batch.partition) else { return false };
        if part.rewinding {
            return false;
        }
        part.first.get_or_insert(first);
        part.queued = Some(end);
        table.items.push_back(Item::Batch { batch, end });
        drop(table);
        self.news.notify_one();
        true
    }

    /// The client went back to where a rewind begins.
    pub(super) fn rewound(&self, partition: u32) {
        let mut table = self.lock();
        if let Some(part) = table.parts.get_mut(&partition) {
            part.rewinding = false;
            part.queued = part.acked.or(part.first);
        }
    }

    /// Announces the marks that are reached, in their order.
    pub(super) fn announce(&self) {
        let mut table = self.lock();
        let Table { parts, items, marks, .. } = &mut *table;
        let mut announced = false;
        for mark in marks.iter_mut().filter(|mark| !mark.announced) {
            if !mark.reached(parts) {
                break;
            }
            mark.announced = true;
            items.push_back(Item::Reached(mark.number));
            announced = true;
        }
        drop(table);
        if announced {
            self.news.notify_one();
        }
    }

    /// The group has these offsets now.
    pub(super) fn committed(&self, offsets: &BTreeMap<u32, (u64, u64)>) {
        let mut table = self.lock();
        for (partition, (assignment, next)) in offsets {
            let part = table.parts.get_mut(partition);
            if let Some(part) = part.filter(|part| part.assignment == *assignment) {
                part.committed = part.committed.max(Some(*next));
            }
        }
    }

    pub(super) fn refuse(&self, error: TopicError) {
        self.lock().refused = Some(error);
        self.news.notify_one();
    }
}

// === impl Table ===

impl Table {
    /// Batches in the queue.
    pub(super) fn batches(&self) -> usize {
        self.items.iter().filter(|item| matches!(item, Item::Batch { .. })).count()
    }

    /// What is acknowledged and not known to be committed: assignment and next offset.
    pub(super) fn uncommitted(&self) -> BTreeMap<u32, (u64, u64)> {
        let part = |(partition, part): (&u32, &Part)| {
            let next = part.acked.filter(|next| Some(*next) > part.committed)?;
            Some((*partition, (part.assignment, next)))
        };
        self.parts.iter().filter_map(part).collect()
    }

    /// True while a mark waits for messages.
    pub(super) fn marks_wait(&self) -> bool {
        self.marks.iter().any(|mark| !mark.announced)
    }

    fn told(&mut self, partition: u32) -> Result<&mut Part, SourceError> {
        let part = self.parts.get_mut(&partition).filter(|part| part.told);
        part.ok_or(SourceError::NotAssigned { partition })
    }

    /// Takes a partition's batches out of the queue, and the marks, which may have to wait again.
    fn withdraw(&mut self, partition: u32) {
        self.items.retain(|item| match item {
            Item::Batch { batch, .. } => batch.partition != partition,
            Item::Reached(_) => false,
        });
        self.marks.iter_mut().for_each(|mark| mark.announced = false);
    }
}

// === impl Part ===

impl Part {
    /// Where a rewind goes; `None` when nothing was queued yet.
    pub(super) fn back(&self) -> Option<u64> {
        self.acked.or(self.first)
    }
}

// === impl Mark ===

impl Mark {
    /// A partition that went to somebody else is no longer waited for.
    fn reached(&self, parts: &BTreeMap<u32, Part>) -> bool {
        let Some(ends) = &self.ends else { return false };
        ends.iter().all(|(partition, (assignment, end))| match parts.get(partition) {
            Some(part) if part.assignment == *assignment => {
                !part.rewinding && part.queued.unwrap_or(0).max(part.floor) >= *end
            }
            _ => true,
        })
    }
}
