//! Reading one segment in pieces. Used by the reader, and at opening to find where an old life
//! ends.

use std::io;
use std::ops::Range;
use std::path::Path;

use record::Stream;

use crate::disk::{Disk, File, read_full};
use crate::folder::segment_path;
use crate::frame::{HEAD, Parsed, Seal, header_len};

/// A segment that is being read.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    file: Box<dyn File>,
    seal: Seal,
    /// Where the next frame begins.
    at: u64,
}

/// How a piece ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Some frames were read; there may be more.
    Frames,
    /// No whole frame is left before the end that was given.
    End,
    /// What follows is no frame of this segment.
    Bad,
}

impl SegmentReader {
    /// Opens a segment and checks its header.
    ///
    /// # Errors
    /// `InvalidData` when the header is not the one of this segment.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        stream: &Stream,
        number: u32,
    ) -> io::Result<Self> {
        let file = disk.open(&segment_path(dir, number))?;
        let seal = Seal::new(stream, number);
        let at = header_len(&stream.gateway);
        let mut header = vec![0; usize::try_from(at).map_err(io::Error::other)?];
        let read = read_full(file.as_ref(), &mut header, 0)?;
        seal.check_header(&header[..read])?;
        Ok(Self { file, seal, at })
    }

    /// Its number in the stream.
    pub(crate) fn number(&self) -> u32 {
        self.seal.number()
    }

    /// Where the next frame begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Length of the file, zeros at its end included.
    pub(crate) fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// Cuts off everything that follows the frames read so far.
    pub(crate) fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.at)?;
        self.file.sync()
    }

    /// Appends about `budget` bytes of frames that end at or before `end` to `buffer`, at least
    /// one frame, and calls `each` with `seq`, the payload's place in the buffer and its hash.
    ///
    /// # Errors
    /// The disk failed; nothing was consumed.
    pub(crate) fn piece(
        &mut self,
        end: u64,
        budget: usize,
        buffer: &mut Vec<u8>,
        mut each: impl FnMut(u64, Range<usize>, u64),
    ) -> io::Result<Piece> {
        let start = buffer.len();
        let mut want = budget.max(HEAD);
        loop {
            let left = usize::try_from(end.saturating_sub(self.at)).map_err(io::Error::other)?;
            want = want.min(left);
            buffer.resize(start + want, 0);
            let read = read_full(self.file.as_ref(), &mut buffer[start..], self.at);
            buffer.truncate(start + *read.as_ref().unwrap_or(&0));
            let everything = read? < want || want == left;
            let (used, stop) = self.frames(&buffer[start..], start, &mut each);
            buffer.truncate(start + used);
            self.at += used as u64;
            match stop {
                _ if used > 0 => return Ok(Piece::Frames),
                Parsed::End => return Ok(Piece::End),
                Parsed::Short { .. } if left == 0 => return Ok(Piece::End),
                // Not only our piece is too short for this frame, the segment is: torn.
                Parsed::Short { .. } if everything => return Ok(Piece::Bad),
                Parsed::Short { len } => want = len,
                Parsed::Bad | Parsed::Frame { .. } => return Ok(Piece::Bad),
            }
        }
    }

    /// Goes over whole frames; returns their bytes and what stands behind them.
    fn frames(
        &self,
        bytes: &[u8],
        offset: usize,
        each: &mut impl FnMut(u64, Range<usize>, u64),
    ) -> (usize, Parsed) {
        let mut used = 0;
        loop {
            match self.seal.parse(&bytes[used..]) {
                Parsed::Frame { seq, len, hash } => {
                    let payload = offset + used + HEAD..offset + used + len;
                    each(seq, payload, hash);
                    used += len;
                }
                stop => return (used, stop),
            }
        }
    }
}
