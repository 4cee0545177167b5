//! The product as separate services: a broker, an engine, two gateways, two metering processes and
//! query, each a process of its own that can be killed, frozen and started again.
//!
//! All of them have the same configuration but for the gateway's name; each works in a folder of its
//! own. Time limits are short, so that who is gone is missed soon.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use broker::{Broker, Port};

use crate::audit::{Found, compare, settled};
use crate::clickhouse::ClickHouse;
use crate::gate::Gate;
use crate::ledger::Ledger;
use crate::load::{Load, Plan};
use crate::service::Service;
use crate::topic::{Number, Topic};
use crate::world::{HOST, STORE_MAX, WORKERS, standard};
use crate::{processes, wait};

/// The topic of all clusters: each has a broker of its own.
pub const TOPIC: &str = "tollgate.records";
/// Partitions of the topic.
pub const PARTITIONS: usize = 4;
/// Names of the gateways.
pub const GATEWAYS: [&str; 2] = ["gw-one", "gw-two"];
/// Names of the metering processes.
const METERING: [&str; 2] = ["metering-one", "metering-two"];
/// Who is silent for so long has left its group. Shorter ones the broker does not take.
pub const SESSION_S: u64 = 6;
/// Who does not poll for so long leaves its group.
pub const POLL_MAX_S: u64 = 8;

/// What a cluster is made of.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The program.
    pub exe: &'a Path,
    /// The backend of its service.
    pub backend: SocketAddr,
    /// Added to the section `metering:`, as it stands between braces.
    pub metering: &'a str,
    /// Appended to the configuration.
    pub more: &'a str,
    /// Environment of all processes.
    pub env: &'a [(&'a str, &'a str)],
    /// Whether the first metering process has a gate before ClickHouse.
    pub gated: bool,
}

/// Running services.
#[derive(Debug)]
pub struct Cluster {
    /// Gateways by number, [`GATEWAYS`].
    pub gateways: Vec<Service>,
    /// Their addresses.
    pub addrs: Vec<SocketAddr>,
    /// Metering processes.
    pub metering: Vec<Service>,
    /// The query API.
    pub query: Service,
    /// The embedded ClickHouse, served to the others.
    pub engine: Service,
    /// Its own port.
    pub store: ClickHouse,
    /// The broker.
    pub broker: Broker,
    /// Between the first metering process and ClickHouse.
    pub gate: Option<Gate>,
    env: Vec<(String, String)>,
    /// The engine's, held while it is away.
    _port: Port,
    /// Goes last.
    _folder: tempfile::TempDir,
}

// === impl Cluster ===

impl Cluster {
    /// Starts all of it; returns when everything is ready.
    ///
    /// # Panics
    /// When something does not start.
    pub fn start(parts: Parts<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("tollgate-cluster").tempdir();
        let folder = folder.expect("a folder");
        let (broker, port) = (Broker::start(), Port::take().expect("a free port"));
        let clickhouse = SocketAddr::from(([127, 0, 0, 1], port.number()));
        let gate = parts.gated.then(|| Gate::start(clickhouse));
        let service = |args: &[&'static str], name: &str, gateway: &str| {
            let folder = folder.path().join(name);
            fs::create_dir_all(&folder).expect("a folder");
            let service = Service::new(parts.exe, args, folder);
            let gate = gate.as_ref().filter(|_| name == METERING[0]);
            let store = gate.map_or(clickhouse, |gate| gate.addr);
            let text = configuration(gateway, &parts, broker.addr(), store, clickhouse);
            fs::write(service.config(), text).expect("a configuration");
            service
        };
        let mut engine = service(&["engine"], "engine", GATEWAYS[0]);
        let gateways = GATEWAYS.map(|name| service(&["gateway"], name, name));
        let metering = METERING.map(|name| service(&["metering"], name, GATEWAYS[0]));
        let query = service(&["query"], "query", GATEWAYS[0]);
        let env: Vec<_> = parts.env.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        let store = ClickHouse::new(&engine.start(parts.env)["store"]).expect("its own port");
        let (gateways, metering) = (gateways.into(), metering.into());
        let mut cluster = Self {
            gateways,
            addrs: Vec::new(),
            metering,
            query,
            engine,
            store,
            broker,
            gate,
            env,
            _port: port,
            _folder: folder,
        };
        cluster.start_rest();
        cluster
    }

    /// All but broker and engine, side by side.
    fn start_rest(&mut self) {
        let env = pairs(&self.env);
        let Self { gateways, metering, query, .. } = self;
        let mut all: Vec<&mut Service> = gateways.iter_mut().chain(metering).collect();
        all.push(query);
        for service in &mut all {
            service.spawn(&env);
        }
        for service in &mut all {
            let ready = service.ready();
            assert!(ready.is_ok(), "{ready:?}: {}", service.log());
        }
        self.addrs = (0..GATEWAYS.len()).map(|number| self.addr(number)).collect();
    }

    /// Where a gateway that is ready listens.
    fn addr(&mut self, number: usize) -> SocketAddr {
        let said = self.gateways[number].ready().expect("it runs");
        let addr = said["gateways"][0].as_str().and_then(|addr| addr.parse().ok());
        addr.unwrap_or_else(|| panic!("no address in {said}"))
    }

    /// Clients that ask both gateways.
    pub fn load(&self, asks: &[&str]) -> Load {
        Load::begin(Plan {
            gateways: &self.addrs,
            host: HOST,
            clients: 6,
            asks,
            requests: None,
            disk: None,
        })
    }

    /// SIGKILL to a gateway; the load goes to the other one meanwhile.
    pub fn kill_gateway(&mut self, number: usize, load: &Load) {
        load.hold_from(number);
        self.gateways[number].kill();
    }

    /// Starts a gateway again, and sends the load to it.
    pub fn start_gateway(&mut self, number: usize, load: &Load) {
        self.gateways[number].start(&pairs(&self.env));
        self.addrs[number] = self.addr(number);
        load.aim_at(number, self.addrs[number]);
    }

    /// Lets all metering processes belong to another group at their next start.
    ///
    /// # Panics
    /// When their configuration can not be written.
    pub fn regroup(&self, group: &str) {
        for service in &self.metering {
            let text = fs::read_to_string(service.config()).expect("the configuration");
            let own = format!(" topic: {TOPIC}\n");
            assert!(text.contains(&own), "{text}");
            let text = text.replace(&own, &format!("{own}  group: {group}\n"));
            fs::write(service.config(), text).expect("the configuration");
        }
    }

    /// Asks a metering process to end, once it is ready, which it must do well.
    ///
    /// # Panics
    /// When it does not.
    pub fn stop_metering(&mut self, number: usize) {
        let ready = self.metering[number].ready();
        assert!(ready.is_ok(), "{}: {ready:?}", METERING[number]);
        let status = self.metering[number].stop();
        let log = self.metering[number].log();
        assert!(status.success(), "{}: {status}\n{}", METERING[number], tail(&log));
    }

    /// Starts a metering process, without waiting for it.
    pub fn spawn_metering(&mut self, number: usize, more: &[(&str, &str)]) {
        let env = [pairs(&self.env), more.to_vec()].concat();
        self.metering[number].spawn(&env);
    }

    /// Starts the engine again, without waiting for it.
    pub fn spawn_engine(&mut self) {
        self.engine.spawn(&pairs(&self.env));
    }

    /// The process that is ClickHouse itself, if there is one.
    pub fn clickhouse(&self) -> Option<u32> {
        let own = self.engine.alive_pid();
        processes::inside(self.engine.folder()).into_iter().find(|&pid| Some(pid) != own)
    }

    /// The topic of the records.
    pub fn topic(&self) -> Topic {
        Topic::new(self.broker.addr(), TOPIC)
    }

    /// Waits until everything that the gateways wrote up to now is stored.
    ///
    /// # Panics
    /// When it is not in time; all logs are in the message.
    pub fn settle(&self, ahead_s: i64) {
        for gateway in GATEWAYS {
            settled(&self.store, gateway, WORKERS, ahead_s);
        }
    }

    /// Who owns the partitions of the topic: each process once.
    pub fn owners(&self) -> BTreeSet<String> {
        let sql = format!(
            "SELECT DISTINCT owner FROM (SELECT argMax(owner, (counter, nonce)) AS owner \
             FROM claims WHERE source = 'kafka:{TOPIC}' GROUP BY part)"
        );
        let rows = self.store.try_sql(&format!("{sql} FORMAT TSV")).unwrap_or_default();
        rows.lines().map(str::to_owned).collect()
    }

    /// Waits until each metering process has partitions.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn shared_out(&self) {
        wait::until("partitions for each metering process", STORE_MAX, || {
            (self.owners().len() == METERING.len()).then_some(())
        });
    }

    /// How many records of the topic have no row, and how many rows have no record in the topic.
    ///
    /// # Panics
    /// When broker or ClickHouse do not answer, or what is in the topic is not stored in time.
    pub fn topic_differs(&self, ahead_s: i64) -> (u64, u64) {
        let rows = || -> BTreeSet<Number> {
            let sql = "SELECT gateway, epoch, worker, seq FROM records";
            self.store.typed(sql).into_iter().collect()
        };
        // Heartbeats go on: what is stored is in the topic, and what is in the topic will be stored.
        let before = rows();
        let (topic, _) = self.topic().numbers();
        self.settle(ahead_s);
        let after = rows();
        let (lost, strange) = (topic.difference(&after).count(), before.difference(&topic).count());
        (lost as u64, strange as u64)
    }

    /// Settles, then compares: every whole answer has exactly one row with its fields, every other
    /// row is that of a request whose answer was not whole, every stream has all its numbers.
    ///
    /// # Panics
    /// When anything differs.
    pub fn audit(&self, ledger: &Ledger) -> Found {
        self.audit_at(ledger, 0)
    }

    /// The same with a clock that is ahead.
    ///
    /// # Panics
    /// When anything differs.
    pub fn audit_at(&self, ledger: &Ledger, ahead_s: i64) -> Found {
        assert!(!ledger.whole.is_empty(), "the client saw nothing");
        self.settle(ahead_s);
        let (found, faults) = compare(ledger, &self.store);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert_eq!(found.unrecorded, 0, "LOSS-1: whole answers without a record");
        assert_eq!(found.missing, 0, "PROOF-1: numbers that no row has");
        found
    }

    /// The ends of all logs.
    pub fn log(&self) -> String {
        let all = self.gateways.iter().chain(&self.metering).chain([&self.engine, &self.query]);
        all.map(|service| format!("== {}\n{}\n", service.folder().display(), tail(&service.log())))
            .collect()
    }
}

/// A test that fails shows what the processes said.
impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// The configuration of all processes, but for the gateway's name.
fn configuration(
    gateway: &str,
    parts: &Parts<'_>,
    broker: &str,
    store: SocketAddr,
    clickhouse: SocketAddr,
) -> String {
    let (standard, metering, more) = (standard(gateway, parts.backend), parts.metering, parts.more);
    format!(
        "{standard}\
         kafka:\n\
        \x20 brokers: [\"{broker}\"]\n\
        \x20 topic: {TOPIC}\n\
        \x20 partitions: {PARTITIONS}\n\
        \x20 session_timeout: {SESSION_S}s\n\
        \x20 max_poll_interval: {POLL_MAX_S}s\n\
         store:\n\
        \x20 url: http://{store}\n\
        \x20 secret_file: ../engine/data/clickhouse/secrets.json\n\
         engine:\n\
        \x20 listen: {clickhouse}\n\
         metering: {{metrics: 127.0.0.1:0, {metering}}}\n\
         {more}"
    )
}

fn pairs(env: &[(String, String)]) -> Vec<(&str, &str)> {
    env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
