//! The few file operations that the spool needs, so that tests can put a model in their place
//! that forgets unsynced bytes at a crash.

mod real;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub(crate) use real::Real;

/// A file system.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Makes a folder and its parents; one that exists is fine.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// The names in a folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// A file for reading and writing: new, or emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// A file that exists, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes what was created, renamed and removed in a folder survive a loss of power.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock of a file that it creates when absent. `None` when another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// An open file. Short reads and writes are allowed, as in `pread` and `pwrite`.
pub(crate) trait File: Debug + Send {
    /// Writes at an offset; returns how many bytes were taken.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads at an offset; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Takes the room for `len` bytes now; the file reads as zeros where nothing was written.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes the bytes survive a loss of power.
    fn sync(&self) -> io::Result<()>;
}

/// A lock that lives as long as this value.
pub(crate) trait Lock: Debug + Send + Sync {}

/// Reads until `buffer` is full or the file ends; returns how many bytes were read.
pub(crate) fn read_full(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Writes from `*done` on, and moves `*done` along: after an error the rest can be written later.
pub(crate) fn write_on(
    file: &dyn File,
    bytes: &[u8],
    offset: u64,
    done: &mut usize,
) -> io::Result<()> {
    while *done < bytes.len() {
        match file.write_at(&bytes[*done..], offset + *done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The whole content of a small file; `None` when it does not exist.
pub(crate) fn read_file(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut content = vec![0; len];
    let read = read_full(file.as_ref(), &mut content, 0)?;
    content.truncate(read);
    Ok(Some(content))
}

/// Puts a small file in place so that after a crash the old content stands, or the new.
pub(crate) fn replace_file(disk: &dyn Disk, dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temp = dir.join(format!("{name}.new"));
    let file = disk.create(&temp)?;
    write_on(file.as_ref(), text.as_bytes(), 0, &mut 0)?;
    file.sync()?;
    disk.rename(&temp, &dir.join(name))?;
    disk.sync_dir(dir)
}
