//! What earlier lives left in the folder: where each of their streams ends, what of it is
//! acknowledged, which folders are needed no more.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use record::{PreviousLife, Stream};

use crate::cursor::{Cursor, Segment};
use crate::disk::{Disk, read_full};
use crate::epochs::remove_stream;
use crate::folder::{STREAMS, parse_segment, parse_stream, segment_path, stream_dir};
use crate::frame::{HEAD, header_len};
use crate::number::{self, ACK, USED};
use crate::segment::{Piece, SegmentReader};

/// Read at once while looking for the end of a stream.
const SCAN_BYTES: usize = 1 << 20;

/// All earlier lives.
#[derive(Debug)]
pub(crate) struct Past {
    /// Streams that hold unacknowledged records, by epoch and worker.
    streams: BTreeMap<(u64, u16), OldStream>,
    /// The greatest epoch that has a folder; 0 for none.
    pub(crate) last_epoch: u64,
}

#[derive(Debug)]
struct OldStream {
    stream: Arc<Stream>,
    dir: PathBuf,
    segments: Vec<Segment>,
    acked: Option<u64>,
    /// The last `seq` that is or was on disk, or is used up behind it.
    last: Option<u64>,
}

// === impl Past ===

impl Past {
    /// Looks at every stream, cuts torn tails, removes segments that are acknowledged wholly.
    pub(crate) fn load(disk: &dyn Disk, root: &Path, gateway: &str) -> io::Result<Self> {
        let mut streams = BTreeMap::new();
        for name in disk.list(&root.join(STREAMS))? {
            let Some((epoch, worker)) = parse_stream(&name) else { continue };
            let stream = Stream { gateway: gateway.to_owned(), epoch, worker };
            let dir = stream_dir(root, epoch, worker);
            streams.insert((epoch, worker), OldStream::load(disk, dir, stream)?);
        }
        let last_epoch = streams.keys().next_back().map_or(0, |(epoch, _)| *epoch);
        Ok(Self { streams, last_epoch })
    }

    /// The newest life that left any record, with its last numbers.
    pub(crate) fn previous(&self) -> Option<PreviousLife> {
        let wrote = |stream: &&OldStream| stream.last.is_some();
        let epoch = self.streams.values().rev().find(wrote)?.stream.epoch;
        let mut last = Vec::new();
        for ((_, worker), old) in self.streams.range((epoch, 0)..=(epoch, u16::MAX)) {
            last.resize(usize::from(*worker), None);
            last.push(old.last);
        }
        Some(PreviousLife { epoch, last })
    }

    /// Removes the folders of lives that are wholly acknowledged, except the one whose numbers
    /// `previous` names, and of lives that wrote nothing.
    pub(crate) fn prune(&mut self, disk: &dyn Disk, keep: Option<u64>) -> io::Result<()> {
        let done: Vec<_> = self
            .streams
            .iter()
            .filter(|((epoch, _), old)| old.segments.is_empty() && Some(*epoch) != keep)
            .map(|(key, _)| *key)
            .collect();
        for key in done {
            let Some(old) = self.streams.remove(&key) else { continue };
            remove_stream(disk, &old.dir)?;
        }
        Ok(())
    }

    /// Bytes that are left on disk.
    pub(crate) fn bytes(&self) -> u64 {
        let segments = self.streams.values().flat_map(|old| &old.segments);
        segments.map(|segment| segment.bytes).sum()
    }

    /// The streams to read, oldest life first.
    pub(crate) fn cursors(self, host: bool) -> Vec<Cursor> {
        let unread = self.streams.into_values().filter(|old| !old.segments.is_empty());
        unread
            .map(|old| {
                let OldStream { stream, dir, segments, acked, last: _ } = old;
                Cursor::old(stream, dir, segments, acked, host)
            })
            .collect()
    }
}

// === impl OldStream ===

impl OldStream {
    fn load(disk: &dyn Disk, dir: PathBuf, stream: Stream) -> io::Result<Self> {
        let acked = number::load(disk, &dir, ACK)?;
        let names = disk.list(&dir)?;
        let mut numbers: Vec<_> = names.iter().filter_map(|name| parse_segment(name)).collect();
        numbers.sort_unstable();
        let (mut last, mut empty) = (None, Vec::new());
        for number in numbers.iter().rev() {
            let path = segment_path(&dir, *number);
            last = match SegmentReader::open(disk, &dir, &stream, *number) {
                Ok(reader) => cut(&reader_at_end(reader)?, &stream)?,
                Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
                // Kept, so that the reader tells of it when its turn comes.
                Err(_) if holds_frames(disk, &path, &stream)? => continue,
                Err(_) => None,
            };
            if last.is_some() {
                break;
            }
            disk.remove(&path)?;
            empty.push(*number);
        }
        numbers.retain(|number| !empty.contains(number));
        let last = last.max(acked);
        let mut segments = Vec::new();
        for number in numbers {
            let path = segment_path(&dir, number);
            if acked == last {
                disk.remove(&path)?;
            } else {
                segments.push(Segment::new(number, disk.open(&path)?.len()?));
            }
        }
        let last = last.max(number::load(disk, &dir, USED)?);
        Ok(Self { stream: Arc::new(stream), dir, segments, acked, last })
    }
}

/// A segment that was read as far as its frames are whole.
struct Scanned {
    reader: SegmentReader,
    last: Option<u64>,
    torn: bool,
}

fn reader_at_end(mut reader: SegmentReader) -> io::Result<Scanned> {
    let end = reader.len()?;
    let (mut last, mut buffer) = (None, Vec::new());
    loop {
        buffer.clear();
        match reader.piece(end, SCAN_BYTES, &mut buffer, |seq, _, _| last = Some(seq))? {
            Piece::Frames => {}
            stop => return Ok(Scanned { reader, last, torn: stop == Piece::Bad }),
        }
    }
}

/// Cuts a segment behind its last whole frame; returns that frame's number.
fn cut(scanned: &Scanned, stream: &Stream) -> io::Result<Option<u64>> {
    let Scanned { reader, last, torn } = scanned;
    let bytes = reader.len()? - reader.at();
    if *torn {
        tracing::warn!(%stream, segment = reader.number(), bytes, "a torn tail is cut");
    }
    if bytes > 0 {
        reader.cut()?;
    }
    Ok(*last)
}

/// True when something stands where the first frame would, so that a bad header is damage and
/// not the trace of a crash while the segment was made.
fn holds_frames(disk: &dyn Disk, path: &Path, stream: &Stream) -> io::Result<bool> {
    let mut head = [0; HEAD];
    let file = disk.open(path)?;
    let read = read_full(file.as_ref(), &mut head, header_len(&stream.gateway))?;
    Ok(head[..read].iter().any(|byte| *byte != 0))
}
