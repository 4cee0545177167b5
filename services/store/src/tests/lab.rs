//! The engine of a run, and what the tests share.

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use engine::{Config, Engine, Program, Sources};
use record::{Hour, Record, Time, judge};
use serde::Deserialize;

use crate::records::{Day, RecordBlock};
use crate::{Block, Claim, Endpoint, Sql, Store};

/// No state that a test waits for takes longer, on a machine that does other things too.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// 2026-11-20T13:00:00Z
pub(super) const HOUR: Hour = Hour(498_661);

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// The child's side: becomes the engine when [`Program::test`] started it.
#[test]
fn child() {
    if let Some(args) = Program::test_args() {
        std::process::exit(engine::child_main(args).into());
    }
}

/// A database of its own, with all tables.
pub(super) async fn store(name: &str) -> Result<Store, Box<dyn Error>> {
    let store = bare(name)?;
    store.migrate().await?;
    Ok(store)
}

/// A database of its own that is not there yet.
pub(super) fn bare(name: &str) -> Result<Store, Box<dyn Error>> {
    Ok(Store::new(endpoint(name)?)?)
}

pub(super) fn endpoint(name: &str) -> Result<Endpoint, Box<dyn Error>> {
    let engine::Endpoint { url, header, user, password } = engine().endpoint().clone();
    let database = format!("tollgate_{name}");
    Ok(Endpoint { url, user, password, header: Some(header), database })
}

/// Ends with this process, which holds its pipe.
fn engine() -> &'static Engine {
    ENGINE.get_or_init(|| {
        let config = Config {
            data_dir: folder(),
            cache_dir: engine::cache_dir(|name| std::env::var_os(name)).expect("a home folder"),
            sources: Sources::new(|name| std::env::var_os(name)),
            memory_max: 2 << 30,
            database: "tollgate".to_owned(),
            program: Program::test("tests::lab::child").expect("a path of this executable"),
        };
        Engine::start(&config, &mut *engine::progress_on_stderr()).expect("an engine")
    })
}

/// A folder of this process. What is left of runs that have ended is removed.
fn folder() -> PathBuf {
    let parent = std::env::temp_dir().join("tollgate-store-tests");
    std::fs::create_dir_all(&parent).expect("a folder for temporary files");
    for entry in std::fs::read_dir(&parent).expect("a readable folder").flatten() {
        let running = PathBuf::from("/proc").join(entry.file_name()).exists();
        if !running {
            // Another run of the tests may remove it at the same time.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
    parent.join(std::process::id().to_string())
}

/// A record of stream `gw-1/1000/0`.
pub(super) fn record(seq: u64, time: Time) -> Record<'static> {
    Record {
        req_id: format!("{seq:032x}").into(),
        time,
        gateway: "gw-1".into(),
        epoch: 1000,
        seq,
        account: "alice".into(),
        rsp_st: 200,
        ..Record::default()
    }
}

pub(super) fn block<'a>(records: impl IntoIterator<Item = Record<'a>>) -> Block {
    let mut block: Option<RecordBlock> = None;
    for record in records {
        let day = Day::of(record.time).expect("a day of the table");
        block.get_or_insert_with(|| RecordBlock::new(day)).push(&record, judge(&record));
    }
    block.and_then(RecordBlock::finish).expect("at least one record")
}

/// Records `seqs` of [`record`]'s stream, all at the begin of [`HOUR`].
pub(super) fn block_of(seqs: impl IntoIterator<Item = u64>) -> Block {
    block(seqs.into_iter().map(|seq| record(seq, HOUR.start())))
}

pub(super) async fn claim(store: &Store) -> Result<Claim, crate::ClaimError> {
    store.claim("spool:gw-1", 0, "test").await
}

#[derive(Deserialize)]
struct Count {
    n: u64,
}

/// `count()` of a table or of `table WHERE …`.
pub(super) async fn count(store: &Store, from: &str) -> Result<u64, crate::QueryError> {
    let rows: Vec<Count> =
        store.query(&Sql::new(format!("SELECT count() AS n FROM {from}"))).await?;
    Ok(rows.iter().map(|row| row.n).sum())
}

/// Looks until `from` has `n` rows.
pub(super) async fn until(store: &Store, from: &str, n: u64) -> Result<(), crate::QueryError> {
    let start = Instant::now();
    while count(store, from).await? != n {
        assert!(start.elapsed() < PATIENCE, "in vain: {n} rows in {from}");
    }
    Ok(())
}
