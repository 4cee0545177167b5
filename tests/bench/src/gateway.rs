//! What a request costs the gateway: CPU per request, by the process's own accounting.
//!
//! One core for the gateway, the other for load and backend: 64 connections that stay open,
//! responses of 64 bytes, a route among 100 APIs, a record for each request in the spool
//! (`durability: process`), no broker. Two builds take turns, since the machine is never quiet: only
//! the ratio counts.

mod backend;
mod load;
mod side;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;

use crate::Common;
use crate::product;
use crate::report::{self, Bound, Report, Row};
use backend::Backend;
use side::Side;

/// `bench gateway`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Another build of the program, to compare with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Requests carry a key pair's HMAC
    #[arg(long)]
    hmac: bool,
}

/// One turn: nanoseconds of CPU per request, requests per second.
#[derive(Debug, Clone, Copy)]
struct Turn {
    cpu_ns: u64,
    rate: u64,
}

pub(crate) fn run(options: &Options, common: &Common) -> anyhow::Result<Report> {
    load::look()?;
    let mut sides = vec![product::find(common)?];
    if let Some(path) = &options.against {
        sides.push(product::at(path)?);
    }
    let backend = Backend::start()?;
    let turns = report::turns(common.rounds, sides.len(), |side| {
        turn(&sides[side], &backend, options, common)
    })?;
    let cpu: Vec<Vec<f64>> = turns
        .iter()
        .map(|turns| turns.iter().map(|turn| turn.cpu_ns as f64 / 1000.0).collect())
        .collect();
    let rate: Vec<f64> = turns[0].iter().map(|turn| turn.rate as f64).collect();
    let mut report = Report::new("gateway");
    report.version(load::version());
    report.about(format!("{} connections, responses of 64 bytes, 100 APIs.", load::OPEN));
    let row = Row::new("one request", "µs CPU/request");
    report.row(match cpu.get(1) {
        Some(other) => row.paired(&cpu[0], "the other build", other).aim(Bound::RatioAtMost(1.0)),
        None => row.ours(&cpu[0]),
    });
    report.row(Row::new("on one core", "requests/s").ours(&rate));
    Ok(report)
}

fn turn(
    product: &Path,
    backend: &Backend,
    options: &Options,
    common: &Common,
) -> anyhow::Result<Turn> {
    let side = Side::start(product, backend.address, options.hmac)?;
    let request = load::request(options.hmac);
    // Connections to the backend are made, the spool's first segments are there.
    load::run(side.address, 1, &request)?;
    let before = side.cpu_ns()?;
    let done = load::run(side.address, common.seconds, &request)?;
    let cpu = side.cpu_ns()?.saturating_sub(before);
    ensure!(done.failed == 0, "{} of {} answers were not 200", done.failed, done.requests);
    ensure!(done.requests > 0, "no request was answered");
    let rate = done.requests / u64::from(common.seconds);
    Ok(Turn { cpu_ns: cpu / done.requests, rate })
}
