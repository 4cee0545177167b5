//! Each service as a process of its own: `tollgate gateway|metering|query|engine`.
//!
//! - None needs the others to start. What it needs and does not find yet it waits for, and says so.
//! - It is ready when it can do its work: `/readyz` on its metrics port says whether, and why not;
//!   then `running-<role>.json` stands in the data folder.
//! - SIGTERM and SIGINT end it cleanly, with exit code 0; a second one at once.

pub(crate) mod engine;
pub(crate) mod gateway;
pub(crate) mod metering;
pub(crate) mod query;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use store::{MigrateError, Store};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::config::Config;
use crate::running::Running;
use crate::storage::Storage;

/// Said by services that talk to each other through Kafka.
const NEEDS_KAFKA: &str = "services of their own need Kafka between them: add the section `kafka:`, \
                           or run `tollgate up` for everything in one process";

/// Between two looks for something that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What the process waits for; nothing when it does its work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Option<String>>>);

// === impl Waiting ===

impl Waiting {
    /// Says it once in the log, and to whoever asks.
    fn on(&self, what: &str) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.as_deref() != Some(what) {
            tracing::warn!("waiting: {what}");
            *now = Some(what.to_owned());
        }
    }

    fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn said(&self) -> Result<(), String> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(what) => Err(what.clone()),
        }
    }
}

/// Takes a port for health and metrics.
async fn listen(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| {
        format!("`{address}` can not be listened on: is it in use (`ss -ltnp`)? Check `{key}`")
    })
}

/// The store that the configuration names, with its tables. Waits until it answers.
///
/// # Errors
/// It is not named, or its tables are newer than this program.
async fn reach_store(config: &Config, waiting: &Waiting) -> anyhow::Result<Store> {
    loop {
        match Storage::reach(config)? {
            Ok(endpoint) => {
                let url = endpoint.url.clone();
                let store = Storage::client(config, endpoint)?;
                match store.migrate().await {
                    Ok(()) => {
                        waiting.over();
                        return Ok(store);
                    }
                    Err(error @ MigrateError::Newer { .. }) => return Err(error.into()),
                    Err(error) if error.is_away() => {
                        tracing::debug!(%error, "no tables yet");
                        waiting.on(&format!("ClickHouse at {url} does not answer"));
                    }
                    Err(error) => {
                        let error = crate::sentence(&error.into());
                        waiting.on(&format!("ClickHouse at {url} refuses: {error}"));
                    }
                }
            }
            Err(what) => waiting.on(&what),
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Says that the role is ready.
fn ready(config: &Config, role: &str, said: &Value) -> anyhow::Result<()> {
    std::fs::create_dir_all(&config.data).context("the data folder can not be made")?;
    Running::write_role(&config.data, role, said)
        .with_context(|| format!("running-{role}.json could not be written"))?;
    tracing::info!(role, "ready");
    Ok(())
}
