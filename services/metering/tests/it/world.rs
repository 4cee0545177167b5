//! One engine for all tests, a database for each, and a gateway that writes records by hand.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use bus::{Bounds, Memory, Place};
use engine::{Engine, Program, Sources};
use metering::{Clock, Closer, Config, Counters, IntakeError, Pipeline};
use pricing::Prices;
use record::{Hour, Life, Part, PreviousLife, Record, Stream, Time};
use serde::de::DeserializeOwned;
use settings::{Document, Sink};
use store::{Endpoint, Sql, Store};

pub const MINUTE: i64 = 60_000;

/// A message for a source.
pub type Input = (Option<Place>, Vec<u8>);

/// A database of its own.
pub struct World {
    pub store: Store,
    pub endpoint: Endpoint,
    pub counters: Arc<Counters>,
    pub config: Config,
}

/// Writes the records of one stream.
#[derive(Clone)]
pub struct Gateway {
    pub stream: Stream,
    pub seq: u64,
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<(Engine, tempfile::TempDir)> = OnceLock::new();
    let (engine, _dir) = ENGINE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a folder");
        let config = engine::Config {
            data_dir: dir.path().join("engine"),
            cache_dir: engine::cache_dir(|name| std::env::var_os(name)).expect("a home"),
            sources: Sources::new(|name| std::env::var_os(name)),
            memory_max: 2 << 30,
            database: "tollgate".to_owned(),
            program: Program::test("child").expect("this executable"),
        };
        let engine = Engine::start(&config, &mut *engine::progress_on_stderr()).expect("an engine");
        (engine, dir)
    });
    engine
}

/// Runs a test on a runtime of its own.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test)
}

/// `2026-11-20T13` of the tests: `hour(13)`.
pub fn hour(hour: i64) -> Hour {
    Hour("2026-11-20T00".parse::<Hour>().expect("an hour").0 + hour)
}

/// A minute of an hour of the tests.
pub fn at(of: i64, minute: i64) -> Time {
    Time(hour(of).start().0 + minute * MINUTE)
}

// === impl World ===

impl World {
    pub async fn new(name: &str) -> Self {
        let engine = engine().endpoint();
        let endpoint = Endpoint {
            url: engine.url.clone(),
            user: engine.user.clone(),
            password: engine.password.clone(),
            header: Some(engine.header.clone()),
            database: format!("tollgate_{name}"),
        };
        let store = Store::new(endpoint.clone()).expect("an endpoint");
        store.migrate().await.expect("tables");
        // Rows of tests are months old or lie in the future; none of them may expire.
        let config =
            Config { batch_wait: std::time::Duration::from_millis(5), ..Config::default() };
        Self { store, endpoint, counters: Arc::default(), config }
    }

    /// The same database through another port.
    pub fn through(&self, port: u16) -> Store {
        let url = format!("http://127.0.0.1:{port}");
        Store::new(Endpoint { url, ..self.endpoint.clone() }).expect("an endpoint")
    }

    /// Takes messages in; returns when all have their outcome.
    pub async fn take(&self, source: &str, messages: Vec<Input>) -> Result<(), IntakeError> {
        self.take_with(self.store.clone(), self.config.clone(), source, messages).await
    }

    pub async fn take_with(
        &self,
        store: Store,
        config: Config,
        source: &str,
        messages: Vec<Input>,
    ) -> Result<(), IntakeError> {
        let source = Memory::new(source, messages, Bounds::default());
        let (pipeline, handle) = Pipeline::new(source, store, config, Arc::clone(&self.counters));
        pipeline.run(async move { handle.catch_up().await.unwrap_or(()) }).await
    }

    pub async fn closer(&self, now: Time) -> Closer {
        self.closer_with(self.config.clone(), now, Some(prices(""))).await
    }

    pub async fn closer_with(
        &self,
        config: Config,
        now: Time,
        prices: Option<Arc<Prices>>,
    ) -> Closer {
        let clock: Clock = Arc::new(move || now);
        let (store, counters) = (self.store.clone(), Arc::clone(&self.counters));
        Closer::start(store, config, counters, prices, vec![], clock).await.expect("a closer")
    }

    /// Closes all that is due at `now`; how many hours that were.
    pub async fn close(&self, now: Time) -> usize {
        self.closer(now).await.round().await.expect("a round").closed.len()
    }

    pub async fn rows<T: DeserializeOwned>(&self, sql: &str) -> Vec<T> {
        self.store.query(&Sql::new(sql)).await.expect("rows")
    }

    /// The one number of a query: `SELECT … AS n`.
    pub async fn number(&self, sql: &str) -> u64 {
        #[derive(serde::Deserialize)]
        struct Row {
            n: u64,
        }
        self.rows::<Row>(sql).await.first().expect("a row").n
    }

    /// The one text of a query: `SELECT … AS t`.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(serde::Deserialize)]
        struct Row {
            t: String,
        }
        self.rows::<Row>(sql).await.into_iter().next().expect("a row").t
    }

    pub async fn execute(&self, sql: &str) {
        self.store.execute(&Sql::new(sql)).await.expect("done");
    }

    /// Hour and account of each bill, with its text.
    pub async fn bills(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Row {
            bill: String,
        }
        let rows = self.rows::<Row>("SELECT bill FROM bills ORDER BY hour, account").await;
        rows.into_iter().map(|row| row.bill).collect()
    }

    pub async fn proof(&self, of: Hour) -> serde_json::Value {
        let hour_s = of.start().0 / 1000;
        let sql =
            format!("SELECT proof AS t FROM closings WHERE hour = toDateTime({hour_s}, 'UTC')");
        serde_json::from_str(&self.text(&sql).await).expect("a proof")
    }

    /// Runs the proof's own SQL: per stream, whether it holds.
    pub async fn check(&self, of: Hour) -> Vec<(String, bool)> {
        #[derive(serde::Deserialize)]
        struct Row {
            gateway: String,
            epoch: u64,
            worker: u16,
            ok: u8,
        }
        let proof = self.proof(of).await;
        let rows: Vec<Row> = self.rows(proof["sql"].as_str().expect("its SQL")).await;
        let streams = |of: &serde_json::Value| of["streams"].as_array().expect("streams").len();
        let late: usize = proof["late"].as_array().expect("late").iter().map(streams).sum();
        assert_eq!(rows.len(), streams(&proof) + late);
        let name = |row: &Row| format!("{}/{}/{}", row.gateway, row.epoch, row.worker);
        rows.iter().map(|row| (name(row), row.ok == 1)).collect()
    }

    /// read, stored, duplicates, dead, collisions
    pub fn outcomes(&self) -> [u64; 5] {
        let Counters { read, stored, duplicates, dead, collisions, .. } = &*self.counters;
        [read, stored, duplicates, dead, collisions].map(|counter| counter.load(Ordering::Relaxed))
    }
}

/// The published book, and what `more` says under `prices:`.
pub fn prices(more: &str) -> Arc<Prices> {
    let text = format!("books: [\"bundled:published\"]\n{more}");
    let sink = Sink::new();
    let load = |path: &Path| std::fs::read_to_string(path);
    let prices = Document::parse("prices.yaml", &text, &sink)
        .and_then(|document| Prices::read(&document.root(&sink), &sink, &load));
    Arc::new(sink.finish(prices).expect("prices"))
}

// === impl Gateway ===

impl Gateway {
    /// Worker 0 of the life that begins at `start`.
    pub fn new(name: &str, start: Time) -> Self {
        let epoch = u64::try_from(start.0).expect("a time");
        Self { stream: Stream { gateway: name.into(), epoch, worker: 0 }, seq: 0 }
    }

    /// A record; `change` may change it, even its place.
    pub fn record(&mut self, time: Time, change: impl FnOnce(&mut Record<'static>)) -> Input {
        let seq = self.seq;
        self.seq += 1;
        let mut record = Record {
            req_id: format!("{:032x}", (u128::from(self.stream.epoch) << 64) + u128::from(seq))
                .into(),
            time,
            gateway: self.stream.gateway.clone().into(),
            epoch: self.stream.epoch,
            worker: self.stream.worker,
            seq,
            account: "acme".into(),
            region: "ap-singapore".into(),
            method: "GET".into(),
            uri: "/".into(),
            rsp_st: 200,
            ups_st: "200".into(),
            rsp_len: 1 << 20,
            ..Record::default()
        };
        change(&mut record);
        let mut bytes = Vec::new();
        record::encode(&record, &mut bytes);
        (Some(Place { stream: Arc::new(self.stream.clone()), seq }), bytes)
    }

    /// A billable call of 1 MiB.
    pub fn call(&mut self, time: Time) -> Input {
        self.record(time, |_| ())
    }

    pub fn calls(&mut self, time: Time, count: usize) -> Vec<Input> {
        (0..count).map(|_| self.call(time)).collect()
    }

    /// A start of one worker.
    pub fn start(&mut self, time: Time, previous: Option<PreviousLife>) -> Input {
        self.part(time, Part::Start, Life { workers: 1, previous, ..Life::default() })
    }

    pub fn beat(&mut self, time: Time) -> Input {
        self.part(time, Part::Heartbeat, Life { workers: 1, ..Life::default() })
    }

    /// An end that retires.
    pub fn end(&mut self, time: Time) -> Input {
        self.part(time, Part::End, Life { workers: 1, retires: true, ..Life::default() })
    }

    fn part(&mut self, time: Time, part: Part, life: Life) -> Input {
        self.record(time, |record| {
            record.part = part;
            record.life = Some(Box::new(life));
            (record.account, record.region) = ("".into(), "".into());
            (record.rsp_st, record.rsp_len, record.ups_st) = (0, 0, "".into());
        })
    }

    /// Uses up a number without writing it.
    pub fn skip(&mut self) {
        self.seq += 1;
    }
}
