//! The mark beside the library: "this very file had this checksum when it was read".

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::files::hex;
use crate::library::Pin;
use crate::progress::Progress;

/// Read in pieces that a processor's cache holds.
const PIECE: usize = 256 * 1024;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    sha256: String,
    size: u64,
    /// Nanoseconds since 1970, as the file system tells.
    changed: u128,
}

/// True when the file is unchanged since it was found to be the pinned library.
pub(super) fn holds(path: &Path, pin: &Pin) -> bool {
    read(path).is_some_and(|mark| {
        pin.known.is_none_or(|known| known.sha256 == mark.sha256)
            && Mark::of(path, mark.sha256.clone()).is_ok_and(|now| now == mark)
    })
}

/// Reads the file, and marks it if it is the pinned library. Where no checksum is pinned, the one
/// of the last mark counts.
pub(super) fn check(path: &Path, pin: &Pin, progress: &mut dyn Progress) -> io::Result<bool> {
    let size = fs::metadata(path)?.len();
    if pin.known.is_some_and(|known| known.size != size) {
        return Ok(false);
    }
    let wanted = match pin.known {
        Some(known) => Some(known.sha256.to_owned()),
        None => read(path).map(|mark| mark.sha256),
    };
    let sha256 = checksum(path, size, progress)?;
    let right = wanted.is_some_and(|wanted| wanted == sha256);
    if right {
        write(path, &sha256)?;
    }
    Ok(right)
}

/// Marks the file as having this checksum.
pub(super) fn write(path: &Path, sha256: &str) -> io::Result<()> {
    let mark = Mark::of(path, sha256.to_owned())?;
    let text = serde_json::to_string(&mark).expect("a mark is JSON");
    let new = path.with_extension("mark.new");
    fs::write(&new, text)?;
    fs::rename(&new, mark_path(path))
}

fn read(path: &Path) -> Option<Mark> {
    // A mark that can not be read only costs a new reading of the library.
    serde_json::from_slice(&fs::read(mark_path(path)).ok()?).ok()
}

fn mark_path(path: &Path) -> PathBuf {
    path.with_extension("mark")
}

fn checksum(path: &Path, size: u64, progress: &mut dyn Progress) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut done = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex(&sum.finalize())),
            length => {
                sum.update(&piece[..length]);
                done += length as u64;
                progress.bytes(done, Some(size));
            }
        }
    }
}

// === impl Mark ===

impl Mark {
    fn of(path: &Path, sha256: String) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        let changed = file.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        Ok(Self { sha256, size: file.len(), changed: changed.as_nanos() })
    }
}
