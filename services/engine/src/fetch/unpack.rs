//! Takes the one expected file out of an archive, and checks it on the way.
//!
//! - Any other entry is passed over: nothing that the archive names is used as a path.
//! - Never more bytes are written than the library is known to have.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use super::ways::WayError;
use crate::files::hex;
use crate::library::{FILE, Pin};
use crate::progress::Progress;

/// Unpacked and hashed in pieces that a processor's cache holds.
const PIECE: usize = 256 * 1024;

/// Where the size is not pinned: the library has about 600 MB.
const UNKNOWN_MAX: u64 = 2_000_000_000;

/// Writes the library to `new` and returns its SHA-256, which is the pinned one if one is pinned.
pub(super) fn unpack(
    archive: &Path,
    new: &Path,
    pin: &Pin,
    progress: &mut dyn Progress,
) -> Result<String, WayError> {
    progress.step("unpacking and checking the engine's library");
    let file = File::open(archive).map_err(WayError::Files)?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::with_capacity(PIECE, file)));
    for entry in tar.entries().map_err(WayError::Archive)? {
        let mut entry = entry.map_err(WayError::Archive)?;
        if is_library(&entry.path_bytes()) {
            return copy(&mut entry, new, pin, progress);
        }
    }
    Err(WayError::Missing)
}

/// The npm package has it in `package/`, the release archive at its top.
fn is_library(path: &[u8]) -> bool {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    path.strip_prefix(b"package/").unwrap_or(path) == FILE.as_bytes()
}

fn copy(
    from: &mut impl Read,
    new: &Path,
    pin: &Pin,
    progress: &mut dyn Progress,
) -> Result<String, WayError> {
    let max = pin.known.map_or(UNKNOWN_MAX, |known| known.size);
    // One byte more than the most shows that there is more.
    let mut from = from.take(max + 1);
    let mut file = File::create(new).map_err(WayError::Files)?;
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut done = 0;
    loop {
        let length = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(WayError::Archive(error)),
        };
        sum.update(&piece[..length]);
        file.write_all(&piece[..length]).map_err(WayError::Files)?;
        done += length as u64;
        progress.bytes(done, pin.known.map(|known| known.size));
    }
    file.sync_all().map_err(WayError::Files)?;
    let found = hex(&sum.finalize());
    match pin.known {
        Some(known) if known.sha256 != found => {
            Err(WayError::Checksum { found, wanted: known.sha256 })
        }
        _ if done > max => Err(WayError::Size { max }),
        _ => Ok(found),
    }
}
