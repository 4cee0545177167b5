//! `tollgate up`: everything in this process, until SIGINT or SIGTERM.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::Hooks;
use crate::config::Config;
use crate::process::{END_MAX, Options, Ports, Process};
use crate::storage::Storage;

/// Runs until a signal; a second signal, or a slow end, ends it at once.
pub(crate) async fn up(config: Config, hooks: Hooks) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let ports = Ports::take(&config).await?;
    let storage = tokio::select! {
        storage = Storage::start(&config) => storage?,
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    let options = Options { on_step: hooks.on_step, clock: hooks.clock, ..Options::default() };
    let mut process = Process::start(config, storage, ports, options).await?;
    for gateway in &process.running.gateways {
        tracing::info!(address = %gateway, "gateway serves");
    }
    tracing::info!(address = %process.running.url, "query serves");
    tracing::info!(address = %process.running.metrics, "metrics are shown");
    let follow = process.follow()?;
    let fault = tokio::select! {
        fault = process.fault() => Some(fault),
        () = follow => None,
        () = asked.wait() => None,
    };
    tracing::info!("ending");
    end(process, &mut asked).await;
    match fault {
        Some(fault) => Err(fault),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A clean end, unless it takes too long or is asked for a second time. What is not stored waits
/// in the spool either way.
pub(crate) async fn end(process: Process, asked: &mut Signals) {
    tokio::select! {
        ended = tokio::time::timeout(END_MAX, process.end()) => {
            if ended.is_err() {
                tracing::warn!("a clean end took too long; what is not stored waits in the spool");
            }
        }
        () = asked.wait() => {}
    }
}

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

// === impl Signals ===

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals can not be listened to");
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    /// Returns at the next of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
