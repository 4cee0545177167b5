//! How far one stream is read, acknowledged and freed.
//!
//! `acked <= given`: what lies between is with the consumer. Frames up to `given` that come
//! again (after a failed sync, or below the acknowledged number after opening) are dropped.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use record::Stream;

use crate::disk::Disk;
use crate::folder::segment_path;
use crate::number::{ACK, NumberFile};
use crate::progress::{Position, Progress};
use crate::segment::{Piece, SegmentReader};
use crate::tail::remove_if_there;

/// The reading side of one stream.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) stream: Arc<Stream>,
    dir: PathBuf,
    /// With the writer of this life; `None` for an old life, whose segments are all there.
    live: Option<Arc<Progress>>,
    /// Nothing will be added: the stream of an old life, or one that ended in this.
    ended: bool,
    /// The last read failed, and this was told.
    failing: bool,
    /// Segments that are not freed: all of an old life, those that were begun of this one.
    segments: Vec<Segment>,
    current: Option<SegmentReader>,
    /// The segment to open next when there is no current one.
    next: u32,
    given: Option<u64>,
    acked: Option<u64>,
    ack_file: NumberFile,
}

/// A segment that is not freed.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    /// Bytes on disk when it was found; 0 in this life, where the writer keeps account.
    pub(crate) bytes: u64,
    /// The last `seq` seen in it.
    last: Option<u64>,
    /// It was read to its end, and nothing will be added.
    complete: bool,
}

/// Why a stream could not be read on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The disk failed.
    Io(io::Error),
    /// Bytes that the writer has published are not what it wrote.
    Damaged,
}

/// What one look at a stream gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progressed {
    /// Frames, or at least a step towards them.
    Yes,
    /// There is nothing now.
    No,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

// === impl Segment ===

impl Segment {
    pub(crate) fn new(number: u32, bytes: u64) -> Self {
        Self { number, bytes, last: None, complete: false }
    }
}

// === impl Cursor ===

impl Cursor {
    fn new(stream: Arc<Stream>, dir: PathBuf, host: bool) -> Self {
        let ack_file = NumberFile::new(&dir, ACK, host);
        Self {
            stream,
            dir,
            live: None,
            ended: false,
            failing: false,
            segments: Vec::new(),
            current: None,
            next: 1,
            given: None,
            acked: None,
            ack_file,
        }
    }

    /// For a stream of this life, which has nothing yet.
    pub(crate) fn live(
        stream: Arc<Stream>,
        dir: PathBuf,
        progress: Arc<Progress>,
        host: bool,
    ) -> Self {
        Self { live: Some(progress), ..Self::new(stream, dir, host) }
    }

    /// For a stream of an earlier life.
    pub(crate) fn old(
        stream: Arc<Stream>,
        dir: PathBuf,
        segments: Vec<Segment>,
        acked: Option<u64>,
        host: bool,
    ) -> Self {
        let next = segments.first().map_or(0, |segment| segment.number);
        let new = Self::new(stream, dir, host);
        Self { ended: true, segments, next, given: acked, acked, ..new }
    }

    /// Everything up to this `seq` was given.
    pub(crate) fn given(&self) -> Option<u64> {
        self.given
    }

    /// Where the reading stands.
    pub(crate) fn position(&self) -> Position {
        match &self.current {
            None => Position { segment: self.next, offset: 0 },
            Some(current) => {
                let offset = u32::try_from(current.at()).unwrap_or(u32::MAX);
                Position { segment: current.number(), offset }
            }
        }
    }

    /// How far the writer has published.
    pub(crate) fn written(&self) -> Position {
        self.live.as_ref().map(|progress| progress.published()).unwrap_or_default()
    }

    /// A read failed. True for the first time since one did not.
    pub(crate) fn fails(&mut self) -> bool {
        !std::mem::replace(&mut self.failing, true)
    }

    /// Its writer has ended it: all that it wrote is published.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// True when a stream that has ended was read to its end.
    pub(crate) fn exhausted(&self) -> bool {
        self.ended && self.current.is_none() && self.following().is_none()
    }

    /// True when nothing of it is needed any more but, for a while, its last number.
    pub(crate) fn done(&self) -> bool {
        self.exhausted() && self.segments.is_empty() && self.given == self.acked
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// True when the writer has published more than was read.
    pub(crate) fn news(&self) -> bool {
        match &self.live {
            Some(progress) if !self.ended => progress.published() > self.position(),
            _ => !self.exhausted(),
        }
    }

    /// Bytes that were not read yet, zeros at the ends of segments included. `segment` is the size
    /// of those of this life.
    pub(crate) fn unread(&self, segment: u64) -> u64 {
        let at = self.position();
        let offset = u64::from(at.offset);
        if self.live.is_some() {
            let end = self.written();
            let whole = u64::from(end.segment.saturating_sub(at.segment));
            return (whole * segment + u64::from(end.offset)).saturating_sub(offset);
        }
        let left = self.segments.iter().filter(|segment| segment.number >= at.segment);
        left.map(|segment| segment.bytes).sum::<u64>().saturating_sub(offset)
    }

    /// Reads one piece of about `budget` bytes; may find only frames that are dropped.
    pub(crate) fn read(
        &mut self,
        disk: &dyn Disk,
        budget: usize,
        buffer: &mut Vec<u8>,
        mut each: impl FnMut(&Arc<Stream>, u64, Range<usize>, u64),
    ) -> Result<Progressed, Failure> {
        if self.current.is_none() && !self.advance(disk)? {
            return Ok(Progressed::No);
        }
        let Some(current) = &mut self.current else { return Ok(Progressed::Yes) };
        let (end, finished) = match self.live.as_ref().map(|progress| progress.published()) {
            Some(position) if position.segment == current.number() => {
                (u64::from(position.offset), self.ended)
            }
            _ => (current.len()?, true),
        };
        let (mut given, mut last) = (self.given, None);
        let piece = current.piece(end, budget, buffer, |seq, range, hash| {
            last = Some(seq);
            if given < Some(seq) {
                given = Some(seq);
                each(&self.stream, seq, range, hash);
            }
        })?;
        (self.given, self.failing) = (given, false);
        let number = current.number();
        let segment = self.segments.iter_mut().find(|segment| segment.number == number);
        let segment = segment.expect("the segment that is read is not freed");
        segment.last = segment.last.max(last);
        match piece {
            Piece::Frames => return Ok(Progressed::Yes),
            Piece::End if current.at() == end && !finished => return Ok(Progressed::No),
            Piece::End | Piece::Bad if !finished => return Err(Failure::Damaged),
            Piece::End => {}
            Piece::Bad => tracing::error!(
                stream = %self.stream,
                segment = number,
                offset = current.at(),
                "a spool segment is damaged; the rest of it is skipped"
            ),
        }
        segment.complete = true;
        self.current = None;
        self.next = number + 1;
        Ok(Progressed::Yes)
    }

    /// Notes on disk that everything up to `seq` is stored.
    pub(crate) fn ack(&mut self, disk: &dyn Disk, seq: u64) -> io::Result<()> {
        if self.acked >= Some(seq) {
            return Ok(());
        }
        self.ack_file.store(disk, seq)?;
        self.acked = Some(seq);
        if let Some(progress) = &self.live {
            progress.set_acked(seq);
        }
        Ok(())
    }

    /// Goes back to the first record that is not acknowledged.
    pub(crate) fn rewind(&mut self) {
        if self.given == self.acked {
            return;
        }
        self.given = self.acked;
        let read = |segment: &&Segment| segment.last > self.acked;
        if let Some(number) = self.segments.iter().find(read).map(|segment| segment.number) {
            self.current = None;
            self.next = number;
        }
    }

    /// Removes segments that hold only acknowledged records; returns their bytes. What can not
    /// be removed is tried again with the next acknowledgement.
    pub(crate) fn free(&mut self, disk: &dyn Disk) -> u64 {
        let mut freed = 0;
        while let Some(first) = self.segments.first()
            && first.complete
            && first.last <= self.acked
            && self.current.as_ref().is_none_or(|current| current.number() != first.number)
        {
            let path = segment_path(&self.dir, first.number);
            if let Err(error) = remove_if_there(disk, &path) {
                tracing::warn!(%error, path = %path.display(), "failed to free a spool segment");
                break;
            }
            let Segment { number, bytes, .. } = self.segments.remove(0);
            freed += bytes;
            if let Some(progress) = &self.live {
                progress.set_freed_below(number + 1);
            }
        }
        freed
    }

    /// Opens the next segment; false when there is none.
    fn advance(&mut self, disk: &dyn Disk) -> io::Result<bool> {
        let Some(number) = self.following() else { return Ok(false) };
        match SegmentReader::open(disk, &self.dir, &self.stream, number) {
            Ok(reader) => self.current = Some(reader),
            Err(error) if self.ended && error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(%error, stream = %self.stream, segment = number,
                    "a spool segment is damaged; it is skipped");
                self.next = number + 1;
            }
            Err(error) => return Err(error),
        }
        match self.segments.iter_mut().find(|segment| segment.number == number) {
            Some(segment) => segment.complete |= self.current.is_none(),
            None => self.segments.push(Segment::new(number, 0)),
        }
        Ok(true)
    }

    /// The number of the next segment, if it is there.
    fn following(&self) -> Option<u32> {
        match &self.live {
            Some(progress) => (self.next <= progress.published().segment).then_some(self.next),
            None => {
                let mut numbers = self.segments.iter().map(|segment| segment.number);
                numbers.find(|number| *number >= self.next)
            }
        }
    }
}
