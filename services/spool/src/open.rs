//! Opening the folder: the lock, the name, the new epoch, what earlier lives left.
//!
//! Order matters: nothing is touched before the lock is held, and no writer exists before its
//! epoch is synced, so that no two lives ever share a stream.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use record::PreviousLife;

use crate::config::{Config, Durability};
use crate::disk::{Disk, Lock, Real, read_file, replace_file};
use crate::epochs::{Epochs, Succession, streams};
use crate::folder::{Folder, STREAMS};
use crate::progress::Wake;
use crate::reader::Reader;
use crate::recover::Past;
use crate::writer::Writer;

/// Stands in every header; longer names help nobody.
const GATEWAY_MAX: usize = 255;

/// Room set aside for an opening on a full disk.
const RESERVE: &str = "reserve";
/// Bytes of it per worker, and once more for the rest: some blocks of 4 KiB for a folder, its two
/// small files, and what a file system needs beside them.
const RESERVE_PART: u64 = 32 << 10;

/// Numbers above this are not exact in JSON.
const EPOCH_MAX: u64 = (1 << 53) - 1;

/// An opened spool: one writer per worker, one reader.
#[derive(Debug)]
pub struct Spool {
    /// This life.
    pub epoch: u64,
    /// The newest earlier life that left a record on disk, acknowledged or not.
    pub previous: Option<PreviousLife>,
    /// One per worker, in order.
    pub writers: Vec<Writer>,
    /// Begins further epochs while the folder is open.
    pub epochs: Epochs,
    /// Yields the records of old lives, then of this one.
    pub reader: Reader,
}

/// Why the spool did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The sizes do not fit each other.
    #[error("the spool can not be set up so: {text}")]
    Sizes {
        /// What does not fit.
        text: String,
    },
    /// The gateway's name can not stand in a segment.
    #[error("`{name}` is no name for a gateway: 1 to {GATEWAY_MAX} bytes are accepted")]
    Name {
        /// The name.
        name: String,
    },
    /// Another process holds the folder.
    #[error("the spool folder `{dir}` is held by another process{pid}", dir = dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// ` (pid 123)`, or nothing when it is not known.
        pid: String,
    },
    /// The folder belongs to another gateway.
    #[error("the spool folder `{dir}` belongs to gateway `{found}`, not to `{name}`",
        dir = dir.display())]
    OtherGateway {
        /// The folder.
        dir: PathBuf,
        /// Whose it is.
        found: String,
        /// Who opened it.
        name: String,
    },
    /// The last epoch can not be read, so that a new one might repeat it.
    #[error("`{path}` holds no epoch", path = path.display())]
    Epoch {
        /// The file.
        path: PathBuf,
    },
    /// No epoch is left above the last one; the clock was far in the future once.
    #[error("no epoch is left after {last}")]
    EpochsUsedUp {
        /// The last epoch.
        last: u64,
    },
    /// The system said no.
    #[error("failed to {attempt} in the spool folder `{dir}`", dir = dir.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    /// True when the disk has no room.
    fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}

/// Opens the folder, locks it until the last of writers and reader is gone, and begins a new
/// epoch: `now_ms` (milliseconds since 1970) or one more than the last, whichever is greater.
///
/// # Errors
/// See [`OpenError`].
pub fn open(config: &Config, now_ms: u64) -> Result<Spool, OpenError> {
    open_on(Arc::new(Real), config, now_ms)
}

pub(crate) fn open_on(
    disk: Arc<dyn Disk>,
    config: &Config,
    now_ms: u64,
) -> Result<Spool, OpenError> {
    let root = config.dir.as_path();
    config.fits().map_err(|text| OpenError::Sizes { text })?;
    if config.gateway.is_empty() || config.gateway.len() > GATEWAY_MAX {
        return Err(OpenError::Name { name: config.gateway.clone() });
    }
    let io = |attempt| move |source| OpenError::Io { attempt, dir: root.to_owned(), source };
    disk.create_dir(&root.join(STREAMS)).map_err(io("create folders"))?;
    let lock = lock(disk.as_ref(), root)?;
    check_gateway(disk.as_ref(), root, &config.gateway)?;

    let past = Past::load(disk.as_ref(), root, &config.gateway);
    let mut past = past.map_err(io("read earlier streams"))?;
    let previous = past.previous();
    let begin = || begin_epoch(disk.as_ref(), root, now_ms, past.last_epoch);
    let epoch = with_reserve(disk.as_ref(), root, begin)?;
    let keep = previous.as_ref().map(|life| life.epoch);
    past.prune(disk.as_ref(), keep).map_err(io("remove finished streams"))?;

    let folder = Arc::new(Folder::new(lock, config, past.bytes()));
    let host = config.durability == Durability::Host;
    let wake = Arc::new(Wake::default());
    let (fresh, live) = with_reserve(disk.as_ref(), root, || streams(&disk, config, epoch))?;
    set_aside(disk.as_ref(), root, config.workers);
    let writer = |fresh| Writer::new(fresh, folder.clone(), wake.clone(), config.record_max);
    let writers = fresh.into_iter().map(writer).collect();
    let succession = Arc::new(Succession::default());
    let (begins, learns) = (wake.clone(), succession.clone());
    let epochs = Epochs::new(disk.clone(), config.clone(), &folder, begins, succession, epoch);
    let reader = Reader::new(disk, folder, wake, past.cursors(host), live, learns, epoch);
    Ok(Spool { epoch, previous, writers, epochs, reader })
}

/// A folder that has filled its disk must open all the same, or nobody could ever drain it: what
/// an opening writes finds the room that an earlier one has set aside.
fn with_reserve<T>(
    disk: &dyn Disk,
    root: &Path,
    mut attempt: impl FnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let error = match attempt() {
        Err(error) if error.is_full() => error,
        done => return done,
    };
    if let Err(missing) = disk.remove(&root.join(RESERVE)) {
        tracing::warn!(%missing, "the disk is full, and nothing was set aside");
        return Err(error);
    }
    tracing::warn!(dir = %root.display(), "the disk is full: the spool's reserve is used up");
    attempt()
}

/// Sets room aside for a later opening, if there is any.
fn set_aside(disk: &dyn Disk, root: &Path, workers: u16) {
    let (path, bytes) = (root.join(RESERVE), RESERVE_PART * (u64::from(workers) + 1));
    let there = disk.open(&path).and_then(|file| file.len());
    if there.is_ok_and(|len| len >= bytes) {
        return;
    }
    let made = disk.create(&path).and_then(|file| {
        file.allocate(bytes)?;
        file.sync()
    });
    if let Err(error) = made {
        tracing::warn!(%error, "no room is set aside for a start on a full disk");
        // What there is of it helps nobody; if it stays, the next opening mends it.
        let _stays = disk.remove(&path);
    }
}

fn lock(disk: &dyn Disk, root: &Path) -> Result<Box<dyn Lock>, OpenError> {
    let (dir, path) = (root.to_owned(), root.join("lock"));
    match disk.lock(&path) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => {
            // Only words for a person: whatever can not be read is left out.
            let content = read_file(disk, &path).ok().flatten().unwrap_or_default();
            let pid = String::from_utf8_lossy(&content).parse::<u32>();
            let pid = pid.map_or_else(|_| String::new(), |pid| format!(" (pid {pid})"));
            Err(OpenError::Held { dir, pid })
        }
        Err(source) => Err(OpenError::Io { attempt: "take the lock", dir, source }),
    }
}

/// Writes the name at the first opening, compares it later.
fn check_gateway(disk: &dyn Disk, root: &Path, name: &str) -> Result<(), OpenError> {
    let dir = root.to_owned();
    let io = |attempt| move |source| OpenError::Io { attempt, dir: root.to_owned(), source };
    match read_file(disk, &root.join("gateway")).map_err(io("read the gateway's name"))? {
        None => replace_file(disk, root, "gateway", name).map_err(io("write the gateway's name")),
        Some(found) if found == name.as_bytes() => Ok(()),
        Some(found) => {
            let found = String::from_utf8_lossy(&found).into_owned();
            Err(OpenError::OtherGateway { dir, found, name: name.to_owned() })
        }
    }
}

/// Chooses the epoch and puts it on disk.
pub(crate) fn begin_epoch(
    disk: &dyn Disk,
    root: &Path,
    now_ms: u64,
    last_stream: u64,
) -> Result<u64, OpenError> {
    let io = |attempt| move |source| OpenError::Io { attempt, dir: root.to_owned(), source };
    let path = root.join("epoch");
    let written = match read_file(disk, &path).map_err(io("read the last epoch"))? {
        None => 0,
        Some(content) => {
            let text = String::from_utf8_lossy(&content);
            text.trim_end().parse().map_err(|_| OpenError::Epoch { path })?
        }
    };
    let last = last_stream.max(written);
    let epoch = now_ms.max(last.saturating_add(1));
    if epoch > EPOCH_MAX {
        return Err(OpenError::EpochsUsedUp { last });
    }
    replace_file(disk, root, "epoch", &format!("{epoch}\n")).map_err(io("write the epoch"))?;
    Ok(epoch)
}
