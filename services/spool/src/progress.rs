//! What a writer and the reader tell each other without a lock.
//!
//! Each side writes only its own cache line. `published` moves only after the bytes it covers
//! are written (with `durability: host`: synced), so the reader never sees half a frame.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// Between the writer of one stream and the reader.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    written: Written,
    taken: Taken,
}

/// Written by the writer. Aligned so that no other writer's line is touched (128: neighbouring
/// lines are fetched in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Written {
    /// [`Position`] behind the last whole frame; 0 before the first segment.
    published: AtomicU64,
}

/// Written by the reader.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Taken {
    /// The last acknowledged `seq` plus one.
    acked: AtomicU64,
    /// Segments with lower numbers are gone.
    freed_below: AtomicU32,
}

/// A place in a stream: segment number and offset in it. Orders as the stream does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    /// Number of the segment, from 1; 0 before the first.
    pub(crate) segment: u32,
    /// Bytes from the segment's begin.
    pub(crate) offset: u32,
}

/// Wakes the reader's thread when, and only when, it sleeps.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    sleeping: AtomicBool,
    /// Locked only around a sleep, never on the way of an append while the reader is awake.
    sleeper: Mutex<Option<Thread>>,
}

// === impl Progress ===

impl Progress {
    pub(crate) fn publish(&self, position: Position) {
        let Position { segment, offset } = position;
        let packed = u64::from(segment) << 32 | u64::from(offset);
        self.written.published.store(packed, Ordering::Release);
    }

    pub(crate) fn published(&self) -> Position {
        let packed = self.written.published.load(Ordering::Acquire);
        let segment = u32::try_from(packed >> 32).expect("32 bits are left");
        let offset = u32::try_from(packed & u64::from(u32::MAX)).expect("32 bits are left");
        Position { segment, offset }
    }

    /// Everything up to `seq` is stored elsewhere, and this is on disk.
    pub(crate) fn set_acked(&self, seq: u64) {
        self.taken.acked.store(seq + 1, Ordering::Release);
    }

    /// True when the record `seq` is acknowledged.
    pub(crate) fn acked(&self, seq: u64) -> bool {
        self.taken.acked.load(Ordering::Acquire) > seq
    }

    pub(crate) fn set_freed_below(&self, number: u32) {
        self.taken.freed_below.store(number, Ordering::Release);
    }

    pub(crate) fn freed_below(&self) -> u32 {
        self.taken.freed_below.load(Ordering::Acquire)
    }
}

// === impl Wake ===

impl Wake {
    /// Called by a writer after it published. The fences on both sides make sure that either the
    /// writer sees the sleeper or the sleeper sees what was published.
    pub(crate) fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) && self.sleeping.swap(false, Ordering::Relaxed) {
            let sleeper = self.sleeper.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(thread) = sleeper {
                thread.unpark();
            }
        }
    }

    /// Sleeps until notified, unparked or `timeout`, unless there is `news` already.
    pub(crate) fn sleep(&self, timeout: Duration, news: impl FnOnce() -> bool) {
        *self.sleeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !news() {
            thread::park_timeout(timeout);
        }
        self.sleeping.store(false, Ordering::Relaxed);
    }
}
