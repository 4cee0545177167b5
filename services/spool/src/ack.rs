//! The file `ack` of a stream: up to which `seq` its records are stored elsewhere.
//!
//! Two slots are written in turn, each with its own checksum, so that a torn write leaves the
//! other one. Lost acknowledgements only mean that records are read again. The file also keeps
//! the last number of a life whose segments are all gone.

use std::io;
use std::path::{Path, PathBuf};

use crc32c::crc32c;

use crate::disk::{Disk, File, read_file, write_on};

/// The file's name.
pub(crate) const NAME: &str = "ack";

/// Bytes of a slot: `seq` u64, CRC-32C u32, padding. A slot never crosses a sector.
const SLOT: u64 = 16;

/// Keeps the checksum of slot zero from being that of zeros.
const SALT: &[u8; 4] = b"ACK\n";

/// Writes acknowledgements; the file is made at the first.
#[derive(Debug)]
pub(crate) struct AckFile {
    dir: PathBuf,
    file: Option<Box<dyn File>>,
    slot: u64,
    /// With `durability: host` each acknowledgement is synced before segments go.
    sync: bool,
}

/// What a stream's folder says is acknowledged.
pub(crate) fn load(disk: &dyn Disk, dir: &Path) -> io::Result<Option<u64>> {
    let Some(content) = read_file(disk, &dir.join(NAME))? else { return Ok(None) };
    Ok(content.chunks(SLOT as usize).filter_map(parse).max())
}

fn parse(slot: &[u8]) -> Option<u64> {
    let seq = u64::from_le_bytes(slot.get(0..8)?.try_into().ok()?);
    let crc = u32::from_le_bytes(slot.get(8..12)?.try_into().ok()?);
    (crc == checksum(seq)).then_some(seq)
}

fn checksum(seq: u64) -> u32 {
    let mut bytes = [0; 12];
    bytes[0..8].copy_from_slice(&seq.to_le_bytes());
    bytes[8..12].copy_from_slice(SALT);
    crc32c(&bytes)
}

// === impl AckFile ===

impl AckFile {
    pub(crate) fn new(dir: &Path, sync: bool) -> Self {
        Self { dir: dir.to_owned(), file: None, slot: 0, sync }
    }

    /// Puts `seq` on disk.
    pub(crate) fn store(&mut self, disk: &dyn Disk, seq: u64) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.open(disk)?,
        };
        let mut slot = [0; 12];
        slot[0..8].copy_from_slice(&seq.to_le_bytes());
        slot[8..12].copy_from_slice(&checksum(seq).to_le_bytes());
        write_on(file.as_ref(), &slot, self.slot * SLOT, &mut 0)?;
        if self.sync {
            file.sync()?;
        }
        self.slot = 1 - self.slot;
        self.file = Some(file);
        Ok(())
    }

    /// The file that exists, or a new one. The slot with the greatest `seq` is not the next to be
    /// written.
    fn open(&mut self, disk: &dyn Disk) -> io::Result<Box<dyn File>> {
        let path = self.dir.join(NAME);
        let Some(content) = read_file(disk, &path)? else {
            let file = disk.create(&path)?;
            if self.sync {
                disk.sync_dir(&self.dir)?;
            }
            return Ok(file);
        };
        let mut slots = content.chunks(SLOT as usize).map(parse);
        let (first, second) = (slots.next().flatten(), slots.next().flatten());
        self.slot = u64::from(first >= second);
        disk.open(&path)
    }
}
