//! Names inside the folder, and how its bytes are divided among the writers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Config;
use crate::disk::Lock;

/// The folder of all streams.
pub(crate) const STREAMS: &str = "streams";

/// Least share of a worker: when old lives fill the whole spool, each worker of a new life still
/// writes its start, its beats and its end. Some 60 small records.
const SHARE_MIN: u64 = 64 << 10;

/// The part of a share that only start, heartbeat and end may use: one in so many bytes. With
/// 1 GiB and four workers that is room for the beats of some six hours.
const HEADROOM_PART: u64 = 64;

/// The open folder; the lock goes when the last writer and the reader are gone.
#[derive(Debug)]
pub(crate) struct Folder {
    _lock: Box<dyn Lock>,
    /// Where it is.
    pub(crate) root: PathBuf,
    /// Bytes of a segment of this life.
    pub(crate) segment: u64,
    size: u64,
    workers: u64,
    /// Bytes that earlier lives hold; only the reader changes it.
    old: AtomicU64,
    /// Bytes that each writer may use; grows while old segments go.
    share: AtomicU64,
}

/// The folder of one stream.
pub(crate) fn stream_dir(root: &Path, epoch: u64, worker: u16) -> PathBuf {
    root.join(STREAMS).join(format!("{epoch}-{worker}"))
}

/// Epoch and worker of a stream's folder; `None` for a foreign name.
pub(crate) fn parse_stream(name: &str) -> Option<(u64, u16)> {
    let (epoch, worker) = name.split_once('-')?;
    Some((epoch.parse().ok()?, worker.parse().ok()?))
}

/// The file of one segment.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:010}.seg"))
}

/// Number of a segment's file; `None` for a foreign name.
pub(crate) fn parse_segment(name: &str) -> Option<u32> {
    name.strip_suffix(".seg")?.parse().ok()
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new(lock: Box<dyn Lock>, config: &Config, old: u64) -> Self {
        let folder = Self {
            _lock: lock,
            root: config.dir.clone(),
            segment: config.segment,
            size: config.size,
            workers: u64::from(config.workers),
            old: AtomicU64::new(old),
            share: AtomicU64::new(0),
        };
        folder.divide(old);
        folder
    }

    /// Bytes that one writer may use, headroom included.
    pub(crate) fn share(&self) -> u64 {
        self.share.load(Ordering::Relaxed)
    }

    /// Bytes of the share that only start, heartbeat and end may use.
    pub(crate) fn headroom(share: u64) -> u64 {
        (share / HEADROOM_PART).max(SHARE_MIN).min(share)
    }

    /// Segments of an old life are gone.
    pub(crate) fn freed_old(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let old = self.old.load(Ordering::Relaxed).saturating_sub(bytes);
        self.old.store(old, Ordering::Relaxed);
        self.divide(old);
    }

    fn divide(&self, old: u64) {
        let share = self.size.saturating_sub(old) / self.workers;
        self.share.store(share.max(SHARE_MIN), Ordering::Relaxed);
    }
}
