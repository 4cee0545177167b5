//! How large the program is, how long its services take to start, and what memory they take.
//!
//! Engine, gateway, metering and query each run as a process of their own, with a broker. Each
//! round starts all of them anew with the data of the round before, looks at them idle, and puts
//! the gateway's core under full load; the greatest memory of each while the load runs counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use broker::Broker;
use clap::Args;
use serde::Deserialize;

use crate::Common;
use crate::clock::wall_ns;
use crate::gateway::{Backend, load};
use crate::peers::{Setup, configuration, free_port};
use crate::process::{LOAD_CORE, PROXY_CORE, Process};
use crate::product;
use crate::report::{Bound, Report, Row};

const MIB: f64 = (1 << 20) as f64;
/// In the order in which they start: each finds what it needs.
const ROLES: [&str; 4] = ["engine", "gateway", "metering", "query"];
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(100);
/// Of the records.
const TOPIC: &str = "footprint";

/// `bench footprint`
#[derive(Debug, Args)]
pub(crate) struct Options {}

/// One service in one round.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    start_ms: f64,
    idle_mib: f64,
    loaded_mib: f64,
}

#[derive(Deserialize)]
struct Running {
    gateways: Vec<std::net::SocketAddr>,
}

pub(crate) fn run(_: &Options, common: &Common) -> Result<Report> {
    let program = product::find(common)?;
    let mut report = Report::new("footprint");
    report.about("Each service a process of its own; the load is the gateway's of 64 connections.");
    let size = fs::metadata(&program)?.len() as f64 / MIB;
    report.row(Row::new("the program, with its symbols", "MiB").ours(&[size]));
    let broker = match Broker::try_start() {
        Ok(broker) => broker,
        Err(error) => {
            let row = Row::new("services", "MiB").note(format!("a broker is missing: {error}"));
            report.row(row);
            return Ok(report);
        }
    };
    let backend = Backend::start()?;
    let folder = tempfile::Builder::new().prefix("tollgate-bench").tempdir()?;
    let kafka = Some((broker.addr().to_owned(), TOPIC.to_owned()));
    let setup = Setup { backend: backend.address, apis: 100, workers: 1, hmac: true, kafka };
    let more = format!(
        "engine: {{listen: \"{}\"}}\n\
         query: {{listen: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}}\n\
         metering: {{metrics: \"127.0.0.1:0\"}}\n",
        free_port()?
    );
    fs::write(folder.path().join("tollgate.yaml"), configuration(&setup) + &more)?;
    let mut seen: BTreeMap<&str, Vec<Seen>> = BTreeMap::new();
    for _ in 0..common.rounds {
        for (role, figures) in round(&program, folder.path(), common.seconds)? {
            seen.entry(role).or_default().push(figures);
        }
    }
    let without_load = load::missing();
    for role in ROLES {
        let of = |figure: fn(&Seen) -> f64| -> Vec<f64> { seen[role].iter().map(figure).collect() };
        report
            .row(Row::new(format!("{role}: start to ready"), "ms").ours(&of(|seen| seen.start_ms)));
        let idle = Row::new(format!("{role}: idle"), "MiB").ours(&of(|seen| seen.idle_mib));
        let gateway = role == "gateway";
        report.row(if gateway { idle.must(Bound::OursAtMost(30.0)) } else { idle });
        let loaded = Row::new(format!("{role}: at full load"), "MiB");
        report.row(match &without_load {
            Some(text) => loaded.note(text),
            None => loaded.ours(&of(|seen| seen.loaded_mib)),
        });
    }
    Ok(report)
}

/// All services, started, looked at, and ended.
fn round(program: &Path, folder: &Path, seconds: u32) -> Result<Vec<(&'static str, Seen)>> {
    let mut services = Vec::new();
    for role in ROLES {
        let ready = folder.join(format!("data/running-{role}.json"));
        // Who was ended by a signal may leave it.
        fs::remove_file(&ready).ok();
        let core = if role == "gateway" { PROXY_CORE } else { LOAD_CORE };
        let began = wall_ns();
        let mut process = Process::start(program, &[role], folder, core)?;
        process.wait_for(|| ready.exists().then_some(()))?;
        let start_ms = wall_ns().saturating_sub(began) as f64 / 1e6;
        services.push((role, process, Seen { start_ms, ..Seen::default() }));
    }
    for (_, process, seen) in &mut services {
        seen.idle_mib = process.resident()? as f64 / MIB;
    }
    let text = fs::read(folder.join("data/running-gateway.json"))?;
    let running: Running = serde_json::from_slice(&text)?;
    let address = *running.gateways.first().context("the gateway says no address")?;
    if load::missing().is_none() {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| -> Result<()> {
            let load = scope.spawn(|| {
                let done = load::run(address, seconds, &load::Request::small(true));
                over.store(true, Ordering::Relaxed);
                done
            });
            while !over.load(Ordering::Relaxed) {
                for (_, process, seen) in &mut services {
                    seen.loaded_mib = seen.loaded_mib.max(process.resident()? as f64 / MIB);
                }
                std::thread::park_timeout(LOOK);
            }
            load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
            Ok(())
        })?;
    }
    // Whoever started last ends first: nobody misses what it needs.
    let mut seen: Vec<(&str, Seen)> = Vec::new();
    while let Some((role, process, figures)) = services.pop() {
        drop(process);
        seen.push((role, figures));
    }
    Ok(seen)
}
