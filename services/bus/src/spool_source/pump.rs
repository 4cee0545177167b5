//! The thread between the spool's reader and the queue.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use record::Stream;
use spool::{AckError, Frame, Frames, Mark, ReadError, Reader};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::Bounds;

/// Everything wakes the thread; this only limits the harm were a wake-up ever missed.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// After a failed read: often enough to go on soon, seldom enough not to fill a log.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread queues.
#[derive(Debug)]
pub(super) struct Item {
    /// How many rewinds came before it.
    pub(super) generation: u64,
    pub(super) news: Result<News, ReadError>,
}

#[derive(Debug)]
pub(super) enum News {
    Frames(Frames),
    Reached(u64),
}

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    Ack { upto: Vec<(Arc<Stream>, u64)>, reply: oneshot::Sender<Result<(), AckError>> },
    Mark { mark: u64, reached: u64 },
    Rewind { generation: u64, reached: u64 },
}

pub(super) struct Pump {
    reader: Reader,
    bounds: Bounds,
    items: mpsc::Sender<Item>,
    commands: mpsc::Receiver<Command>,
    generation: u64,
    /// Read and not queued: the rest of a read that was more than a batch.
    ready: VecDeque<Frames>,
    /// Asked for and not known to be taken by the consumer; the first `announced` are queued.
    marks: VecDeque<(u64, Mark)>,
    announced: usize,
    /// No reading before this moment.
    pause_until: Option<Instant>,
}

impl Pump {
    pub(super) fn new(
        reader: Reader,
        bounds: Bounds,
        items: mpsc::Sender<Item>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        let (ready, marks) = (VecDeque::new(), VecDeque::new());
        let (generation, announced, pause_until) = (0, 0, None);
        Self { reader, bounds, items, commands, generation, ready, marks, announced, pause_until }
    }

    /// Works until the source is dropped.
    pub(super) fn run(mut self) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    self.obey(command);
                    continue;
                }
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            if let Some(left) = self.pause() {
                thread::park_timeout(left);
                continue;
            }
            if self.items.capacity() == 0 {
                // The consumer unparks this thread when it has taken something.
                thread::park_timeout(SLEEP_MAX);
                continue;
            }
            let Some(news) = self.news() else {
                self.reader.wait(SLEEP_MAX);
                continue;
            };
            // Nobody else sends, so there is room; an error means that the source is gone.
            if self.items.try_send(Item { generation: self.generation, news }).is_err() {
                return;
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Ack { upto, reply } => {
                let mut acks = upto.iter();
                let done = acks.try_for_each(|(stream, seq)| self.reader.ack(stream, *seq));
                // Nobody waits when the future was dropped; the acknowledgement stands.
                drop(reply.send(done));
            }
            Command::Mark { mark, reached } => {
                self.forget(reached);
                self.marks.push_back((mark, self.reader.mark()));
                self.pause_until = None;
            }
            Command::Rewind { generation, reached } => {
                self.forget(reached);
                self.generation = generation;
                self.reader.rewind();
                self.ready.clear();
                (self.announced, self.pause_until) = (0, None);
            }
        }
    }

    /// Drops marks that the consumer has.
    fn forget(&mut self, reached: u64) {
        while self.marks.front().is_some_and(|(mark, _)| *mark <= reached) {
            self.marks.pop_front();
            self.announced = self.announced.saturating_sub(1);
        }
    }

    /// What is left of the pause.
    fn pause(&mut self) -> Option<Duration> {
        let left = self.pause_until?.checked_duration_since(Instant::now());
        if left.is_none() {
            self.pause_until = None;
        }
        left
    }

    /// The next item, or `None` when there is nothing now.
    fn news(&mut self) -> Option<Result<News, ReadError>> {
        loop {
            if let Some(frames) = self.ready.pop_front() {
                return Some(Ok(News::Frames(frames)));
            }
            if let Some((mark, place)) = self.marks.get(self.announced)
                && self.reader.passed(place)
            {
                self.announced += 1;
                return Some(Ok(News::Reached(*mark)));
            }
            let read = match self.reader.read(self.bounds.batch_bytes) {
                Ok(read) => read,
                Err(error) => {
                    self.pause_until = Some(Instant::now() + RETRY);
                    return Some(Err(error));
                }
            };
            if read.frames.is_empty() {
                // The read may have gone over the end of a segment, and so past a mark.
                let next = self.marks.get(self.announced);
                if next.is_some_and(|(_, place)| self.reader.passed(place)) {
                    continue;
                }
                return None;
            }
            let small = read.buffer.len() < self.bounds.batch_bytes / 2;
            if small && self.marks.len() == self.announced {
                self.pause_until = Some(Instant::now() + self.bounds.linger);
            }
            self.ready = split(read, self.bounds.batch_messages.max(1));
        }
    }
}

/// Cuts what was read into batches of at most `count` messages; hardly ever needed, since
/// messages of usual length reach the limit of bytes first.
fn split(read: Frames, count: usize) -> VecDeque<Frames> {
    if read.frames.len() <= count {
        return VecDeque::from([read]);
    }
    let part = |frames: &[Frame]| {
        let (first, last) = (frames.first(), frames.last());
        let start = first.map_or(0, |frame| frame.range.start);
        let end = last.map_or(0, |frame| frame.range.end);
        let moved = |frame: &Frame| {
            let range = frame.range.start - start..frame.range.end - start;
            Frame { range, ..frame.clone() }
        };
        let frames = frames.iter().map(moved).collect();
        Frames { buffer: read.buffer[start..end].to_vec(), frames }
    };
    read.frames.chunks(count).map(part).collect()
}
