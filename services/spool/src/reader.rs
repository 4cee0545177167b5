//! The reading end: the streams of earlier lives first, then those of this one in turn.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use record::Stream;

use crate::cursor::{Cursor, Failure, Progressed};
use crate::disk::Disk;
use crate::epochs::{Succession, remove_stream};
use crate::folder::Folder;
use crate::progress::{Position, Wake};

/// The reading end of the spool; owned by one thread.
#[derive(Debug)]
pub struct Reader {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: Arc<Folder>,
    wake: Arc<Wake>,
    /// Of epochs that have ended, in their order.
    pub(crate) old: Vec<Cursor>,
    /// One per writer.
    pub(crate) live: Vec<Cursor>,
    /// Which live stream is read first the next time.
    turn: usize,
    succession: Arc<Succession>,
    /// How many epochs of the succession were taken.
    taken: u64,
    /// Of the live streams.
    epoch: u64,
}

/// What one read gave: frames in order per stream, their payloads in one buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frames {
    /// The payloads, with other bytes between them.
    pub buffer: Vec<u8>,
    /// In the order in which they were read.
    pub frames: Vec<Frame>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose it is.
    pub stream: Arc<Stream>,
    /// Its number in the stream; grows, and leaves out what was skipped.
    pub seq: u64,
    /// Where its payload stands in the buffer.
    pub range: Range<usize>,
    /// [`crate::hash`] of the payload.
    pub hash: u64,
}

/// All that was written at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    epoch: u64,
    live: Vec<Position>,
}

/// Why a read failed. The next read tries the same place again.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system said no.
    #[error("failed to read the spool stream `{stream}`")]
    Io {
        /// The stream.
        stream: Arc<Stream>,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Bytes of this life are not what was written; they are skipped once their segment ends.
    #[error("the spool stream `{stream}` is damaged at byte {offset} of segment {segment}")]
    Damaged {
        /// The stream.
        stream: Arc<Stream>,
        /// Number of the segment.
        segment: u32,
        /// Offset in it.
        offset: u32,
    },
}

/// Why an acknowledgement was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The spool has no such stream.
    #[error("the spool has no stream `{stream}`")]
    NoStream {
        /// The stream.
        stream: Stream,
    },
    /// The record was not read since opening or since the last rewind.
    #[error("seq {seq} of the spool stream `{stream}` was not read")]
    NotRead {
        /// The stream.
        stream: Stream,
        /// The number.
        seq: u64,
    },
    /// The acknowledgement could not be written; it may be repeated.
    #[error("failed to write the acknowledgement of the spool stream `{stream}`")]
    Io {
        /// The stream.
        stream: Stream,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

// === impl Frames ===

impl Frames {
    /// The bytes of one of its records.
    pub fn payload(&self, frame: &Frame) -> &[u8] {
        &self.buffer[frame.range.clone()]
    }
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        folder: Arc<Folder>,
        wake: Arc<Wake>,
        old: Vec<Cursor>,
        live: Vec<Cursor>,
        succession: Arc<Succession>,
        epoch: u64,
    ) -> Self {
        Self { disk, folder, wake, old, live, turn: 0, succession, taken: 0, epoch }
    }

    /// What is new, up to `max_bytes` and the end of the record that crosses them. Empty when
    /// nothing is new. Epochs that have ended come first; then each live stream gets its part of
    /// `max_bytes`, another one being first each time.
    ///
    /// # Errors
    /// A stream could not be read, and there is nothing new in the others; nothing was consumed. A
    /// stream that fails beside others that do not is told to the log, once.
    pub fn read(&mut self, max_bytes: usize) -> Result<Frames, ReadError> {
        let mut out = Frames::default();
        self.read_into(max_bytes, &mut out).map(|()| out)
    }

    /// As [`Reader::read`], in place of what `out` holds; its room is used again.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_into(&mut self, max_bytes: usize, out: &mut Frames) -> Result<(), ReadError> {
        self.adopt();
        out.buffer.clear();
        out.frames.clear();
        let (disk, folder) = (self.disk.as_ref(), self.folder.as_ref());
        let mut failed = None;
        for cursor in &mut self.old {
            // One that can not be read holds up itself alone.
            let taken = take(cursor, disk, folder, max_bytes, out);
            failed = failed.or(taken.err());
            if out.buffer.len() >= max_bytes {
                return Ok(());
            }
        }
        let part = max_bytes.div_ceil(self.live.len().max(1));
        for _ in 0..self.live.len() {
            let limit = (out.buffer.len() + part).min(max_bytes);
            let taken = take(&mut self.live[self.turn], disk, folder, limit, out);
            self.turn = (self.turn + 1) % self.live.len();
            failed = failed.or(taken.err());
            if out.buffer.len() >= max_bytes {
                break;
            }
        }
        match failed {
            Some(error) if out.frames.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns when something was written, when the thread is unparked, or at `timeout`; at once
    /// when something is unread. May return early.
    pub fn wait(&mut self, timeout: Duration) {
        self.adopt();
        let (old, live) = (&self.old, &self.live);
        let begun = || self.succession.count() > self.taken;
        self.wake.sleep(timeout, || begun() || old.iter().chain(live).any(Cursor::news));
    }

    /// Everything of `stream` up to and including `seq` is stored elsewhere. This survives a
    /// restart; segments that hold nothing else are removed.
    ///
    /// # Errors
    /// See [`AckError`].
    pub fn ack(&mut self, stream: &Stream, seq: u64) -> Result<(), AckError> {
        self.adopt();
        let disk = self.disk.as_ref();
        let mut cursors = self.old.iter_mut().chain(&mut self.live);
        let Some(cursor) = cursors.find(|cursor| *cursor.stream == *stream) else {
            return Err(AckError::NoStream { stream: stream.clone() });
        };
        if cursor.given() < Some(seq) {
            return Err(AckError::NotRead { stream: stream.clone(), seq });
        }
        let stored = cursor.ack(disk, seq);
        stored.map_err(|source| AckError::Io { stream: stream.clone(), source })?;
        self.folder.freed_old(cursor.free(disk));
        Ok(())
    }

    /// Goes back, so that what was given and is not acknowledged comes again.
    pub fn rewind(&mut self) {
        self.old.iter_mut().chain(&mut self.live).for_each(Cursor::rewind);
    }

    /// All that is written until now.
    pub fn mark(&mut self) -> Mark {
        self.adopt();
        Mark { epoch: self.epoch, live: self.live.iter().map(Cursor::written).collect() }
    }

    /// True when all that was written before the mark has been read since the last rewind. A
    /// read that gave nothing may be needed to get there.
    pub fn passed(&self, mark: &Mark) -> bool {
        let live = self.live.iter().zip(&mark.live);
        // Streams that were live at the mark, and have ended since, are among the old ones.
        self.old.iter().all(Cursor::exhausted)
            && (mark.epoch != self.epoch
                || live.into_iter().all(|(cursor, written)| cursor.position() >= *written))
    }

    /// Takes over the streams of epochs that began; those of the epoch before have ended.
    fn adopt(&mut self) {
        if self.succession.count() == self.taken {
            return;
        }
        for live in self.succession.take() {
            self.live.iter_mut().for_each(Cursor::end);
            self.old.append(&mut self.live);
            self.epoch = live.first().map_or(self.epoch, |cursor| cursor.stream.epoch);
            (self.live, self.turn) = (live, 0);
            self.taken += 1;
        }
        // The last that left a record keeps its numbers on disk until the live one has one.
        let wrote = |cursor: &&Cursor| cursor.given().is_some();
        let last = self.old.iter().rfind(wrote).map(|cursor| cursor.stream.epoch);
        let disk = self.disk.as_ref();
        self.old.retain(|cursor| {
            let goes = cursor.done() && Some(cursor.stream.epoch) < last;
            if goes && let Err(error) = remove_stream(disk, cursor.dir()) {
                tracing::warn!(%error, stream = %cursor.stream, "an empty stream stays on disk");
            }
            !goes
        });
    }
}

/// Reads one stream until `out` holds `limit` bytes or nothing is left.
fn take(
    cursor: &mut Cursor,
    disk: &dyn Disk,
    folder: &Folder,
    limit: usize,
    out: &mut Frames,
) -> Result<(), ReadError> {
    while out.buffer.len() < limit {
        let (bytes, count) = (out.buffer.len(), out.frames.len());
        let (buffer, frames) = (&mut out.buffer, &mut out.frames);
        let progressed = cursor.read(disk, limit - bytes, buffer, |stream, seq, range, hash| {
            frames.push(Frame { stream: Arc::clone(stream), seq, range, hash });
        });
        if out.frames.len() == count {
            // Only frames that had been given before.
            out.buffer.truncate(bytes);
        }
        match progressed {
            Ok(Progressed::Yes) => folder.freed_old(cursor.free(disk)),
            Ok(Progressed::No) => break,
            Err(failure) => {
                let error = explain(cursor, failure);
                if cursor.fails() {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "a spool stream can not be read, others can");
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

fn explain(cursor: &Cursor, failure: Failure) -> ReadError {
    let (stream, Position { segment, offset }) = (Arc::clone(&cursor.stream), cursor.position());
    match failure {
        Failure::Io(source) => ReadError::Io { stream, source },
        Failure::Damaged => ReadError::Damaged { stream, segment, offset },
    }
}
