//! Brings the library into the cache, once per machine.
//!
//! - Nothing is used before its SHA-256 is the pinned one. Beside the library lies a mark with its
//!   checksum, size and time of change, written when it was checked; while they agree, a start costs
//!   no second reading of half a gigabyte. A file that was cut, changed or put there by hand is read
//!   again, and fetched anew if it is not the right one.
//! - Several processes at once fetch once: the others wait for the lock.
//! - A fetch that was killed leaves a folder that the next one clears away.

mod mark;
mod unpack;
mod ways;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::FetchError;
use crate::library::Pin;
use crate::lock::{Lock, Refused};
use crate::progress::Progress;

/// The longest that another process is waited for: a fetch over a slow line.
const OTHER_MAX: Duration = Duration::from_secs(30 * 60);

/// Where the public releases of the library lie.
const ARCHIVE_URL: &str = "https://github.com/chdb-io/chdb-core/releases/download/v26.7.3";

/// Where the library comes from, in this order.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The npm client: a name on the PATH, or a path.
    pub npm: PathBuf,
    /// The curl client: a name on the PATH, or a path.
    pub curl: PathBuf,
    /// The address of the public release archive's folder, without final slash.
    pub archive_url: String,
}

impl Sources {
    /// The clients of the PATH, and `$TOLLGATE_ENGINE_ARCHIVE` or the library's own releases.
    pub fn new(env: impl Fn(&str) -> Option<OsString>) -> Self {
        let archive_url = env("TOLLGATE_ENGINE_ARCHIVE")
            .and_then(|url| url.into_string().ok())
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| ARCHIVE_URL.to_owned());
        Self { npm: "npm".into(), curl: "curl".into(), archive_url }
    }

    fn url(&self, pin: &Pin) -> String {
        format!("{}/{}", self.archive_url.trim_end_matches('/'), pin.archive)
    }
}

/// The path of the library, fetched first if it is not in the cache yet.
///
/// # Errors
/// See [`FetchError`]: each says what to do.
pub fn library(
    cache_dir: &Path,
    pin: &Pin,
    sources: &Sources,
    progress: &mut dyn Progress,
) -> Result<PathBuf, FetchError> {
    let path = pin.path(cache_dir);
    if mark::holds(&path, pin) {
        return Ok(path);
    }
    let dir = path.parent().expect("the path has the version's folder in it");
    fs::create_dir_all(dir).map_err(|source| FetchError::cache(dir, source))?;
    let _lock = lock(dir, progress)?;
    if mark::holds(&path, pin) || is_right(&path, pin, progress)? {
        return Ok(path);
    }
    fetch(dir, &path, pin, sources, progress)?;
    Ok(path)
}

fn lock(dir: &Path, progress: &mut dyn Progress) -> Result<Lock, FetchError> {
    let path = dir.join("lock");
    let name = |pid: Option<u32>| pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    let waiting = |pid| {
        progress.step(&format!("process {} is fetching the engine, waiting for it", name(pid)));
    };
    Lock::wait(&path, Instant::now() + OTHER_MAX, waiting).map_err(|refused| match refused {
        Refused::Held(pid) => FetchError::Busy { path: path.clone(), pid: name(pid) },
        Refused::Io(source) => FetchError::cache(&path, source),
    })
}

/// Reads a file that has no good mark, and gives it one if it is the pinned library.
fn is_right(path: &Path, pin: &Pin, progress: &mut dyn Progress) -> Result<bool, FetchError> {
    if !path.exists() {
        return Ok(false);
    }
    progress.step("checking the engine's library in the cache");
    let right = mark::check(path, pin, progress).map_err(|e| FetchError::cache(path, e))?;
    if !right {
        progress.step("the library in the cache is damaged, fetching it again");
    }
    Ok(right)
}

fn fetch(
    dir: &Path,
    path: &Path,
    pin: &Pin,
    sources: &Sources,
    progress: &mut dyn Progress,
) -> Result<(), FetchError> {
    let work = dir.join("fetch");
    let clear = || match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FetchError::cache(&work, error))
        }
        _ => Ok(()),
    };
    clear()?;
    let url = sources.url(pin);
    let mut one = |way: &dyn Fn(&mut dyn Progress) -> Result<PathBuf, ways::WayError>| {
        fs::create_dir_all(&work).map_err(ways::WayError::Files)?;
        let archive = way(progress)?;
        let new = work.join("new");
        let sha256 = unpack::unpack(&archive, &new, pin, progress)?;
        fs::rename(&new, path).map_err(ways::WayError::Files)?;
        mark::write(path, &sha256).map_err(ways::WayError::Files)
    };
    let npm = match one(&|progress| ways::npm(&sources.npm, pin, &work, progress)) {
        Ok(()) => return clear(),
        Err(error) => error.to_string(),
    };
    clear()?;
    match one(&|progress| ways::curl(&sources.curl, &url, &work, progress)) {
        Ok(()) => clear(),
        Err(error) => {
            clear()?;
            Err(FetchError::NoWay { npm, curl: error.to_string(), url, path: path.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests;
