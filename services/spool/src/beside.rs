//! What the reader's owner keeps beside the records: where a stream goes, and records that were
//! refused there.
//!
//! The first goes with the stream's folder. What was refused stays until a person removes it.

use std::io;
use std::path::{Path, PathBuf};

use record::Stream;

use crate::Reader;
use crate::disk::write_on;
use crate::folder::stream_dir;
use crate::number::{self, NumberFile, PARTITION};

/// The folder of refused records.
const REFUSED: &str = "refused";

impl Reader {
    /// The partition that was kept for a stream.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn partition(&self, stream: &Stream) -> io::Result<Option<u64>> {
        let dir = stream_dir(&self.folder.root, stream.epoch, stream.worker);
        number::load(self.disk.as_ref(), &dir, PARTITION)
    }

    /// Keeps the partition of a stream that has records, as durably as those. The room for it was
    /// made when the stream began, so a full disk takes it too.
    ///
    /// # Errors
    /// The file could not be written; then none is kept.
    pub fn keep_partition(&self, stream: &Stream, partition: u64) -> io::Result<()> {
        let dir = stream_dir(&self.folder.root, stream.epoch, stream.worker);
        NumberFile::new(&dir, PARTITION, true).store(self.disk.as_ref(), partition)
    }

    /// Keeps a record that was refused elsewhere, in the folder `refused`; it survives a loss of
    /// power. The same record again changes nothing.
    ///
    /// # Errors
    /// The record could not be written.
    pub fn keep_refused(&self, stream: &Stream, seq: u64, payload: &[u8]) -> io::Result<PathBuf> {
        let dir = self.folder.root.join(REFUSED);
        self.disk.create_dir(&dir)?;
        self.disk.sync_dir(&self.folder.root)?;
        let name = format!("{}-{}-{seq}", stream.epoch, stream.worker);
        self.put(&dir, &name, payload)?;
        Ok(dir.join(name))
    }

    /// Bytes that were not read since the last rewind, about: what segments hold beside their
    /// records counts too.
    pub fn unread(&self) -> u64 {
        let cursors = self.old.iter().chain(&self.live);
        cursors.map(|cursor| cursor.unread(self.folder.segment)).sum()
    }

    fn put(&self, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
        let disk = self.disk.as_ref();
        let temp = dir.join(format!("{name}.new"));
        let file = disk.create(&temp)?;
        write_on(file.as_ref(), bytes, 0, &mut 0)?;
        file.sync()?;
        disk.rename(&temp, &dir.join(name))?;
        disk.sync_dir(dir)
    }
}
