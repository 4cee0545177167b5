//! Our own log: on stderr, as text on a terminal and as JSON lines otherwise. Never a line per
//! request.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts the log. `TOLLGATE_LOG` sets what is shown (`info`, `debug`, `gateway=debug`, …);
/// a filter that can not be read falls back to `default`.
pub(crate) fn start(default: &str) {
    let filter =
        EnvFilter::try_from_env("TOLLGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second start (tests in one process) keeps the first log; that is no fault.
    let started = if io::stderr().is_terminal() {
        builder.with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    if let Err(error) = started {
        tracing::debug!(%error, "log is running already");
    }
}
