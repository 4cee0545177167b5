//! `audit.log` in the data folder: what an operator's configuration suspended, and what it released.
//!
//! - A line for each change of `suspended`, one JSON object, on disk before the gateway serves by
//!   it: when, which service or API, why, and where the word stands. What the disk does not take
//!   waits in memory and is tried again; the start fails instead.
//! - The log knows by itself what is suspended: [`Audit::open`] reads it back. So a change that was
//!   made while nothing ran is told at the next start, once.
//! - Readable by its owner only. A log above [`SIZE`] becomes `audit.log.1`, the older ones move up,
//!   the one behind [`OLDER`] goes; a fresh one begins with what stands.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use policy::Policy;
use record::Time;
use serde_json::{Map, Value, json};

/// Bytes above which a log is put away: some thousand changes.
const SIZE: u64 = 1 << 20;
/// How many of those that were put away are kept.
const OLDER: u32 = 9;
/// Bytes that wait at most for a disk that takes none.
const WAITING: usize = 1 << 20;

/// What was suspended and released so far.
#[derive(Debug)]
pub(crate) struct Audit {
    path: PathBuf,
    standing: BTreeMap<Object, Standing>,
    /// Lines that are not on disk yet.
    waiting: String,
    size: u64,
}

/// A service, or an API, or some versions of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    service: String,
    api: Option<String>,
    versions: Vec<String>,
}

/// A suspension that is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    reason: String,
    since: String,
}

/// Where a configuration comes from, and when it takes effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) gateway: &'a str,
    pub(crate) file: &'a Path,
    /// `start` or `reload`.
    pub(crate) by: &'static str,
    pub(crate) now: Time,
}

// === impl Audit ===

impl Audit {
    /// Reads back what stands.
    ///
    /// # Errors
    /// The log is there and can not be read.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join("audit.log");
        let mut standing = BTreeMap::new();
        // The end may have come between putting one away and beginning the next.
        for path in [older(&path, 1), path.clone()] {
            let text = match fs::read(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            for line in String::from_utf8_lossy(&text).lines() {
                follow(&mut standing, line);
            }
        }
        Ok(Self { path, standing, waiting: String::new(), size: SIZE })
    }

    /// Writes down what `policy` changes. Gives how many bytes wait for the disk after that.
    pub(crate) fn note(&mut self, policy: &Policy, said: Said<'_>) -> usize {
        let found = suspended(policy);
        let mut lines = Vec::new();
        for (object, (reason, line)) in &found {
            let before = self.standing.get(object);
            if before.is_none_or(|before| before.reason != *reason) {
                let mut entry = said.entry("suspended", object, reason);
                entry.insert("line".to_owned(), json!(line));
                lines.push(entry);
            }
        }
        for (object, before) in
            self.standing.iter().filter(|(object, _)| !found.contains_key(object))
        {
            let act = if is_there(policy, object) { "released" } else { "removed" };
            let mut entry = said.entry(act, object, &before.reason);
            entry.insert("since".to_owned(), json!(before.since));
            lines.push(entry);
        }
        for line in lines {
            let line = Value::Object(line).to_string();
            tracing::info!(line, "audit");
            follow(&mut self.standing, &line);
            if self.waiting.len() + line.len() < WAITING {
                self.waiting.push_str(&line);
                self.waiting.push('\n');
            } else {
                tracing::error!(line, "this line of the audit log is lost: too many wait");
            }
        }
        self.write()
    }

    /// Writes down what waits. Gives how many bytes still wait after that.
    pub(crate) fn write(&mut self) -> usize {
        if !self.waiting.is_empty() {
            if let Err(error) = self.append(&self.waiting) {
                let path = self.path.display();
                tracing::error!(%error, %path, "the audit log can not be written; its lines wait");
                return self.waiting.len();
            }
            self.waiting.clear();
            if let Err(error) = self.put_away() {
                tracing::error!(%error, "the audit log can not be put away; it grows");
            }
        }
        self.waiting.len()
    }

    /// Returns once it is on disk. After an error nothing of it is there: it is written again.
    fn append(&self, lines: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(&self.path)?;
        let length = file.metadata()?.len();
        let written = self.append_to(&file, length, lines);
        if written.is_err() {
            file.set_len(length)?;
        }
        written
    }

    fn append_to(&self, mut file: &File, length: u64, lines: &str) -> io::Result<()> {
        let mut last = [b'\n'];
        if length > 0 {
            file.read_exact_at(&mut last, length - 1)?;
        }
        // The line before may have been cut off.
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        file.write_all(lines.as_bytes())?;
        file.sync_data()?;
        // The name of a new file is on disk with its folder.
        match self.path.parent() {
            Some(folder) if length == 0 => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }

    fn put_away(&self) -> io::Result<()> {
        let length = fs::metadata(&self.path)?.len();
        if length < self.size {
            return Ok(());
        }
        let mut lines = String::new();
        for (object, Standing { reason, since }) in &self.standing {
            let mut entry = object.entry("standing", reason);
            entry.insert("since".to_owned(), json!(since));
            lines.push_str(&Value::Object(entry).to_string());
            lines.push('\n');
        }
        // What begins a log is a small part of it.
        if length < 2 * u64::try_from(lines.len()).unwrap_or(u64::MAX / 2) {
            return Ok(());
        }
        for number in (1..OLDER).rev() {
            match fs::rename(older(&self.path, number), older(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, older(&self.path, 1))?;
        self.append(&lines)
    }
}

// === impl Said ===

impl Said<'_> {
    fn entry(&self, act: &str, object: &Object, reason: &str) -> Map<String, Value> {
        let mut entry = object.entry(act, reason);
        entry.insert("time".to_owned(), json!(self.now.to_rfc3339()));
        entry.insert("gateway".to_owned(), json!(self.gateway));
        entry.insert("by".to_owned(), json!(self.by));
        entry.insert("file".to_owned(), json!(self.file.display().to_string()));
        entry
    }
}

// === impl Object ===

impl Object {
    fn entry(&self, act: &str, reason: &str) -> Map<String, Value> {
        let mut entry = Map::new();
        entry.insert("act".to_owned(), json!(act));
        entry.insert("service".to_owned(), json!(self.service));
        if let Some(api) = &self.api {
            entry.insert("api".to_owned(), json!(api));
        }
        if !self.versions.is_empty() {
            entry.insert("versions".to_owned(), json!(self.versions));
        }
        entry.insert("reason".to_owned(), json!(reason));
        entry
    }

    fn parse(entry: &Value) -> Option<Self> {
        let word = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let versions = entry.get("versions").and_then(Value::as_array).into_iter().flatten();
        let versions = versions.filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self { service: word("service")?, api: word("api"), versions })
    }
}

/// The log that was put away as the `number`th before the current one.
fn older(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("log.{number}"))
}

/// What stands after a line of the log. One that was cut off says nothing.
fn follow(standing: &mut BTreeMap<Object, Standing>, line: &str) {
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return };
    let word = |key: &str| entry.get(key).and_then(Value::as_str);
    let (Some(object), Some(act), Some(reason)) =
        (Object::parse(&entry), word("act"), word("reason"))
    else {
        return;
    };
    if matches!(act, "suspended" | "standing") {
        let since = word("since").or(word("time")).unwrap_or_default().to_owned();
        standing.insert(object, Standing { reason: reason.to_owned(), since });
    } else {
        standing.remove(&object);
    }
}

/// What `policy` suspends, with reason and line.
fn suspended(policy: &Policy) -> BTreeMap<Object, (&'static str, usize)> {
    let suspensions = policy.suspensions().map(|one| {
        let api = one.api.map(str::to_owned);
        let object =
            Object { service: one.service.to_owned(), api, versions: one.versions.to_vec() };
        (object, (one.reason, one.line))
    });
    suspensions.collect()
}

/// Whether `policy` has what was suspended, whoever suspends it or not.
fn is_there(policy: &Policy, object: &Object) -> bool {
    let service = policy.services().iter().find(|service| service.id == object.service);
    service.is_some_and(|service| match &object.api {
        None => true,
        Some(id) => {
            service.apis.iter().any(|api| api.id == *id && api.versions() == object.versions)
        }
    })
}

#[cfg(test)]
mod tests;
