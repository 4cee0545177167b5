//! What the parts about the store work on: the embedded engine in a folder of its own, filled
//! through the product's own inserts; and CPU by the processes' own accounting.
//!
//! Everything lies in one temporary folder and ends with the value, the processes before the folder.

mod cpu;
mod program;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use engine::{Engine, Sources};
use pricing::Prices;
use record::{Hour, Record, Time, judge};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use settings::{Document, Secret, Sink};
use store::records::{Day, RecordBlock};
use store::{Block, Claim, Endpoint, Limits, Sql, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::rows::Rows;
use cpu::cpu_of;
pub(crate) use program::Program;

/// The database, and its engine's memory.
const DATABASE: &str = "tollgate";
const MEMORY_MAX: u64 = 4 << 30;
/// Rows per insert: what a busy second is.
const BLOCK_ROWS: u64 = 200_000;
/// Between two looks at what goes on.
pub(crate) const LOOK: Duration = Duration::from_millis(20);
/// Merges of all rows take no longer.
const SETTLE_MAX: Duration = Duration::from_secs(600);
/// Questions of a benchmark may be large and slow.
const LIMITS: Limits =
    Limits { rows: 10_000_000, bytes: 1 << 30, time: Duration::from_secs(600), threads: 0 };

/// An engine with the product's tables.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) store: Store,
    /// Everything is allowed to it.
    pub(crate) admin: Store,
    endpoint: Endpoint,
    engine: Engine,
    folder: TempDir,
}

#[derive(Deserialize)]
struct Number {
    number: u64,
}

// === impl Stage ===

impl Stage {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-bench").tempdir()?;
        let config = engine::Config {
            data_dir: folder.path().join("engine"),
            cache_dir: engine::cache_dir(|name| std::env::var_os(name))
                .context("no cache folder")?,
            sources: Sources::new(|name| std::env::var_os(name)),
            memory_max: MEMORY_MAX,
            database: DATABASE.to_owned(),
            program: engine::Program::this().context("failed to find this executable")?,
        };
        let engine = Engine::start(&config, &mut *engine::progress_on_stderr())?;
        let engine::Endpoint { url, header, user, password } = engine.endpoint().clone();
        let database = DATABASE.to_owned();
        let endpoint = Endpoint { url, user, password, header: Some(header), database };
        let store = Store::new(endpoint.clone())?;
        let admin =
            Endpoint { user: "default".to_owned(), password: Secret::new(""), ..endpoint.clone() };
        let admin = Store::new(admin)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(store.migrate())?;
        Ok(Self { runtime, store, admin, endpoint, engine, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Carries out a statement that our own user may not.
    pub(crate) fn run(&self, sql: impl Into<String>) -> Result<()> {
        let sql = sql.into();
        let done = self.runtime.block_on(self.admin.execute(&Sql::new(&sql).limits(LIMITS)));
        done.with_context(|| sql)
    }

    pub(crate) fn rows<T: DeserializeOwned>(&self, sql: impl Into<String>) -> Result<Vec<T>> {
        let sql = sql.into();
        let rows = self.runtime.block_on(self.admin.query(&Sql::new(&sql).limits(LIMITS)));
        rows.with_context(|| sql)
    }

    /// The one number that `SELECT … AS number` gives.
    pub(crate) fn number(&self, sql: impl Into<String>) -> Result<u64> {
        let rows: Vec<Number> = self.rows(sql)?;
        Ok(rows.first().context("a query of one number gave none")?.number)
    }

    /// Empties tables; what merges them ends with that.
    pub(crate) fn empty(&self, tables: &[&str]) -> Result<()> {
        tables.iter().try_for_each(|table| self.run(format!("TRUNCATE TABLE {table}")))
    }

    /// CPU that the engine has used so far.
    pub(crate) fn engine_cpu(&self) -> Result<Duration> {
        cpu_of(self.engine.pid().context("the engine is down")?)
    }

    /// Writes records as metering would, in blocks of 200,000; `see` sees each of them.
    pub(crate) fn fill(
        &self,
        rows: &mut Rows<'_>,
        see: impl FnMut(&Record<'_>) + Send,
    ) -> Result<u64> {
        let claim = self.runtime.block_on(self.store.claim("bench", 0, "bench"))?;
        thread::scope(|scope| {
            // One block is made while the other is inserted.
            let (blocks, full) = sync_channel(1);
            scope.spawn(move || gather(rows, see, &blocks));
            self.insert(&claim, &full)
        })
    }

    fn insert(&self, claim: &Claim, full: &Receiver<Block>) -> Result<u64> {
        let mut rows = 0;
        for block in full {
            self.runtime.block_on(self.store.insert(claim, &block))?;
            rows += block.rows();
            eprint!("\r{rows} rows");
        }
        eprintln!();
        Ok(rows)
    }

    /// Waits until nothing is merged any more.
    pub(crate) fn settle(&self) -> Result<()> {
        let began = Instant::now();
        let mut quiet = 0;
        while quiet < 3 {
            let merges = self.number("SELECT count() AS number FROM system.merges")?;
            quiet = if merges == 0 { quiet + 1 } else { 0 };
            ensure!(began.elapsed() < SETTLE_MAX, "merges do not end");
            thread::park_timeout(LOOK * 10);
        }
        Ok(())
    }

    /// What the configuration of another process says to reach this engine.
    pub(crate) fn store_section(&self) -> String {
        let secrets = self.folder().join("engine/secrets.json");
        format!(
            "store: {{url: \"{}\", secret_file: \"{}\"}}\n",
            self.endpoint.url,
            secrets.display()
        )
    }

    /// Nothing of the engine's files is held in memory any more, neither by it nor by the system.
    pub(crate) fn forget(&self) -> Result<()> {
        for cache in ["MARK", "UNCOMPRESSED", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY"] {
            self.run(format!("SYSTEM DROP {cache} CACHE"))?;
        }
        forget_files(&self.folder().join("engine"))
    }
}

/// Asks the system to drop its copies of the folder's files.
fn forget_files(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // The engine's own work removes files meanwhile.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            forget_files(&entry.path()).ok();
        } else if kind.is_file()
            && let Ok(file) = File::open(entry.path())
        {
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// Makes blocks of one day each, until there are no more records or nobody takes them.
fn gather(rows: &mut Rows<'_>, mut see: impl FnMut(&Record<'_>), blocks: &SyncSender<Block>) {
    let mut block: Option<RecordBlock> = None;
    loop {
        let next = rows.next_record();
        let day = next.as_ref().and_then(|record| Day::of(record.time));
        let done = block.take_if(|block| Some(block.day()) != day || block.rows() == BLOCK_ROWS);
        if let Some(done) = done.and_then(RecordBlock::finish)
            && blocks.send(done).is_err()
        {
            return;
        }
        let (Some(record), Some(day)) = (next, day) else { return };
        see(&record);
        block.get_or_insert_with(|| RecordBlock::new(day)).push(&record, judge(&record));
    }
}

/// The published price book.
pub(crate) fn prices() -> Result<Arc<Prices>> {
    let sink = Sink::new();
    let load = |path: &Path| std::fs::read_to_string(path);
    let prices = Document::parse("prices", "books: [\"bundled:published\"]", &sink)
        .and_then(|document| Prices::read(&document.root(&sink), &sink, &load));
    match sink.finish(prices) {
        Ok(prices) => Ok(Arc::new(prices)),
        Err(mistakes) => bail!("{mistakes}"),
    }
}

/// The hour that has just ended.
pub(crate) fn last_hour() -> Hour {
    now().hour().prev()
}

pub(crate) fn now() -> Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Time(i64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(0))
}

/// The value below which so many of a thousand lie.
pub(crate) fn rank(values: &[f64], per_mille: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * per_mille).div_ceil(1000)).copied().unwrap_or(0.0)
}
