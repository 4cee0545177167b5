//! A source in memory, for `ingest` and for tests: partition 0, positions count from 0.
//!
//! Messages are pulled from an iterator as they are asked for, then from a [`Feed`], if there is
//! one. What was given stays in memory until it is acknowledged, because it may have to come
//! again.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::source::MARKS_MAX;
use crate::{Batch, Bounds, Event, Message, Place, Source, SourceError};

/// The only partition.
const PARTITION: u32 = 0;

/// A message to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where its record stands, when that is known.
    pub place: Option<Place>,
    /// Why the bytes are no record, when that is known: see [`Message::unreadable`].
    pub unreadable: Option<Arc<str>>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Messages from memory.
pub struct Memory {
    name: String,
    bounds: Bounds,
    assigned: bool,
    /// `None` after its end.
    first: Option<Box<dyn Iterator<Item = Input> + Send>>,
    feed: Option<Fed>,
    /// Not acknowledged, from position `acked` on; the first `given` of them were given.
    kept: VecDeque<Input>,
    acked: u64,
    given: usize,
    /// Asked for and not reached: the number, and how many of the feed stand before it.
    marks: VecDeque<(u64, u64)>,
    marked: u64,
}

/// Puts further messages into a [`Memory`].
#[derive(Debug, Clone)]
pub struct Feed {
    messages: mpsc::Sender<Input>,
    pushed: Arc<AtomicU64>,
}

/// The other end of the feed.
struct Fed {
    messages: mpsc::Receiver<Input>,
    pushed: Arc<AtomicU64>,
    pulled: u64,
}

/// The source is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source that was fed is gone")]
pub struct SourceGone;

impl Feed {
    /// Adds a message; waits while the feed has no room.
    ///
    /// # Errors
    /// The source is gone.
    pub async fn push(&self, place: Option<Place>, bytes: Vec<u8>) -> Result<(), SourceGone> {
        let permit = self.messages.reserve().await.map_err(|_| SourceGone)?;
        self.pushed.fetch_add(1, Ordering::AcqRel);
        permit.send(Input::from((place, bytes)));
        Ok(())
    }
}

impl From<(Option<Place>, Vec<u8>)> for Input {
    fn from((place, bytes): (Option<Place>, Vec<u8>)) -> Self {
        Self { place, unreadable: None, bytes }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.len();
        f.debug_struct("Memory").field("name", &self.name).field("kept", &kept).finish()
    }
}

// === impl Memory ===

impl Memory {
    /// A source of these messages, which ends with them: `next` waits for ever then.
    pub fn new<M>(name: impl Into<String>, messages: M, bounds: Bounds) -> Self
    where
        M: IntoIterator<Item: Into<Input> + 'static, IntoIter: Send + 'static>,
    {
        Self {
            name: name.into(),
            bounds,
            assigned: false,
            first: Some(Box::new(messages.into_iter().map(Into::into))),
            feed: None,
            kept: VecDeque::new(),
            acked: 0,
            given: 0,
            marks: VecDeque::new(),
            marked: 0,
        }
    }

    /// A source of these messages and then of what is fed; `room` fed messages may wait.
    pub fn fed<M>(
        name: impl Into<String>,
        messages: M,
        bounds: Bounds,
        room: NonZeroUsize,
    ) -> (Feed, Self)
    where
        M: IntoIterator<Item: Into<Input> + 'static, IntoIter: Send + 'static>,
    {
        let (sender, messages_rx) = mpsc::channel(room.get());
        let pushed = Arc::new(AtomicU64::new(0));
        let fed = Fed { messages: messages_rx, pushed: Arc::clone(&pushed), pulled: 0 };
        let memory = Self { feed: Some(fed), ..Self::new(name, messages, bounds) };
        (Feed { messages: sender, pushed }, memory)
    }

    /// What is not acknowledged: what a source that is opened again would give.
    pub fn into_rest(self) -> impl Iterator<Item = Input> + Send {
        let fed = self.feed.map(|mut fed| std::iter::from_fn(move || fed.messages.try_recv().ok()));
        let first = self.first.into_iter().flatten();
        self.kept.into_iter().chain(first).chain(fed.into_iter().flatten())
    }

    /// Makes sure that one message is kept and not given, if there is one now.
    fn pull(&mut self) -> bool {
        if self.given < self.kept.len() {
            return true;
        }
        if let Some(first) = &mut self.first {
            if let Some(message) = first.next() {
                self.kept.push_back(message);
                return true;
            }
            self.first = None;
        }
        let Some(fed) = &mut self.feed else { return false };
        let Ok(message) = fed.messages.try_recv() else { return false };
        fed.pulled += 1;
        self.kept.push_back(message);
        true
    }

    /// The first mark, when everything before it was given.
    fn reached(&mut self) -> Option<u64> {
        let (mark, before) = *self.marks.front()?;
        // When the feed has ended, everything of it was pulled.
        let pulled = self.feed.as_ref().map_or(u64::MAX, |fed| fed.pulled);
        if self.first.is_some() || self.given < self.kept.len() || pulled < before {
            return None;
        }
        self.marks.pop_front();
        Some(mark)
    }

    fn batch(&mut self) -> Batch {
        let mut batch = Batch { partition: PARTITION, ..Batch::default() };
        while batch.buffer.len() < self.bounds.batch_bytes
            && batch.messages.len() < self.bounds.batch_messages.max(1)
            && self.pull()
        {
            let Input { place, unreadable, bytes } = &self.kept[self.given];
            let start = batch.buffer.len();
            batch.buffer.extend_from_slice(bytes);
            batch.messages.push(Message {
                position: self.acked + self.given as u64,
                place: place.clone(),
                unreadable: unreadable.clone(),
                hash: spool::hash(bytes),
                range: start..batch.buffer.len(),
            });
            self.given += 1;
        }
        batch
    }

    fn check(&self, partition: u32) -> Result<(), SourceError> {
        if self.assigned && partition == PARTITION {
            Ok(())
        } else {
            Err(SourceError::NotAssigned { partition })
        }
    }
}

impl Source for Memory {
    fn name(&self) -> &str {
        &self.name
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        if !self.assigned {
            self.assigned = true;
            return Ok(Event::Assigned { partition: PARTITION });
        }
        loop {
            if let Some(mark) = self.reached() {
                return Ok(Event::Reached { mark });
            }
            let batch = self.batch();
            if !batch.messages.is_empty() {
                return Ok(Event::Batch(batch));
            }
            if let Some(mark) = self.reached() {
                return Ok(Event::Reached { mark });
            }
            let Some(fed) = &mut self.feed else { return std::future::pending().await };
            let Some(message) = fed.messages.recv().await else {
                self.feed = None;
                continue;
            };
            fed.pulled += 1;
            self.kept.push_back(message);
        }
    }

    async fn ack(&mut self, partition: u32, position: u64) -> Result<(), SourceError> {
        self.check(partition)?;
        if position >= self.acked + self.given as u64 {
            return Err(SourceError::OutOfRange { partition, position });
        }
        while self.acked <= position {
            self.kept.pop_front();
            self.given -= 1;
            self.acked += 1;
        }
        Ok(())
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        let outstanding = self.marks.len() as u64;
        if outstanding >= MARKS_MAX {
            return Err(SourceError::TooManyMarks { outstanding });
        }
        self.marked += 1;
        let before = self.feed.as_ref().map_or(0, |fed| fed.pushed.load(Ordering::Acquire));
        self.marks.push_back((self.marked, before));
        Ok(self.marked)
    }

    async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
        self.check(partition)?;
        self.given = 0;
        Ok(())
    }
}
