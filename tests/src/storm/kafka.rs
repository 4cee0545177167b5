//! Separate services over a real Kafka: two gateways, two metering processes, an engine, a broker.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::BATCHES;
use super::services::Services;
use crate::clickhouse::ClickHouse;
use crate::cluster::{Cluster, GATEWAYS, Parts};
use crate::load::Load;
use crate::processes;
use crate::program::Program;
use crate::recount::{recounted, same_again};

/// What is killed: one of the gateways, one of the metering processes, ClickHouse or the process
/// that serves it, the broker.
pub const KINDS: [&str; 4] = ["gateway", "metering", "engine", "broker"];

/// One running cluster.
#[derive(Debug)]
pub struct Kafka {
    cluster: Cluster,
    exe: PathBuf,
}

// === impl Kafka ===

impl Kafka {
    /// Starts it on a folder of its own, with this clock.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(exe: &Path, backend: SocketAddr, clock: (&str, &str)) -> Self {
        let parts =
            Parts { exe, backend, metering: BATCHES, more: "", env: &[clock], gated: false };
        Self { cluster: Cluster::start(parts), exe: exe.to_owned() }
    }
}

impl Services for Kafka {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn gateways(&self) -> Vec<SocketAddr> {
        self.cluster.addrs.clone()
    }

    fn kill(&mut self, kind: &str, pick: u64, load: &Load) {
        let pick = usize::try_from(pick).expect("a small number");
        let cluster = &mut self.cluster;
        match kind {
            "gateway" => {
                let number = pick % GATEWAYS.len();
                cluster.kill_gateway(number, load);
                cluster.start_gateway(number, load);
            }
            "metering" => {
                let number = pick % cluster.metering.len();
                cluster.metering[number].kill();
                cluster.spawn_metering(number, &[]);
            }
            "engine" => {
                // The inner one is started again by the outer one, if it is there at all.
                let inner = cluster.clickhouse().filter(|_| pick.is_multiple_of(2));
                if !inner.is_some_and(|pid| processes::signal(pid, Signal::KILL)) {
                    cluster.engine.kill();
                    cluster.spawn_engine();
                }
            }
            _ => {
                cluster.broker.kill();
                cluster.broker.start_again();
            }
        }
    }

    fn settle(&self, ahead_s: i64) {
        self.cluster.settle(ahead_s);
    }

    fn store(&self) -> &ClickHouse {
        &self.cluster.store
    }

    fn same_again(&self, hour: &str) -> bool {
        let program = Program::new(&self.exe, self.cluster.query.folder());
        same_again(&program, hour) && recounted(&program, hour, true)
    }

    fn topic(&self, ahead_s: i64) -> Option<(u64, u64)> {
        Some(self.cluster.topic_differs(ahead_s))
    }

    fn log(&self) -> String {
        self.cluster.log()
    }
}
