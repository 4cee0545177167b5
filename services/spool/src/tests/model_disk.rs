//! A file system in memory that knows what is synced, fails on demand, and crashes at any byte.
//!
//! After a crash of the process all written bytes are there. After a crash of the host, what was
//! synced is there; of the rest any part may be: each small block of a file for itself, each
//! change of a folder for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::Durability;
use crate::disk::{Disk, File, Lock};

/// Unsynced bytes are lost or kept in blocks of this size; small, so that frames are torn often.
const BLOCK: usize = 24;

#[derive(Debug, Clone, Default)]
pub(super) struct ModelDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    nodes: Vec<Node>,
    /// What a host has for sure, and the changes of folders since.
    synced_names: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
    /// So many bytes and other steps until the crash.
    pub(super) left: Option<u64>,
    crashed: bool,
    life: u64,
    /// Bytes that all files together may hold.
    pub(super) capacity: Option<u64>,
    /// The next so many syncs of files fail.
    pub(super) failing_syncs: u32,
    /// The write after so many further ones fails, once.
    pub(super) failing_write: Option<u32>,
    /// A write takes at most so many bytes.
    pub(super) short_write: Option<usize>,
    /// Files that can not be read.
    pub(super) broken: BTreeSet<PathBuf>,
    /// How many writes of files were made.
    pub(super) writes: u64,
}

#[derive(Debug, Default, Clone)]
struct Node {
    data: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug)]
enum Change {
    Set(PathBuf, usize),
    Gone(PathBuf),
    Renamed(PathBuf, PathBuf, usize),
}

#[derive(Debug)]
struct ModelFile {
    disk: ModelDisk,
    node: usize,
    life: u64,
}

#[derive(Debug)]
struct ModelLock;
impl Lock for ModelLock {}

impl ModelDisk {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics inside")
    }

    /// Ends the life of all open files and leaves what a crash leaves; `choose` decides, per
    /// block and change, whether what is not synced is kept.
    pub(super) fn crash(&self, durability: Durability, mut choose: impl FnMut() -> bool) {
        let mut guard = self.state();
        let state = &mut *guard;
        (state.left, state.crashed) = (None, false);
        state.life += 1;
        if durability == Durability::Host {
            for node in &mut state.nodes {
                node.lose(&mut choose);
            }
            state.names = state.synced_names.clone();
            for change in std::mem::take(&mut state.changes) {
                if choose() {
                    change.apply(&mut state.names);
                }
            }
        }
        state.changes.clear();
        state.synced_names = state.names.clone();
        for node in &mut state.nodes {
            node.synced = node.data.clone();
        }
    }

    /// Bytes of all segments.
    pub(super) fn segment_bytes(&self) -> u64 {
        let state = self.state();
        let segments = state.names.iter().filter(|(path, _)| is_segment(path));
        segments.map(|(_, node)| state.nodes[*node].data.len() as u64).sum()
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let state = self.state();
        state.names.values().map(|node| state.nodes[*node].data.len() as u64).sum()
    }

    /// The paths of all segments.
    pub(super) fn segments(&self) -> Vec<PathBuf> {
        self.state().names.keys().filter(|path| is_segment(path)).cloned().collect()
    }

    /// Changes the bytes of a file behind the spool's back.
    pub(super) fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let node = state.names[path];
        edit(&mut state.nodes[node].data);
    }

    fn on<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        state.spend(1)?;
        act(&mut state)
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

impl State {
    /// Takes so many steps; returns how many there were before the crash.
    fn spend(&mut self, steps: u64) -> io::Result<u64> {
        if self.crashed {
            return Err(io::Error::other("crashed"));
        }
        let Some(left) = self.left else { return Ok(steps) };
        self.crashed = left < steps;
        self.left = Some(left.saturating_sub(steps));
        if left == 0 { Err(io::Error::other("crashed")) } else { Ok(left.min(steps)) }
    }

    fn node(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Lengthens a file, if the disk has room.
    fn lengthen(&mut self, node: usize, len: usize) -> io::Result<()> {
        let used: usize = self.names.values().map(|node| self.nodes[*node].data.len()).sum();
        let more = len.saturating_sub(self.nodes[node].data.len());
        if more > 0 && self.capacity.is_some_and(|capacity| (used + more) as u64 > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let data = &mut self.nodes[node].data;
        data.resize(len.max(data.len()), 0);
        Ok(())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Set(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Gone(path) => {
                names.remove(path);
            }
            Self::Renamed(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }

    fn dir(&self) -> Option<&Path> {
        let (Self::Set(path, _) | Self::Gone(path) | Self::Renamed(_, path, _)) = self;
        path.parent()
    }
}

impl Node {
    fn lose(&mut self, choose: &mut impl FnMut() -> bool) {
        let len = if choose() { self.data.len() } else { self.synced.len() };
        let (mut kept, mut written) = (self.synced.clone(), self.data.clone());
        kept.resize(len, 0);
        written.resize(len, 0);
        for (old, new) in kept.chunks_mut(BLOCK).zip(written.chunks(BLOCK)) {
            if old != new && choose() {
                old.copy_from_slice(new);
            }
        }
        self.data = kept;
    }
}

impl Disk for ModelDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.on(|state| {
            state.dirs.extend(dir.ancestors().map(Path::to_owned));
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.on(|state| {
            // A folder whose removal was lost is there as long as it has a file.
            let files = state.names.keys().flat_map(|path| path.ancestors());
            let all = files.chain(state.dirs.iter().map(PathBuf::as_path));
            let inside = all.filter(|path| path.parent() == Some(dir));
            let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
            let names: BTreeSet<_> = inside.filter_map(name).collect();
            Ok(names.into_iter().collect())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let node = self.on(|state| {
            if let Ok(node) = state.node(path) {
                state.nodes[node].data.clear();
                return Ok(node);
            }
            state.nodes.push(Node::default());
            let node = state.nodes.len() - 1;
            state.change(Change::Set(path.to_owned(), node));
            Ok(node)
        })?;
        Ok(Box::new(ModelFile { disk: self.clone(), node, life: self.state().life }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let node = self.on(|state| state.node(path))?;
        Ok(Box::new(ModelFile { disk: self.clone(), node, life: self.state().life }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.on(|state| {
            let node = state.node(from)?;
            state.change(Change::Renamed(from.to_owned(), to.to_owned(), node));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.on(|state| {
            state.node(path)?;
            state.change(Change::Gone(path.to_owned()));
            Ok(())
        })
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.on(|state| {
            assert!(!state.names.keys().any(|path| path.parent() == Some(dir)), "not empty");
            state.dirs.remove(dir);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.on(|state| {
            let all = std::mem::take(&mut state.changes);
            let (synced, rest): (Vec<_>, _) =
                all.into_iter().partition(|change| change.dir() == Some(dir));
            synced.iter().for_each(|change| change.apply(&mut state.synced_names));
            state.changes = rest;
            Ok(())
        })
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        Ok(Some(Box::new(ModelLock)))
    }
}

impl ModelFile {
    fn on<T>(
        &self,
        steps: u64,
        act: impl FnOnce(&mut State, u64) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(io::Error::other("of an earlier life"));
        }
        let done = state.spend(steps)?;
        act(&mut state, done)
    }
}

impl File for ModelFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let short = self.disk.state().short_write.unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(short)];
        self.on(bytes.len() as u64, |state, done| {
            match state.failing_write.take() {
                Some(0) => return Err(io::Error::other("the write failed")),
                further => state.failing_write = further.map(|further| further - 1),
            }
            let (offset, done) = (offset as usize, done as usize);
            state.lengthen(self.node, offset + done)?;
            let data = &mut state.nodes[self.node].data;
            data[offset..offset + done].copy_from_slice(&bytes[..done]);
            state.writes += 1;
            if done < bytes.len() { Err(io::Error::other("crashed")) } else { Ok(done) }
        })
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.on(0, |state, _| {
            if state.broken.iter().any(|path| state.names.get(path) == Some(&self.node)) {
                return Err(io::Error::other("the sector is bad"));
            }
            let data = &state.nodes[self.node].data;
            let rest = data.get(offset as usize..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.on(0, |state, _| Ok(state.nodes[self.node].data.len() as u64))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.on(1, |state, _| {
            state.nodes[self.node].data.resize(len as usize, 0);
            Ok(())
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.on(1, |state, _| state.lengthen(self.node, len as usize))
    }

    fn sync(&self) -> io::Result<()> {
        self.on(1, |state, _| {
            if state.failing_syncs > 0 {
                state.failing_syncs -= 1;
                return Err(io::Error::other("the sync failed"));
            }
            let node = &mut state.nodes[self.node];
            node.synced = node.data.clone();
            Ok(())
        })
    }
}
