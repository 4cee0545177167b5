//! Epochs that begin while the folder is open: every stream ends, then all begin anew.
//!
//! The order is what keeps streams apart and accounts whole:
//! 1. each writer ends its stream ([`Writer::end`]): nothing is pushed any more, all is on disk;
//! 2. [`Epochs::begin`] syncs the new epoch, makes its folders, and tells the reader;
//! 3. each writer goes on with its new stream ([`Writer::renew`]).
//!
//! A crash between any two steps leaves what a crash between two lives leaves: the newest epoch
//! with a record on disk is the previous one. Reservations, and the bytes of the ended stream that
//! are not freed yet, stay with their writer, so the bound on bytes holds over a change of epochs
//! exactly as within one.

use std::io;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use record::{PreviousLife, Stream};

use crate::config::{Config, Durability};
use crate::cursor::Cursor;
use crate::disk::Disk;
use crate::folder::{Folder, STREAMS, stream_dir};
use crate::number::{self, ACK, NumberFile, PARTITION, USED};
use crate::open::{OpenError, begin_epoch};
use crate::progress::{Progress, Wake};
use crate::tail::Tail;
use crate::writer::Ended;
#[cfg(doc)]
use crate::writer::Writer;

/// Begins further epochs in the folder; owned by one thread. It does not hold the lock.
#[derive(Debug)]
pub struct Epochs {
    disk: Arc<dyn Disk>,
    config: Config,
    folder: Weak<Folder>,
    wake: Arc<Wake>,
    succession: Arc<Succession>,
    epoch: u64,
}

/// An epoch that has begun: nothing of it is on disk but its number.
#[derive(Debug)]
pub struct Begun {
    /// The epoch.
    pub epoch: u64,
    /// The one that ended for it, with its last numbers on disk.
    pub previous: PreviousLife,
    /// One per writer, in order, for [`Writer::renew`].
    pub fresh: Vec<Fresh>,
}

/// A stream in which nothing was written yet.
#[derive(Debug)]
pub struct Fresh {
    pub(crate) stream: Arc<Stream>,
    pub(crate) tail: Tail,
    pub(crate) progress: Arc<Progress>,
    pub(crate) used: NumberFile,
}

/// Why an epoch did not begin. It may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// A stream of the epoch that is to end did not, or something else did.
    #[error("epoch {epoch} has not ended in each of its {workers} streams, once")]
    NotEnded {
        /// The epoch.
        epoch: u64,
        /// How many streams it has.
        workers: u16,
    },
    /// The new epoch could not be put on disk.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// How the reader learns of streams that begin while the folder is open.
#[derive(Debug, Default)]
pub(crate) struct Succession {
    /// How many epochs were announced.
    count: AtomicU64,
    /// Those that the reader has not taken. Locked once per epoch.
    announced: Mutex<Vec<Vec<Cursor>>>,
}

/// Makes the folders of an epoch, and both ends of its streams.
pub(crate) fn streams(
    disk: &Arc<dyn Disk>,
    config: &Config,
    epoch: u64,
) -> Result<(Vec<Fresh>, Vec<Cursor>), OpenError> {
    let root = config.dir.as_path();
    let io = |attempt| move |source| OpenError::Io { attempt, dir: root.to_owned(), source };
    let host = config.durability == Durability::Host;
    let (mut fresh, mut cursors) = (Vec::new(), Vec::new());
    for worker in 0..config.workers {
        let stream = Arc::new(Stream { gateway: config.gateway.clone(), epoch, worker });
        let dir = stream_dir(root, epoch, worker);
        disk.create_dir(&dir).map_err(io("create a stream"))?;
        for name in [ACK, USED, PARTITION] {
            let made = number::prepare(disk.as_ref(), &dir, name, host);
            made.map_err(io("prepare a stream"))?;
        }
        if host {
            disk.sync_dir(&dir).map_err(io("sync a stream"))?;
        }
        let used = NumberFile::new(&dir, USED, host);
        let progress = Arc::new(Progress::default());
        cursors.push(Cursor::live(stream.clone(), dir.clone(), progress.clone(), host));
        let (made, segment) = (disk.clone(), config.segment);
        let tail = Tail::new(made, dir, stream.clone(), progress.clone(), host, segment);
        fresh.push(Fresh { stream, tail, progress, used });
    }
    disk.sync_dir(&root.join(STREAMS)).map_err(io("sync streams"))?;
    Ok((fresh, cursors))
}

/// Removes a stream's folder, of which everything is acknowledged.
pub(crate) fn remove_stream(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    // Were the segments to come back without what acknowledges them, they would be read.
    disk.sync_dir(dir)?;
    for name in disk.list(dir)? {
        disk.remove(&dir.join(name))?;
    }
    disk.remove_dir(dir)
}

// === impl Epochs ===

impl Epochs {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        config: Config,
        folder: &Arc<Folder>,
        wake: Arc<Wake>,
        succession: Arc<Succession>,
        epoch: u64,
    ) -> Self {
        Self { disk, config, folder: Arc::downgrade(folder), wake, succession, epoch }
    }

    /// The epoch that is, or was, the last to begin.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Begins the next epoch: `now_ms` (milliseconds since 1970) or one more than the last,
    /// whichever is greater. It is synced when this returns. `ended`: one of every writer.
    ///
    /// # Errors
    /// See [`BeginError`]. After a failure of the disk a number may be used up; call again.
    pub fn begin(&mut self, now_ms: u64, ended: &[Ended]) -> Result<Begun, BeginError> {
        let previous = self.previous(ended)?;
        let (disk, root) = (self.disk.as_ref(), self.config.dir.as_path());
        if self.folder.strong_count() == 0 {
            // Without the lock nobody may touch the folder, and nobody is there to write.
            let (epoch, workers) = (self.epoch, self.config.workers);
            return Err(BeginError::NotEnded { epoch, workers });
        }
        let epoch = begin_epoch(disk, root, now_ms, previous.epoch)?;
        let (fresh, cursors) = streams(&self.disk, &self.config, epoch)?;
        self.epoch = epoch;
        self.succession.announce(cursors);
        self.wake.notify();
        Ok(Begun { epoch, previous, fresh })
    }

    /// The last numbers of the epoch, when it has ended wholly.
    fn previous(&self, ended: &[Ended]) -> Result<PreviousLife, BeginError> {
        let (epoch, workers) = (self.epoch, self.config.workers);
        let mut last = vec![None; usize::from(workers)];
        let mut missing = usize::from(workers);
        for end in ended {
            let place = last.get_mut(usize::from(end.stream.worker));
            match place {
                Some(place) if place.is_none() && end.stream.epoch == epoch => {
                    *place = Some(end.last);
                    missing -= 1;
                }
                _ => return Err(BeginError::NotEnded { epoch, workers }),
            }
        }
        if missing > 0 {
            return Err(BeginError::NotEnded { epoch, workers });
        }
        Ok(PreviousLife { epoch, last: last.into_iter().map(Option::flatten).collect() })
    }
}

// === impl Succession ===

impl Succession {
    fn announce(&self, cursors: Vec<Cursor>) {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).push(cursors);
        self.count.fetch_add(1, Ordering::Release);
    }

    /// How many epochs were announced since the folder was opened.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Those that were not taken yet, oldest first.
    pub(crate) fn take(&self) -> Vec<Vec<Cursor>> {
        mem::take(&mut *self.announced.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
