//! `tollgate engine`: the embedded ClickHouse for the other services of this machine.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use super::ready;
use crate::commands::Signals;
use crate::config::Config;
use crate::running::Running;
use crate::storage::{self, Storage};

const ROLE: &str = "engine";

/// Serves until a signal. An engine that dies is started again on the same port.
pub(crate) async fn run(mut config: Config) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let listen = config.engine.context(
        "no address to serve on: set `engine.listen`, like 127.0.0.1:8123, for the others to find it",
    )?;
    // A server that the others use instead is not what was asked for here.
    config.store.url = None;
    let storage = tokio::select! {
        storage = Storage::start(&config) => storage?,
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    ready(&config, ROLE, &json!({ "store": storage::to_json(&storage.endpoint) }))?;
    tracing::info!(address = %listen, url = storage.endpoint.url, "ClickHouse serves");
    asked.wait().await;
    tracing::info!("ending");
    Running::remove_role(&config.data, ROLE);
    let stopped = tokio::task::spawn_blocking(move || drop(storage));
    tokio::select! {
        stopped = stopped => stopped.context("the engine's watcher ended in a panic")?,
        () = asked.wait() => {}
    }
    Ok(ExitCode::SUCCESS)
}
