//! The end of a stream that grows: takes a batch of frames to disk, over as many segments as it
//! needs, and continues where it stopped after an error.
//!
//! - A segment is finished (cut to its frames; with `durability: host` synced) before the next
//!   one begins, so only the last segment of a life can be torn.
//! - A failed sync is final for its file: what was not synced before may be lost although later
//!   syncs succeed. It is written again, into a new segment; the reader drops the second copy.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use record::Stream;

use crate::disk::{Disk, File, write_on};
use crate::folder::segment_path;
use crate::frame::{Seal, frame_len, header_len};
use crate::progress::{Position, Progress};

/// A buffer larger than this is given back after its batch: one long stall must not hold memory
/// for ever.
const BUFFER_KEPT: usize = 1 << 20;

/// The frames of one write, in memory until they are on disk.
/// `synced <= written <= sealed <= end <= buffer.len()`.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) buffer: Vec<u8>,
    /// Behind the last whole frame. More than that is what a panic in `encode` left.
    pub(crate) end: usize,
    /// Frames before this have their checksum for the current segment.
    sealed: usize,
    /// Bytes before this are in the current segment, or in one before it.
    written: usize,
    /// Bytes before this need not be written again, whatever happens.
    synced: usize,
}

/// Where the frames of one stream go.
#[derive(Debug)]
pub(crate) struct Tail {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    stream: Arc<Stream>,
    progress: Arc<Progress>,
    /// Sync before anything is published.
    host: bool,
    /// Bytes of a segment, unless less is left of the share.
    segment: u64,
    current: Option<Current>,
    /// Number of the last segment that was begun.
    number: u32,
    /// Segments that are finished and not freed, those of the streams before this one included.
    finished: VecDeque<Finished>,
    finished_bytes: u64,
    /// The current segment holds only acknowledged records: the next write begins another.
    retired: bool,
}

/// A segment to which nothing is added.
#[derive(Debug)]
struct Finished {
    /// Tells what of its stream is freed.
    progress: Arc<Progress>,
    number: u32,
    bytes: u64,
}

/// The segment that is being written.
#[derive(Debug)]
struct Current {
    file: Box<dyn File>,
    seal: Seal,
    /// Where the next byte goes.
    at: u64,
    /// What `at` was at the last sync.
    synced: u64,
    /// Frames end at or before this.
    size: u64,
}

// === impl Batch ===

impl Batch {
    /// Bytes that are still to be written.
    pub(crate) fn pending(&self) -> bool {
        self.end > 0
    }

    fn clear(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.shrink_to(BUFFER_KEPT);
        *self = Self { buffer, ..Self::default() };
    }

    /// The length of the next frame that has no checksum yet.
    fn next_len(&self) -> Option<usize> {
        (self.sealed < self.end).then(|| frame_len(&self.buffer[self.sealed..]))
    }
}

// === impl Tail ===

impl Tail {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        stream: Arc<Stream>,
        progress: Arc<Progress>,
        host: bool,
        segment: u64,
    ) -> Self {
        let (current, number, retired) = (None, 0, false);
        let (finished, finished_bytes) = (VecDeque::new(), 0);
        Self {
            disk,
            dir,
            stream,
            progress,
            host,
            segment,
            current,
            number,
            finished,
            finished_bytes,
            retired,
        }
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Bytes in use, except what the next write gives back.
    pub(crate) fn used(&self) -> u64 {
        let current = self.current.as_ref().filter(|_| !self.retired);
        self.finished_bytes + current.map_or(0, |current| current.at)
    }

    /// Takes note of what the reader has freed.
    pub(crate) fn forget_freed(&mut self) {
        while let Some(first) = self.finished.front()
            && first.number < first.progress.freed_below()
        {
            self.finished_bytes -= first.bytes;
            self.finished.pop_front();
        }
    }

    /// Takes over the account of the stream before this one, which has ended.
    pub(crate) fn carry(&mut self, before: Self) {
        debug_assert!(before.current.is_none(), "it has ended");
        debug_assert!(self.finished.is_empty() && self.current.is_none(), "nothing was written");
        (self.finished, self.finished_bytes) = (before.finished, before.finished_bytes);
    }

    /// Finishes the current segment for good; all that was pushed is written.
    ///
    /// # Errors
    /// The disk is failing; call again.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if let Some(current) = &self.current {
            let bytes = current.at;
            current.file.set_len(bytes)?;
            self.finish_with(bytes);
        }
        self.retired = false;
        Ok(())
    }

    /// Nothing is added to the current segment, which has so many bytes.
    fn finish_with(&mut self, bytes: u64) {
        let progress = Arc::clone(&self.progress);
        self.finished.push_back(Finished { progress, number: self.number, bytes });
        self.finished_bytes += bytes;
        self.current = None;
    }

    /// Lets the next write begin a new segment; all in the current one is acknowledged.
    pub(crate) fn retire(&mut self) {
        self.retired = self.current.is_some();
    }

    /// Takes the whole batch to disk, then publishes and empties it.
    ///
    /// # Errors
    /// The disk is full or failing. The batch keeps what is missing; call again.
    pub(crate) fn write(&mut self, batch: &mut Batch, share: u64) -> io::Result<()> {
        loop {
            self.fill(batch)?;
            let Some(len) = batch.next_len() else { break };
            self.finish(batch)?;
            self.begin(batch, share, len as u64)?;
        }
        self.sync(batch)?;
        if let Some(current) = &self.current {
            let offset = u32::try_from(current.at).expect("a segment is at most 1 GiB");
            self.progress.publish(Position { segment: self.number, offset });
        }
        batch.clear();
        Ok(())
    }

    /// Seals and writes the frames that fit into the current segment.
    fn fill(&mut self, batch: &mut Batch) -> io::Result<()> {
        let Some(current) = self.current.as_mut().filter(|_| !self.retired) else { return Ok(()) };
        let mut at = current.at + (batch.sealed - batch.written) as u64;
        while let Some(len) = batch.next_len()
            && at + len as u64 <= current.size
        {
            current.seal.close(&mut batch.buffer[batch.sealed..batch.sealed + len]);
            batch.sealed += len;
            at += len as u64;
        }
        let mut done = 0;
        let bytes = &batch.buffer[batch.written..batch.sealed];
        let result = write_on(current.file.as_ref(), bytes, current.at, &mut done);
        batch.written += done;
        current.at += done as u64;
        result
    }

    /// Ends the current segment, if there is one.
    fn finish(&mut self, batch: &mut Batch) -> io::Result<()> {
        if self.retired {
            // The reader has read it to its end, and does not remove the last segment.
            remove_if_there(self.disk.as_ref(), &segment_path(&self.dir, self.number))?;
            (self.retired, self.current) = (false, None);
            return Ok(());
        }
        self.sync(batch)?;
        self.end()
    }

    /// Begins the next segment, with room for a frame of `len` bytes at least.
    fn begin(&mut self, batch: &Batch, share: u64, len: u64) -> io::Result<()> {
        self.forget_freed();
        let number = self.number + 1;
        let header_len = header_len(&self.stream.gateway);
        let left = share.saturating_sub(self.finished_bytes);
        let size = self.segment.min(left).max(header_len + len);
        let path = segment_path(&self.dir, number);
        let seal = Seal::new(&self.stream, number);
        let first = crate::frame::seq_of(&batch.buffer[batch.sealed..]);
        let file = self.disk.create(&path)?;
        let prepared = file.allocate(size).and_then(|()| {
            write_on(file.as_ref(), &seal.header(first), 0, &mut 0)?;
            if !self.host {
                return Ok(());
            }
            // Frames without the header before them could not be told from damage.
            file.sync()?;
            self.disk.sync_dir(&self.dir)
        });
        if let Err(error) = prepared {
            // Gives the room back to others; the next try makes the file anew either way.
            if let Err(error) = remove_if_there(self.disk.as_ref(), &path) {
                tracing::warn!(%error, path = %path.display(), "an unused segment stays");
            }
            return Err(error);
        }
        self.number = number;
        self.current = Some(Current { file, seal, at: header_len, synced: header_len, size });
        Ok(())
    }

    /// With `durability: host`: makes what was written survive a loss of power.
    fn sync(&mut self, batch: &mut Batch) -> io::Result<()> {
        let Some(current) = self.current.as_mut().filter(|_| self.host) else { return Ok(()) };
        if batch.synced == batch.written {
            return Ok(());
        }
        let Err(error) = current.file.sync() else {
            batch.synced = batch.written;
            current.synced = current.at;
            return Ok(());
        };
        // Final for this file, see above. The cut is a courtesy: the reader drops second copies.
        if let Err(error) = current.file.set_len(current.synced) {
            tracing::warn!(%error, stream = %self.stream, "a segment keeps frames twice");
        }
        let synced = current.synced;
        self.finish_with(synced);
        (batch.sealed, batch.written) = (batch.synced, batch.synced);
        Err(error)
    }
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &std::path::Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
