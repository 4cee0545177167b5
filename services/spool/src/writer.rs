//! The appending end of a stream: gives `seq` and time, keeps account of room.
//!
//! How room is counted: a frame may be the first of a segment, so it is charged with a segment's
//! header until it is written. A reservation is charged with the largest frame. So the sum of
//! what is used, pending and reserved never exceeds the share, and a reserved record always fits.

use std::io;
use std::sync::Arc;

use record::{Stream, Time};

use crate::epochs::Fresh;
use crate::folder::Folder;
use crate::frame::{self, HEAD};
use crate::number::NumberFile;
use crate::progress::{Progress, Wake};
use crate::tail::{Batch, Tail};

/// One part in so many of the headroom is kept from heartbeats: however long a spool is full, its
/// streams can still end and others begin, some twenty times.
const ENDS_PART: u64 = 2;

/// The appending end of one stream; owned by its worker's thread.
#[derive(Debug)]
pub struct Writer {
    stream: Arc<Stream>,
    folder: Arc<Folder>,
    progress: Arc<Progress>,
    wake: Arc<Wake>,
    tail: Tail,
    batch: Batch,
    next_seq: u64,
    last_time: Time,
    /// The last `seq` in the batch, or the last on disk.
    last: Option<u64>,
    /// How many reservations are out.
    reserved: u64,
    /// What the batch is charged with, bytes.
    pending: u64,
    /// The last write failed; nothing new is admitted until one succeeds.
    stalled: bool,
    /// The stream has ended: nothing is pushed until the writer is renewed.
    ended: bool,
    /// Where numbers are kept that are used up with no record behind them.
    used: NumberFile,
    /// Such numbers are not kept yet.
    skipped: bool,
    record_max: u32,
    header_len: u64,
}

/// Which room a push uses up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// One reservation.
    Reserved,
    /// The headroom kept for start, heartbeat and end, but for what start and end need.
    Beat,
    /// The headroom, all of it.
    Headroom,
}

/// How full a worker's share of the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes that wait for their acknowledgement, those of the current segment all included.
    pub used: u64,
    /// Bytes of the share. It grows while records of earlier lives are acknowledged.
    pub capacity: u64,
}

/// Why a record was not pushed. Nothing changed: neither `seq` nor the reservation is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Even the headroom is used up.
    #[error("the spool has no room left, its headroom included")]
    Full,
    /// The payload is empty or longer than the configuration allows.
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
    /// The stream has ended, and its writer has no other yet.
    #[error("a record was pushed after the end of its stream")]
    Ended,
}

/// A stream that has ended: all of it is on disk, and nothing follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub(crate) stream: Arc<Stream>,
    pub(crate) last: Option<u64>,
}

/// The disk did not take all that was pushed. Nothing is lost: call [`Writer::write`] again.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to the spool stream `{stream}`")]
pub struct Stalled {
    /// The stream.
    pub stream: Arc<Stream>,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

// === impl Writer ===

impl Writer {
    pub(crate) fn new(fresh: Fresh, folder: Arc<Folder>, wake: Arc<Wake>, record_max: u32) -> Self {
        let Fresh { stream, tail, progress, used } = fresh;
        let header_len = frame::header_len(&stream.gateway);
        Self {
            stream,
            folder,
            progress,
            wake,
            tail,
            batch: Batch::default(),
            next_seq: 0,
            last_time: Time::default(),
            last: None,
            reserved: 0,
            pending: 0,
            stalled: false,
            ended: false,
            used,
            skipped: false,
            record_max,
            header_len,
        }
    }

    /// Whose writer this is.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The number that the next record gets.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Keeps room for one record of the greatest size until [`Writer::push`] or
    /// [`Writer::unreserve`]. False: the share is full but for its headroom, or the disk stalls.
    pub fn reserve(&mut self) -> bool {
        let share = self.folder.share();
        let limit = share - Folder::headroom(share);
        let admitted = !self.stalled && self.fits(self.largest(), limit);
        self.reserved += u64::from(admitted);
        admitted
    }

    /// Gives a reservation back.
    pub fn unreserve(&mut self) {
        debug_assert!(self.reserved > 0, "a reservation is given back once");
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// Adds one record to the batch. `encode` gets its `seq` and its time, which is `now_ms` or
    /// that of the record before, whichever is later, and appends the payload to the buffer.
    ///
    /// # Errors
    /// See [`PushError`]; nothing changed then.
    pub fn push(
        &mut self,
        now_ms: i64,
        uses: Room,
        encode: impl FnOnce(u64, Time, &mut Vec<u8>),
    ) -> Result<(), PushError> {
        if self.ended {
            return Err(PushError::Ended);
        }
        if uses == Room::Reserved && self.reserved == 0 {
            return Err(PushError::NotReserved);
        }
        let time = self.last_time.max(Time(now_ms));
        let (seq, start) = (self.next_seq, self.batch.end);
        // A panic in an earlier `encode` may have left bytes behind the last whole frame.
        self.batch.buffer.truncate(start);
        self.batch.buffer.resize(start + HEAD, 0);
        encode(seq, time, &mut self.batch.buffer);
        let bytes = self.batch.buffer.len() - start - HEAD;
        let length = u32::try_from(bytes).unwrap_or(u32::MAX);
        if length == 0 || length > self.record_max {
            return Err(PushError::Length { bytes, max: self.record_max });
        }
        let charge = frame::framed(length) + self.header_len;
        let share = self.folder.share();
        let limit = match uses {
            Room::Reserved => None,
            Room::Beat => Some(share - Folder::headroom(share) / ENDS_PART),
            Room::Headroom => Some(share),
        };
        match limit {
            None => self.reserved -= 1,
            Some(limit) if self.fits(charge, limit) => {}
            Some(_) => return Err(PushError::Full),
        }
        frame::write_head(&mut self.batch.buffer[start..], length, seq);
        self.batch.end = self.batch.buffer.len();
        self.pending += charge;
        (self.next_seq, self.last_time, self.last) = (seq + 1, time, Some(seq));
        // The record shows the gap before it.
        self.skipped = false;
        Ok(())
    }

    /// Uses up a `seq` without writing anything: a request that is served without a record. The
    /// next record shows the gap; until then, [`Writer::write`] keeps the number.
    pub fn skip(&mut self) {
        self.next_seq += 1;
        self.skipped = true;
    }

    /// Takes all that was pushed to disk, in one system call unless a segment ends. `Ok`: it
    /// survives SIGKILL of this process (with `durability: host`: loss of power) from now on.
    ///
    /// # Errors
    /// The disk is full or failing. Nothing is lost: call again, the rest is continued at the
    /// same place. Until then [`Writer::reserve`] admits nothing.
    pub fn write(&mut self) -> Result<(), Stalled> {
        let written = self.write_all();
        self.stalled = written.is_err();
        written.map_err(|source| Stalled { stream: Arc::clone(&self.stream), source })
    }

    /// Ends the stream: takes all that was pushed to disk, as [`Writer::write`] does, and finishes
    /// the segment. Reservations can still be taken and given back; they are for the stream that
    /// comes with [`Writer::renew`].
    ///
    /// # Errors
    /// As [`Writer::write`]; call again.
    pub fn end(&mut self) -> Result<Ended, Stalled> {
        self.write()?;
        let ended = self.tail.end();
        self.stalled = ended.is_err();
        ended.map_err(|source| Stalled { stream: Arc::clone(&self.stream), source })?;
        self.ended = true;
        Ok(Ended { stream: Arc::clone(&self.stream), last: self.last })
    }

    /// Goes on with another stream after [`Writer::end`], from `seq` 0 and with any time. What is
    /// reserved stays so, and what the ended stream holds counts until it is freed.
    pub fn renew(&mut self, fresh: Fresh) {
        debug_assert!(self.ended, "a stream ends before the next one begins");
        debug_assert_eq!(self.stream.worker, fresh.stream.worker, "a worker keeps its number");
        let Fresh { stream, mut tail, progress, used } = fresh;
        std::mem::swap(&mut self.tail, &mut tail);
        self.tail.carry(tail);
        (self.stream, self.progress, self.used) = (stream, progress, used);
        (self.next_seq, self.last_time, self.last) = (0, Time::default(), None);
        self.ended = false;
    }

    /// True when [`Writer::reserve`] would admit a record now.
    pub fn has_room(&mut self) -> bool {
        let admitted = self.reserve();
        self.reserved -= u64::from(admitted);
        admitted
    }

    /// How full the share is, reservations not counted.
    pub fn usage(&mut self) -> Usage {
        self.tail.forget_freed();
        Usage { used: self.tail.used() + self.pending, capacity: self.folder.share() }
    }

    /// The greatest charge of one record.
    fn largest(&self) -> u64 {
        frame::framed(self.record_max) + self.header_len
    }

    /// True when `more` bytes fit below `limit` beside all that is used and promised.
    fn fits(&mut self, more: u64, limit: u64) -> bool {
        let promised = self.pending + self.reserved * self.largest() + more;
        if self.tail.used() + promised <= limit {
            return true;
        }
        // Only now is the reader's cache line looked at.
        self.tail.forget_freed();
        if self.tail.used() + promised > limit && self.drained() {
            self.tail.retire();
        }
        self.tail.used() + promised <= limit
    }

    fn write_all(&mut self) -> io::Result<()> {
        if self.batch.pending() {
            self.tail.write(&mut self.batch, self.folder.share())?;
            self.pending = 0;
            self.wake.notify();
        }
        if self.skipped {
            // Were the process to end now, nobody else would know of these numbers.
            self.used.store(self.tail.disk(), self.next_seq - 1)?;
            self.skipped = false;
        }
        Ok(())
    }

    /// True when all that this stream has on disk is acknowledged.
    fn drained(&self) -> bool {
        !self.batch.pending() && self.last.is_some_and(|seq| self.progress.acked(seq))
    }
}
