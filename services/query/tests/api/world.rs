//! One engine, one store and one served API.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use engine::{Engine, Program, Sources};
use query::{
    App, Listeners, NewToken, Parts, Provisional, ProvisionalBill, ProvisionalFuture, Role,
};
use record::{Hour, Record, RequestIds, Time, judge};
use serde_json::Value;
use store::records::{Day, RecordBlock};
use store::{Claim, Endpoint, Sql, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// The seller, the buyer, and somebody else.
pub(crate) const SELLER: &str = "100";
pub(crate) const BUYER: &str = "200";
pub(crate) const OTHER: &str = "300";

/// The hour that the tests are about.
pub(crate) const HOUR: &str = "2026-11-20T13:00:00Z";

/// Now, for the API: hour 13 is over, hour 15 runs.
pub(crate) const NOW: &str = "2026-11-20T15:30:00.000Z";

const RETENTION: Duration = Duration::from_secs(30 * 86_400);

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) engine: Option<Arc<Running>>,
    pub(crate) api: SocketAddr,
    pub(crate) metrics: SocketAddr,
    claim: Claim,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

/// An engine and its folder, which goes when the engine is stopped.
pub(crate) struct Running {
    pub(crate) engine: Engine,
    _dir: tempfile::TempDir,
}

/// The engine of the tests that run just now; each has a database of its own.
static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());

/// Numbers the databases.
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// An answer: status, head in lower case, body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

/// Bills so far of everybody, whoever is asked for.
struct SoFar;

impl Provisional for SoFar {
    fn bills<'a>(&'a self, hour: Hour, _account: Option<&'a str>) -> ProvisionalFuture<'a> {
        let bill = move |account: &str| ProvisionalBill {
            account: account.to_owned(),
            bill: format!(r#"{{"hour":"{hour}","account":"{account}","total":"0.5"}}"#),
        };
        Box::pin(async move { Ok(vec![bill(SELLER), bill(OTHER)]) })
    }
}

pub(crate) fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("a time")
}

fn now() -> Time {
    time(NOW)
}

/// One of our ids that arrived then.
pub(crate) fn id_at(text: &str) -> String {
    let ms = u64::try_from(time(text).0).expect("after 1970");
    RequestIds::new().next(ms).to_string()
}

/// A value in an address.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A call of the seller's service by the buyer, answered with 200.
pub(crate) fn call(seq: u64, at: &str) -> Record<'static> {
    Record {
        req_id: id_at(at).into(),
        time: time(at),
        gateway: "g1".into(),
        epoch: 7,
        seq,
        account: SELLER.into(),
        caller: BUYER.into(),
        method: "GET".into(),
        uri: "/".into(),
        rsp_st: 200,
        ups_st: "200".into(),
        upip: "10.0.0.9:80".into(),
        req_len: 10,
        rsp_len: 100 + seq,
        ups_req_len: 1000,
        order_id: "o-1".into(),
        ..Record::default()
    }
}

impl World {
    /// On an engine that other tests use too.
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        let shared = {
            let mut shared = SHARED.lock().expect("no start panics");
            match shared.upgrade() {
                Some(running) => running,
                None => {
                    let running = Arc::new(Running::start()?);
                    *shared = Arc::downgrade(&running);
                    running
                }
            }
        };
        Self::on(shared).await
    }

    /// On an engine of its own.
    pub(crate) async fn start_alone() -> Result<Self, Box<dyn Error>> {
        Self::on(Arc::new(Running::start()?)).await
    }

    async fn on(running: Arc<Running>) -> Result<Self, Box<dyn Error>> {
        // What the API logs is shown when a test fails; a second test finds it set.
        tracing_subscriber::fmt().with_test_writer().try_init().ok();
        let at = running.engine.endpoint();
        let database = format!("tollgate_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let store = Store::new(Endpoint {
            url: at.url.clone(),
            user: at.user.clone(),
            password: at.password.clone(),
            header: Some(at.header.clone()),
            database: database.clone(),
        })?;
        store.migrate().await?;
        let claim = store.claim(&database, 0, "test").await?;
        let listeners = Listeners {
            api: TcpListener::bind("127.0.0.1:0").await?,
            metrics: TcpListener::bind("127.0.0.1:0").await?,
        };
        let (api, metrics) = (listeners.api.local_addr()?, listeners.metrics.local_addr()?);
        let app = App::new(Parts {
            store: store.clone(),
            retention: RETENTION,
            provisional: Arc::new(SoFar),
            now,
            registry: prometheus_client::registry::Registry::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(query::serve(app, listeners, async {
            // Dropped or told: both mean the end.
            stopped.await.unwrap_or_default();
        }));
        let (stop, served) = (Some(stop), Some(served));
        let engine = Some(running);
        Ok(Self { store, engine, api, metrics, claim, stop, served })
    }

    pub(crate) async fn token(
        &self,
        role: Role,
        account: Option<&str>,
    ) -> Result<String, Box<dyn Error>> {
        let new = NewToken {
            name: format!("{role} {}", account.unwrap_or("all")),
            role,
            account: account.map(str::to_owned),
            expires_at: None,
        };
        Ok(query::create_token(&self.store, &new, now()).await?)
    }

    /// Stores records of any days.
    pub(crate) async fn put(&self, records: &[Record<'_>]) -> Outcome {
        let mut blocks = BTreeMap::new();
        for record in records {
            let day = Day::of(record.time).ok_or("a day")?;
            blocks.entry(day).or_insert_with(|| RecordBlock::new(day)).push(record, judge(record));
        }
        for block in blocks.into_values() {
            let block = block.finish().ok_or("a row")?;
            self.store.insert(&self.claim, &block).await?;
        }
        Ok(())
    }

    pub(crate) async fn run(&self, sql: Sql) -> Outcome {
        Ok(self.store.execute(&sql).await?)
    }

    /// `GET`, with a token or without.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Result<Answer, Box<dyn Error>> {
        let token = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        send(self.api, &format!("GET {path} HTTP/1.0\r\n{token}\r\n")).await
    }

    /// `GET` for a person who reads this language best.
    pub(crate) async fn get_in(
        &self,
        language: &str,
        token: &str,
        path: &str,
    ) -> Result<Answer, Box<dyn Error>> {
        let head = format!("Authorization: Bearer {token}\r\nAccept-Language: {language}\r\n");
        send(self.api, &format!("GET {path} HTTP/1.0\r\n{head}\r\n")).await
    }

    /// Ends the API, and waits for it.
    pub(crate) async fn end(&mut self) -> Outcome {
        drop(self.stop.take());
        self.served.take().ok_or("once")?.await?;
        Ok(())
    }
}

impl Running {
    fn start() -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let config = engine::Config {
            data_dir: dir.path().join("engine"),
            cache_dir: engine::cache_dir(|name| std::env::var_os(name)).ok_or("no home")?,
            sources: Sources::new(|name| std::env::var_os(name)),
            memory_max: 1 << 30,
            database: "tollgate".to_owned(),
            program: Program::test("engine_child")?,
        };
        let engine = Engine::start(&config, &mut *engine::progress_on_stderr())?;
        Ok(Self { engine, _dir: dir })
    }
}

/// Sends a whole request, reads a whole answer.
pub(crate) async fn send(to: SocketAddr, request: &str) -> Result<Answer, Box<dyn Error>> {
    let mut socket = TcpStream::connect(to).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("a head")?;
    let status = head.split(' ').nth(1).ok_or("a status")?.parse()?;
    Ok(Answer { status, head: head.to_ascii_lowercase(), text: body.to_owned() })
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect(&self.text)
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status, "{self:?}");
        (self.status, json["code"].as_str().expect("a code").to_owned())
    }
}
