//! The command `tollgate`: one binary, one configuration file.
//!
//! - [`main`] is the whole program; `main.rs` only calls it.
//! - `cli` has the words, `commands` one file per group of them, `demo` the first one of the README.
//! - `config` composes `tollgate.yaml` from the sections that the crates own.
//! - `audit` writes down what operators suspend and release, where no ClickHouse is known.
//! - `process` composes the services in one process, `roles` each of them alone; nothing else knows
//!   all of them.
//!
//! Exit codes: 0 good, 1 failed, 2 usage, 64 configuration. A fault is one sentence with a remedy
//! on stderr; what the command was asked for is on stdout, and nothing else.

#[cfg(windows)]
compile_error!("Tollgate does not run on Windows: it needs Linux (WSL will do)");

mod audit;
mod cli;
mod client;
mod commands;
mod config;
mod demo;
pub mod fuzz;
mod ingest;
mod metrics;
mod output;
mod process;
mod provisional;
mod recount;
mod reload;
mod roles;
mod running;
mod storage;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

/// Exit code for a configuration that can not be used.
const EXIT_CONFIG: u8 = 64;

/// Exit code for words that do not go together.
const EXIT_USAGE: u8 = 2;

/// Words of the command line that do not go together, beyond what its parser knows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// What an embedder may hook into. The product's own binary hooks into nothing.
#[derive(Default)]
pub struct Hooks {
    /// Called between every two effects of metering and closing: see [`metering::Step`].
    pub on_step: Option<metering::OnStep>,
    /// The clock of gateways and closing.
    pub clock: Option<metering::Clock>,
}

/// The whole program: reads the command line, does it, says how it ended.
pub fn main() -> ExitCode {
    run(Hooks::default())
}

/// The same with hooks; for tests that end the process between two steps.
pub fn run(hooks: Hooks) -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli, hooks) {
        Ok(code) => code,
        // As `| head` does: whoever reads has seen enough.
        Err(error) if is_unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tollgate: {}", sentence(&error));
            if error.is::<Usage>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// Only what printing gives as it is; a connection that broke stands behind other errors.
fn is_unread(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// An error and its causes as one line, without saying anything twice.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}
