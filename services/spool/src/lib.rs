//! The durable segment log of one gateway: an append survives SIGKILL the moment it returned.
//!
//! SKELETON: the public shape is agreed with the other crates; bodies are being written.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use record::{PreviousLife, Stream, Time};

/// Where the spool is and how large it may grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder; created when it is absent.
    pub dir: PathBuf,
    /// Name of the gateway; a folder belongs to one name for ever.
    pub gateway: String,
    /// Number of writers, at least 1.
    pub workers: u16,
    /// Bytes of all segments together, old lives included.
    pub size: u64,
    /// Bytes of one segment.
    pub segment: u64,
    /// Greatest payload of one record, bytes.
    pub record_max: u32,
    /// What an append survives.
    pub durability: Durability,
    /// What the gateway does when there is no room.
    pub when_full: WhenFull,
}

/// What an append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// SIGKILL of the process.
    #[default]
    Process,
    /// Loss of power too: each write is synced.
    Host,
}

/// What the gateway does when the spool has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// New requests are refused.
    #[default]
    Reject,
    /// New requests are served without a record; each uses up its `seq`.
    Serve,
}

/// Reads the section `spool:`. `None` when there is a mistake, which is then in the sink.
pub fn read(
    value: Option<&settings::Value<'_>>,
    dir: PathBuf,
    gateway: String,
    workers: u16,
    record_max: u32,
) -> Option<Config> {
    let _skeleton = value;
    let (size, segment) = (1 << 30, 16 << 20);
    let (durability, when_full) = (Durability::Process, WhenFull::Reject);
    Some(Config { dir, gateway, workers, size, segment, record_max, durability, when_full })
}

/// Why the spool did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("the spool folder `{dir}` is held by another process{pid}", dir = dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// ` (pid 123)` or nothing.
        pid: String,
    },
}

/// Why a record was not pushed. Nothing changed: neither `seq` nor the reservation is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Even the headroom is used up.
    #[error("the spool has no room left, its headroom included")]
    Full,
    /// The payload is longer than the configuration allows, or empty.
    #[error("a record of {bytes} bytes does not fit: 1 to {max} bytes are accepted")]
    Length {
        /// Bytes of the payload.
        bytes: usize,
        /// Greatest number of bytes.
        max: u32,
    },
    /// `Room::Reserved` without a reservation.
    #[error("a record was pushed without a reservation")]
    NotReserved,
}

/// The disk did not take what was pushed. Nothing is lost: call `write` again.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to the spool")]
pub struct Stalled {
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Why a read failed. The next read tries the same place again.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the spool")]
pub struct ReadError {
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Why an acknowledgement was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// The stream is not in this spool, or `seq` was never read.
    #[error("`{stream:?}` was not read up to seq {seq}")]
    NotRead {
        /// The stream.
        stream: Stream,
        /// The sequence number.
        seq: u64,
    },
}

/// Which room a push uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// One reservation.
    Reserved,
    /// The headroom kept for start, heartbeat and end.
    Headroom,
}

/// How full a worker's share of the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes in use.
    pub used: u64,
    /// Bytes of the share.
    pub capacity: u64,
}

/// An opened spool: one writer per worker, one reader.
#[derive(Debug)]
pub struct Spool {
    /// This life.
    pub epoch: u64,
    /// The newest earlier life that left a record on disk.
    pub previous: Option<PreviousLife>,
    /// One per worker, in order.
    pub writers: Vec<Writer>,
    /// Yields the records of old lives, then of this one.
    pub reader: Reader,
}

/// The appending end of one stream; owned by its worker's thread.
#[derive(Debug)]
pub struct Writer {
    stream: Stream,
    next_seq: u64,
}

/// The reading end of the spool.
#[derive(Debug)]
pub struct Reader {}

/// What one read gave: frames in order per stream, their payloads in one buffer.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    /// The payloads (and frame heads between them).
    pub buffer: Vec<u8>,
    /// In the order in which they were read.
    pub frames: Vec<Frame>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose it is.
    pub stream: Arc<Stream>,
    /// Its number in the stream.
    pub seq: u64,
    /// Where its payload stands in the buffer.
    pub range: Range<usize>,
    /// [`hash`] of the payload.
    pub hash: u64,
}

/// All that was written at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {}

/// Opens the folder, locks it and begins a new epoch.
///
/// # Errors
/// See [`OpenError`].
pub fn open(config: &Config, now_ms: u64) -> Result<Spool, OpenError> {
    let stream = |worker| Stream { gateway: config.gateway.clone(), epoch: now_ms, worker };
    let writer = |worker| Writer { stream: stream(worker), next_seq: 0 };
    let writers = (0..config.workers).map(writer).collect();
    Ok(Spool { epoch: now_ms, previous: None, writers, reader: Reader {} })
}

/// The hash of a message's bytes: CRC-32C in the upper half, length in the lower.
pub fn hash(bytes: &[u8]) -> u64 {
    let length = u64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    u64::from(crc32c::crc32c(bytes)) << 32 | length
}

// === impl Writer ===

impl Writer {
    /// Whose writer this is.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The number that the next record gets.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Keeps room for one record until `push` or `unreserve`. False: full, or the disk stalls.
    pub fn reserve(&mut self) -> bool {
        true
    }

    /// Gives a reservation back.
    pub fn unreserve(&mut self) {}

    /// Adds one record to the batch.
    ///
    /// # Errors
    /// See [`PushError`].
    pub fn push(
        &mut self,
        now_ms: i64,
        uses: Room,
        encode: impl FnOnce(u64, Time, &mut Vec<u8>),
    ) -> Result<(), PushError> {
        let (_skeleton, mut buffer) = (uses, Vec::new());
        encode(self.next_seq, Time(now_ms), &mut buffer);
        self.next_seq += 1;
        Ok(())
    }

    /// Uses up a `seq` without writing anything.
    pub fn skip(&mut self) {
        self.next_seq += 1;
    }

    /// One write for all that was pushed.
    ///
    /// # Errors
    /// The disk is full or failing; nothing is lost, call again.
    pub fn write(&mut self) -> Result<(), Stalled> {
        Ok(())
    }

    /// How full the share is.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }
}

// === impl Reader ===

impl Reader {
    /// Up to about `max_bytes` of what is new; empty when nothing is.
    ///
    /// # Errors
    /// The disk failed; the next read tries again.
    pub fn read(&mut self, max_bytes: usize) -> Result<Frames, ReadError> {
        let _skeleton = max_bytes;
        Ok(Frames::default())
    }

    /// Returns when something was written, when the thread is unparked, or at `timeout`.
    pub fn wait(&mut self, timeout: Duration) {
        std::thread::park_timeout(timeout);
    }

    /// Everything of `stream` up to and including `seq` is stored elsewhere.
    ///
    /// # Errors
    /// See [`AckError`].
    pub fn ack(&mut self, stream: &Stream, seq: u64) -> Result<(), AckError> {
        let _skeleton = (stream, seq);
        Ok(())
    }

    /// Goes back to the first record that is not acknowledged.
    pub fn rewind(&mut self) {}

    /// All that was written until now.
    pub fn mark(&self) -> Mark {
        Mark {}
    }

    /// True when all that was written before the mark has been read.
    pub fn passed(&self, mark: &Mark) -> bool {
        let _skeleton = mark;
        true
    }
}
