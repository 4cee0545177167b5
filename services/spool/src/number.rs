//! A number of a stream, in a small file of its own: `ack`, up to which `seq` its records are
//! stored elsewhere, `used`, up to which its numbers are used up without a record, and `partition`,
//! where its records go.
//!
//! Two slots are written in turn, each with its own checksum, so that a torn write leaves the
//! other one. A lost acknowledgement only means that records are read again. The file `ack` also
//! keeps the last number of a life whose segments are all gone. All get their room when
//! their stream begins: a disk that is full takes acknowledgements all the same, or nothing would
//! ever free it.

use std::io;
use std::path::{Path, PathBuf};

use crc32c::crc32c;

use crate::disk::{Disk, File, read_file, write_on};

/// Up to which `seq` the records of a stream are stored elsewhere.
pub(crate) const ACK: &str = "ack";
/// Up to which `seq` the numbers of a stream are used up, when its last ones have no record.
pub(crate) const USED: &str = "used";
/// The partition to which the records of a stream go; kept once.
pub(crate) const PARTITION: &str = "partition";

/// Bytes of a slot: `seq` u64, CRC-32C u32, padding. A slot never crosses a sector.
const SLOT: u64 = 16;

/// Keeps the checksum of slot zero from being that of zeros.
const SALT: &[u8; 4] = b"ACK\n";

/// Writes the number; the file is made at the first if it is not there.
#[derive(Debug)]
pub(crate) struct NumberFile {
    dir: PathBuf,
    name: &'static str,
    file: Option<Box<dyn File>>,
    slot: u64,
    /// With `durability: host` each number is synced (an acknowledgement before segments go).
    sync: bool,
}

/// What a stream's folder says.
pub(crate) fn load(disk: &dyn Disk, dir: &Path, name: &str) -> io::Result<Option<u64>> {
    let Some(content) = read_file(disk, &dir.join(name))? else { return Ok(None) };
    Ok(content.chunks(SLOT as usize).filter_map(parse).max())
}

/// Makes the file with its room and no number.
pub(crate) fn prepare(disk: &dyn Disk, dir: &Path, name: &str, sync: bool) -> io::Result<()> {
    let file = disk.create(&dir.join(name))?;
    write_on(file.as_ref(), &[0; 2 * SLOT as usize], 0, &mut 0)?;
    if sync { file.sync() } else { Ok(()) }
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

// === impl NumberFile ===

impl NumberFile {
    pub(crate) fn new(dir: &Path, name: &'static str, sync: bool) -> Self {
        Self { dir: dir.to_owned(), name, file: None, slot: 0, sync }
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
        let path = self.dir.join(self.name);
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
