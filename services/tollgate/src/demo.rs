//! `tollgate demo`: the whole way once, on sample traffic, in a fresh folder.
//!
//! What it shows is read back from the store when it is printed; only the count of what the
//! sample clients sent comes from the clients.

mod backends;
mod findings;
mod sample;
mod setup;
mod show;
mod traffic;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tempfile::TempDir;

use crate::cli::{self, Output};
use crate::commands::{Signals, end};
use crate::process::{Options, Ports, Process};
use crate::storage::Storage;
use backends::Backends;
use findings::Findings;
use setup::Setup;
use show::Say;
use traffic::Ledger;

/// Who sells: the owner of the sample service.
const SELLER: &str = "1250000001";
/// Who buys, one order each.
const BUYERS: [&str; 2] = ["1250000002", "1250000003"];
/// The orders of the buyers.
const ORDERS: [&str; 2] = ["order-1001", "order-1002"];
/// The sample service.
const SERVICE: &str = "service-weather";
/// Its host.
const HOST: &str = "weather.example.test";
/// A gateway stands in each.
const REGIONS: [&str; 2] = ["ap-guangzhou", "ap-hongkong"];

/// Everything that runs for the demo.
struct Demo {
    process: Process,
    setup: Setup,
    _backends: Backends,
    folder: TempDir,
}

/// Runs the demo; a signal ends it at any time.
pub(crate) async fn run(args: &cli::Demo, output: Output) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let say = Say::new(output);
    let mut demo = tokio::select! {
        demo = Demo::start(&say) => demo?,
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    let found = tokio::select! {
        found = demo.find(args.requests, &say) => Some(found),
        () = asked.wait() => None,
    };
    let failed = match found {
        None => None,
        Some(Err(error)) => Some(error),
        Some(Ok(found)) => {
            show::print(&found, output)?;
            let keep = (!args.exit).then(|| show::commands(&demo.process, &demo.folder, &found));
            if let Some(text) = keep {
                say.line(&text);
                tokio::select! {
                    fault = demo.process.fault() => Some(fault),
                    () = asked.wait() => None,
                }
            } else {
                None
            }
        }
    };
    end(demo.process, &mut asked).await;
    match failed {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

// === impl Demo ===

impl Demo {
    /// A fresh folder, an engine, yesterday's records, two gateways.
    async fn start(say: &Say) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-demo-").tempdir();
        let folder =
            folder.context("the demo can not make its folder; set TMPDIR to one with room")?;
        let backends = Backends::start().await?;
        let setup = Setup::write(folder.path(), &backends)?;
        let (config, second) = setup.load()?;
        let ports = Ports::take(&config).await?;
        say.step("starting ClickHouse");
        let storage = Storage::start(&config).await?;
        say.step("taking in a day of sample records of yesterday, two regions");
        // Before the closing begins, so that yesterday is where it begins.
        setup.ingest(&storage.store, &config.metering).await?;
        say.step("starting a gateway in each region, metering and query");
        let options = Options { more: vec![second], ..Options::default() };
        let process = Process::start(config, storage, ports, options).await?;
        Ok(Self { process, setup, _backends: backends, folder })
    }

    /// Sends the traffic, waits until it is stored and yesterday is closed, and looks everything
    /// up as its readers would.
    async fn find(&mut self, requests: u32, say: &Say) -> anyhow::Result<Findings> {
        let ledger = self.send(requests, say).await?;
        say.step("waiting until every record is stored");
        self.process.catch_up().await?;
        let closed = self.closed(say);
        closed.await?;
        Findings::read(&self.process, &self.setup, ledger).await
    }

    async fn send(&self, requests: u32, say: &Say) -> anyhow::Result<Ledger> {
        let mut gateways = Vec::new();
        for gateway in &self.process.running.gateways {
            gateways.push(gateway.parse().context("a gateway without address")?);
        }
        let plan = traffic::Plan {
            gateways,
            host: HOST.to_owned(),
            keys: self.setup.keys.clone(),
            requests,
        };
        let bar = say.bar("sending requests through the gateways", u64::from(requests));
        let progress = Arc::new({
            let bar = bar.clone();
            move || bar.inc(1)
        });
        let ledger = traffic::send(plan, progress).await?;
        bar.finish();
        Ok(ledger)
    }

    /// Returns when the last hour of yesterday is closed.
    async fn closed(&mut self, say: &Say) -> anyhow::Result<()> {
        let bar = say.bar("closing the hours of yesterday", setup::HOURS);
        loop {
            let closed = self.setup.closed(&self.process.storage.store).await?;
            bar.set_position(closed);
            if closed >= setup::HOURS {
                bar.finish();
                return Ok(());
            }
            tokio::select! {
                fault = self.process.fault() => return Err(fault),
                () = tokio::time::sleep(setup::LOOK_EVERY) => {}
            }
        }
    }
}
