//! One build of the gateway, running in a folder of its own on a core of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;

/// Longer than any start.
const START_MAX: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// APIs of the service.
const APIS: u32 = 100;
/// The kernel counts CPU in these, whatever its own tick: `getconf CLK_TCK` is 100 on Linux.
const TICK_NS: u64 = 10_000_000;

/// A running gateway; dropping it ends it.
pub(super) struct Side {
    pub(super) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

#[derive(Deserialize)]
struct Said {
    gateways: Vec<SocketAddr>,
}

// === impl Side ===

impl Side {
    pub(super) fn start(product: &Path, backend: SocketAddr, hmac: bool) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-bench").tempdir()?;
        fs::write(folder.path().join("tollgate.yaml"), configuration(backend, hmac))?;
        let log = fs::File::create(folder.path().join("log"))?;
        let process = Command::new("taskset")
            .args(["-c", "0"])
            .arg(product)
            .arg("gateway")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("the gateway can not be started")?;
        // From here on it ends with the value.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut side = Self { address: nowhere, process, _folder: folder };
        side.address = side.ready()?;
        Ok(side)
    }

    fn ready(&mut self) -> anyhow::Result<SocketAddr> {
        let folder = self._folder.path();
        let began = Instant::now();
        loop {
            if let Ok(text) = fs::read(folder.join("data/running-gateway.json")) {
                let said: Said = serde_json::from_slice(&text)?;
                return said.gateways.first().copied().context("it says no address");
            }
            let ended = self.process.try_wait()?;
            if ended.is_some() || began.elapsed() > START_MAX {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                bail!("the gateway did not start: {log}");
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// CPU that all its threads have used so far, nanoseconds in steps of 10 ms.
    pub(super) fn cpu_ns(&self) -> anyhow::Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name may hold spaces; utime and stime are the 12th and 13th words behind it.
        let rest = stat.rsplit_once(')').context("no process")?.1;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok());
        let used = ticks(11).zip(ticks(12)).context("no CPU times")?;
        Ok((used.0 + used.1) * TICK_NS)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn configuration(backend: SocketAddr, hmac: bool) -> String {
    let mut text = String::from(
        "data: data\n\
         gateway:\n\
        \x20 name: bench\n\
        \x20 region: ap-guangzhou\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 metrics: 127.0.0.1:0\n\
        \x20 workers: 1\n\
        \x20 operator_account: \"1250000000\"\n\
         spool: {size: 8GiB}\n\
         kafka: {brokers: [\"127.0.0.1:1\"]}\n\
         prices: {books: [\"bundled:published\"]}\n\
         keys:\n\
        \x20 - {secret_id: AKIDbench, secret: \"bench secret\", account: \"1250000003\", \
             services: [service-bench]}\n\
         services:\n\
        \x20 - id: service-bench\n\
        \x20   account: \"1250000001\"\n\
        \x20   hosts: [bench.example.test]\n\
        \x20   environments: [release]\n\
        \x20   apis:\n",
    );
    let auth = if hmac { "key-pair" } else { "none" };
    for number in 0..APIS {
        // Writing to a text does not fail.
        writeln!(
            text,
            "\x20     - {{id: api-{number}, path: /api-{number}/, auth: {auth}, \
             backend: {{url: \"http://{backend}/\", net: private}}}}"
        )
        .expect("a text");
    }
    text
}
