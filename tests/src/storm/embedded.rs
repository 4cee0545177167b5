//! Everything in one process: `tollgate up`, with its engine as a child.

use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Signal;

use super::BATCHES;
use super::services::Services;
use crate::audit::settled;
use crate::clickhouse::ClickHouse;
use crate::load::Load;
use crate::program::Program;
use crate::recount::{recounted, same_again};
use crate::world::{Running, STORE_MAX, World};
use crate::{processes, wait};

/// The whole process, which starts its engine; the engine alone, which the process starts again.
pub const KINDS: [&str; 2] = ["process", "engine"];

/// One running `tollgate up`.
#[derive(Debug)]
pub struct Embedded {
    world: World,
    running: Running,
    exe: std::path::PathBuf,
    clock: (&'static str, String),
}

// === impl Embedded ===

impl Embedded {
    /// Starts it on a folder of its own, with this clock.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(exe: &Path, backend: SocketAddr, clock: (&'static str, &str)) -> Self {
        let mut world = World::new(exe, backend, &format!("metering: {{{BATCHES}}}\n"));
        let running = world.up_with(&[clock]);
        Self { world, running, exe: exe.to_owned(), clock: (clock.0, clock.1.to_owned()) }
    }
}

impl Services for Embedded {
    fn kinds(&self) -> &'static [&'static str] {
        &KINDS
    }

    fn gateways(&self) -> Vec<SocketAddr> {
        vec![self.running.gateway]
    }

    fn kill(&mut self, kind: &str, _pick: u64, load: &Load) {
        if kind == "engine" {
            // One that was killed a moment ago may not be there again yet, or be on its way out.
            wait::until("an engine that takes SIGKILL", STORE_MAX, || {
                let engine = self.world.engine()?;
                processes::signal(engine, Signal::KILL).then_some(())
            });
            return;
        }
        load.hold();
        self.world.kill();
        self.world.nothing_is_left();
        self.running = self.world.up_with(&[(self.clock.0, &self.clock.1)]);
        load.aim(self.running.gateway);
    }

    fn settle(&self, ahead_s: i64) {
        settled(&self.running, "gw-test", self.running.workers, ahead_s);
    }

    fn store(&self) -> &ClickHouse {
        &self.running
    }

    fn same_again(&self, hour: &str) -> bool {
        let program = Program::new(&self.exe, self.world.folder.path());
        same_again(&program, hour) && recounted(&program, hour, false)
    }

    fn topic(&self, _ahead_s: i64) -> Option<(u64, u64)> {
        None
    }

    fn log(&self) -> String {
        self.world.log()
    }
}
