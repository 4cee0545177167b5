//! What the bytes of a segment mean. All numbers are little-endian.
//!
//! ```text
//! header  magic 8 | version u32 | number u32 | epoch u64 | first seq u64 | worker u16
//!         | gateway length u16 | gateway | CRC-32C u32 of all before it
//! frame   length u32 | CRC-32C u32 | seq u64 | payload
//! ```
//! The checksum of a frame runs over the payload first, then over the place (length, `seq`,
//! segment number, epoch, worker, gateway). So the checksum of the payload alone, which is half
//! of [`hash`], comes for free, and zeros never verify: a payload has at least one byte.

use std::io;

use crc32c::{crc32c, crc32c_append};
use record::Stream;

/// First bytes of each segment.
const MAGIC: [u8; 8] = *b"TGSPOOL\n";

/// Another number means another format: the segment is not read.
const VERSION: u32 = 1;

/// Bytes of a header without the gateway's name.
const HEADER_FIXED: usize = 40;

/// Bytes of a frame before its payload.
pub(crate) const HEAD: usize = 16;

/// Makes and checks the checksums of one segment.
#[derive(Debug, Clone)]
pub(crate) struct Seal {
    gateway: String,
    epoch: u64,
    worker: u16,
    number: u32,
}

/// What stands at a place of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A whole, verified frame.
    Frame {
        /// Its number in the stream.
        seq: u64,
        /// Bytes with the head.
        len: usize,
        /// [`hash`] of the payload.
        hash: u64,
    },
    /// The frame is longer than the bytes at hand: so many are needed.
    Short {
        /// Bytes with the head; only as true as an unverified length can be.
        len: usize,
    },
    /// Zeros: nothing was written here.
    End,
    /// Something that is no frame of this segment.
    Bad,
}

/// The hash of a message's bytes, for comparing what may be the same: CRC-32C in the upper half,
/// length in the lower. It finds accidents, not intent.
pub fn hash(bytes: &[u8]) -> u64 {
    compose(crc32c(bytes), bytes.len())
}

/// Bytes that a payload takes in a segment.
pub(crate) fn framed(payload: u32) -> u64 {
    u64::from(payload) + HEAD as u64
}

/// Bytes of the header of a gateway's segments.
pub(crate) fn header_len(gateway: &str) -> u64 {
    (HEADER_FIXED + gateway.len()) as u64
}

/// Bytes of the frame that begins here, as its head says.
pub(crate) fn frame_len(bytes: &[u8]) -> usize {
    HEAD + u32_at(bytes, 0) as usize
}

/// The number of the frame that begins here.
pub(crate) fn seq_of(frame: &[u8]) -> u64 {
    u64_at(frame, 8)
}

/// Fills in the head of a frame whose payload stands after it; the checksum comes with
/// [`Seal::close`].
pub(crate) fn write_head(frame: &mut [u8], length: u32, seq: u64) {
    frame[0..4].copy_from_slice(&length.to_le_bytes());
    frame[8..16].copy_from_slice(&seq.to_le_bytes());
}

fn compose(crc: u32, length: usize) -> u64 {
    u64::from(crc) << 32 | u64::from(u32::try_from(length).unwrap_or(u32::MAX))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

// === impl Seal ===

impl Seal {
    /// For one segment of a stream.
    pub(crate) fn new(stream: &Stream, number: u32) -> Self {
        let Stream { gateway, epoch, worker } = stream.clone();
        Self { gateway, epoch, worker, number }
    }

    /// The segment's number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// The header of the segment.
    pub(crate) fn header(&self, first_seq: u64) -> Vec<u8> {
        let gateway = self.gateway.as_bytes();
        let length = u16::try_from(gateway.len()).expect("a gateway's name is short, see `open`");
        let mut header = Vec::with_capacity(HEADER_FIXED + gateway.len());
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&self.number.to_le_bytes());
        header.extend_from_slice(&self.epoch.to_le_bytes());
        header.extend_from_slice(&first_seq.to_le_bytes());
        header.extend_from_slice(&self.worker.to_le_bytes());
        header.extend_from_slice(&length.to_le_bytes());
        header.extend_from_slice(gateway);
        let crc = crc32c(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        header
    }

    /// Checks that the bytes are the header of this segment.
    ///
    /// # Errors
    /// `Unsupported` for a whole header of another version, `InvalidData` for anything else.
    pub(crate) fn check_header(&self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() < HEADER_FIXED || bytes[0..8] != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the header is missing"));
        }
        let version = u32_at(bytes, 8);
        if version > VERSION {
            let text = format!("format {version} is of a newer program; known is {VERSION}");
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        if bytes != self.header(u64_at(bytes, 24)) {
            let text = "the header is damaged or of another segment";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(())
    }

    /// Puts the checksum into a frame that is complete otherwise.
    pub(crate) fn close(&self, frame: &mut [u8]) {
        let (length, seq) = (u32_at(frame, 0), u64_at(frame, 8));
        let crc = self.sum(crc32c(&frame[HEAD..]), length, seq);
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
    }

    /// Looks at what begins at the first byte.
    pub(crate) fn parse(&self, bytes: &[u8]) -> Parsed {
        if bytes.len() < HEAD {
            return Parsed::Short { len: HEAD };
        }
        let (length, crc, seq) = (u32_at(bytes, 0), u32_at(bytes, 4), u64_at(bytes, 8));
        if length == 0 {
            return if crc == 0 && seq == 0 { Parsed::End } else { Parsed::Bad };
        }
        let len = HEAD + length as usize;
        let Some(payload) = bytes.get(HEAD..len) else { return Parsed::Short { len } };
        let own = crc32c(payload);
        if self.sum(own, length, seq) != crc {
            return Parsed::Bad;
        }
        Parsed::Frame { seq, len, hash: compose(own, payload.len()) }
    }

    fn sum(&self, payload: u32, length: u32, seq: u64) -> u32 {
        let mut place = [0; 26];
        place[0..4].copy_from_slice(&length.to_le_bytes());
        place[4..12].copy_from_slice(&seq.to_le_bytes());
        place[12..16].copy_from_slice(&self.number.to_le_bytes());
        place[16..24].copy_from_slice(&self.epoch.to_le_bytes());
        place[24..26].copy_from_slice(&self.worker.to_le_bytes());
        crc32c_append(crc32c_append(payload, &place), self.gateway.as_bytes())
    }
}
