//! The spool as a source: partition 0, read on a thread of its own.
//!
//! - The thread owns the reader: it reads while the queue has room and sleeps otherwise, so a
//!   slow consumer holds `queued` batches in memory and leaves the rest on disk.
//! - A rewind begins a new generation. What the thread queued before it is thrown away when it is
//!   taken, never given; marks that were among that are announced again.

mod pump;

use std::io;
use std::thread::JoinHandle;

use spool::{Frames, Reader};
use tokio::sync::{mpsc, oneshot};

use crate::given::Given;
use crate::source::MARKS_MAX;
use crate::{Batch, Bounds, Event, Message, Place, Source, SourceError};
use pump::{Command, Item, News, Pump};

/// The only partition.
const PARTITION: u32 = 0;

/// One command is under way; a few more may be left from futures that were dropped.
const COMMANDS: usize = 4;

/// The spool of one gateway; named `spool:<gateway>`. Dropping it ends its thread, and with the
/// last writer the lock of the spool.
#[derive(Debug)]
pub struct SpoolSource {
    name: String,
    items: mpsc::Receiver<Item>,
    /// `None` only while dropping.
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    assigned: bool,
    generation: u64,
    given: Given,
    /// The last mark that was asked for, and the last that was reached.
    marked: u64,
    reached: u64,
}

impl SpoolSource {
    /// Starts the thread that owns the reader.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(gateway: &str, reader: Reader, bounds: Bounds) -> io::Result<Self> {
        let (item_tx, items) = mpsc::channel(bounds.queued.max(1));
        let (commands, command_rx) = mpsc::channel(COMMANDS);
        let pump = Pump::new(reader, bounds, item_tx, command_rx);
        let thread =
            std::thread::Builder::new().name("spool-source".to_owned()).spawn(|| pump.run())?;
        let (name, given) = (format!("spool:{gateway}"), Given::default());
        let (assigned, generation, marked, reached) = (false, 0, 0, 0);
        let (commands, thread) = (Some(commands), Some(thread));
        Ok(Self { name, items, commands, thread, assigned, generation, given, marked, reached })
    }

    /// Batches and marks that are read ahead; at most `queued` of the bounds.
    pub fn queued(&self) -> usize {
        self.items.len()
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits for room, then sends what `command` makes; nothing changes before there is room.
    async fn command(
        &mut self,
        command: impl FnOnce(&mut Self) -> Command,
    ) -> Result<(), SourceError> {
        let commands = self.commands.clone().ok_or(SourceError::Closed)?;
        let permit = commands.reserve().await.map_err(|_| SourceError::Closed)?;
        permit.send(command(self));
        self.wake();
        Ok(())
    }

    /// Gives the frames their positions.
    fn batch(&mut self, read: Frames) -> Batch {
        let mut messages = Vec::with_capacity(read.frames.len());
        for frame in read.frames {
            let position = self.given.add(&frame.stream, frame.seq);
            let place = Some(Place { stream: frame.stream, seq: frame.seq });
            let (hash, range) = (frame.hash, frame.range);
            messages.push(Message { position, place, unreadable: None, hash, range });
        }
        Batch { partition: PARTITION, messages, buffer: read.buffer }
    }

    fn check(&self, partition: u32) -> Result<(), SourceError> {
        if self.assigned && partition == PARTITION {
            Ok(())
        } else {
            Err(SourceError::NotAssigned { partition })
        }
    }
}

impl Source for SpoolSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        if !self.assigned {
            self.assigned = true;
            return Ok(Event::Assigned { partition: PARTITION });
        }
        loop {
            let Some(item) = self.items.recv().await else { return Err(SourceError::Closed) };
            self.wake();
            if item.generation != self.generation {
                continue;
            }
            match item.news.map_err(SourceError::Read)? {
                News::Frames(frames) => return Ok(Event::Batch(self.batch(frames))),
                News::Reached(mark) => {
                    self.reached = mark;
                    return Ok(Event::Reached { mark });
                }
            }
        }
    }

    async fn ack(&mut self, partition: u32, position: u64) -> Result<(), SourceError> {
        self.check(partition)?;
        let upto = self.given.upto(position);
        let upto = upto.map_err(|_| SourceError::OutOfRange { partition, position })?;
        if upto.is_empty() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        self.command(|_| Command::Ack { upto, reply }).await?;
        answer.await.map_err(|_| SourceError::Closed)?.map_err(SourceError::Ack)?;
        self.given.acknowledge(position);
        Ok(())
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        let outstanding = self.marked - self.reached;
        if outstanding >= MARKS_MAX {
            return Err(SourceError::TooManyMarks { outstanding });
        }
        self.command(|source| {
            source.marked += 1;
            Command::Mark { mark: source.marked, reached: source.reached }
        })
        .await?;
        Ok(self.marked)
    }

    async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
        self.check(partition)?;
        self.command(|source| {
            source.generation += 1;
            source.given.rewind();
            Command::Rewind { generation: source.generation, reached: source.reached }
        })
        .await
    }
}

impl Drop for SpoolSource {
    fn drop(&mut self) {
        self.items.close();
        self.commands = None;
        self.wake();
        let Some(thread) = self.thread.take() else { return };
        if thread.join().is_err() {
            tracing::error!(source = self.name, "the thread of a source panicked");
        }
    }
}
