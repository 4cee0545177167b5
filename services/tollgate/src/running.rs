//! `running.json` in the data folder: how the command line finds the `tollgate up` of that folder;
//! `running-<role>.json` for a service of its own.
//!
//! Written with mode 0600 once everything answers, removed at a clean end. After SIGKILL it is
//! stale: then nobody answers at its address, and the client says so.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use settings::Secret;
use store::Endpoint;

use crate::storage;

/// Addresses and the owner's token of one running process.
#[derive(Debug)]
pub(crate) struct Running {
    /// Base address of the query API, `http://host:port`.
    pub(crate) url: String,
    /// A token for all accounts, for whoever owns the data folder.
    pub(crate) token: Secret,
    /// Addresses of the gateways, `host:port`.
    pub(crate) gateways: Vec<String>,
    /// Address of the metrics, `host:port`.
    pub(crate) metrics: String,
    /// Its ClickHouse, for commands that work on the store beside it.
    pub(crate) store: Endpoint,
}

// === impl Running ===

impl Running {
    fn path(data: &Path) -> PathBuf {
        data.join("running.json")
    }

    /// Reads what the running process wrote; none when there is nothing to read.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(data);
        let bad = || format!("can not read {}", path.display());
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.with_context(bad)?,
        };
        let json: serde_json::Value = serde_json::from_slice(&text).with_context(bad)?;
        let word = |key: &str| {
            let word = json.get(key).and_then(serde_json::Value::as_str);
            word.map(str::to_owned).with_context(|| format!("{} has no `{key}`", path.display()))
        };
        let gateways = json.get("gateways").and_then(serde_json::Value::as_array);
        let gateways = gateways.into_iter().flatten().filter_map(|gateway| gateway.as_str());
        let store = json.get("store").and_then(storage::from_json);
        Ok(Some(Self {
            url: word("url")?,
            token: Secret::new(word("token")?),
            gateways: gateways.map(str::to_owned).collect(),
            metrics: word("metrics")?,
            store: store.with_context(|| format!("{} has no `store`", path.display()))?,
        }))
    }

    /// Writes it in one step, readable by its owner only.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let json = serde_json::json!({
            "url": self.url,
            "token": self.token.expose(),
            "gateways": self.gateways,
            "metrics": self.metrics,
            "store": storage::to_json(&self.store),
        });
        write(&Self::path(data), &json)
    }

    /// What a role of its own says once it is ready: `running-<role>.json`, in one step, readable
    /// by its owner only.
    pub(crate) fn write_role(data: &Path, role: &str, json: &serde_json::Value) -> io::Result<()> {
        write(&role_path(data, role), json)
    }

    /// What a role said, if it runs or ended uncleanly.
    pub(crate) fn read_role(data: &Path, role: &str) -> Option<serde_json::Value> {
        serde_json::from_slice(&fs::read(role_path(data, role)).ok()?).ok()
    }

    /// Removes what a role said.
    pub(crate) fn remove_role(data: &Path, role: &str) {
        if let Err(error) = fs::remove_file(role_path(data, role)) {
            tracing::debug!(%error, role, "what it said was not removed");
        }
    }

    /// Removes it at a clean end; that it is gone already is no fault.
    pub(crate) fn remove(data: &Path) {
        if let Err(error) = fs::remove_file(Self::path(data)) {
            tracing::debug!(%error, "running.json was not removed");
        }
    }
}

fn role_path(data: &Path, role: &str) -> PathBuf {
    data.join(format!("running-{role}.json"))
}

fn write(path: &Path, json: &serde_json::Value) -> io::Result<()> {
    let temporary = path.with_extension("json.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    writeln!(file, "{json}")?;
    drop(file);
    fs::rename(temporary, path)
}
