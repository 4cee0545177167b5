//! `tollgate.yaml`: one file, its sections read by the crates that own them.
//!
//! Paths in the file are relative to the file's folder. Every mistake, also those in the price
//! books that it names, is reported at once.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use settings::{ByteSize, Document, Fields, Mistake, Mistakes, Reference, Resolve, Secret, Sink};

/// The whole configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it was read from.
    pub(crate) source: Source,
    /// The folder of everything that is kept.
    pub(crate) data: PathBuf,
    pub(crate) gateway: gateway::Config,
    pub(crate) spool: spool::Config,
    pub(crate) store: StoreConfig,
    pub(crate) metering: metering::Config,
    pub(crate) prices: Arc<pricing::Prices>,
    pub(crate) query: query::Config,
    /// Where records go between gateways and metering when they are processes of their own.
    pub(crate) kafka: Option<bus::kafka::Config>,
    /// Where the embedded ClickHouse listens: chosen by the system when it serves this process
    /// alone.
    pub(crate) engine: Option<SocketAddr>,
    pub(crate) policy: Arc<policy::Policy>,
    /// What is wrong with single APIs, which a gateway leaves out; the rest is good.
    pub(crate) faults: Mistakes,
    /// How long records stay, counted from when they were stored.
    pub(crate) retention: Duration,
}

/// A configuration file as it was read, to tell whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    /// Hash of its text.
    pub(crate) text: u64,
    /// Hash of all that is fixed at the start: everything but services and keys.
    pub(crate) fixed: u64,
}

// === impl Config ===

impl Config {
    /// Secrets do not show here; who changes one restarts, or says SIGHUP where it is a key's.
    fn fixed(&self) -> u64 {
        let Self { source: _, policy: _, faults: _, data, gateway, spool, store, .. } = self;
        let Self { metering, prices, query, kafka, engine, retention, .. } = self;
        let first = format!("{data:?} {gateway:?} {spool:?} {store:?} {metering:?}");
        hash(&format!("{first} {prices:?} {query:?} {kafka:?} {engine:?} {retention:?}"))
    }

    /// Gives the gateway another name; its spool and, unless it was said, its instance follow.
    pub(crate) fn name_gateway(&mut self, name: &str) {
        if self.gateway.instance == self.gateway.name {
            name.clone_into(&mut self.gateway.instance);
        }
        name.clone_into(&mut self.gateway.name);
        name.clone_into(&mut self.spool.gateway);
    }
}

/// Section `store:`.
#[derive(Debug, Clone)]
pub(crate) struct StoreConfig {
    /// A server instead of the embedded engine.
    pub(crate) url: Option<String>,
    /// The secrets of a `tollgate engine` behind that address, instead of user and password.
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) database: String,
    /// The most memory that the embedded engine may use, bytes.
    pub(crate) memory: u64,
}

/// Retention: disputes are settled within 30 days (pricing).
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
/// Greatest record when the gateway's own setting has a mistake: only for reading on.
const RECORD_MAX: u32 = 16 << 10;
/// Below a day, hours that are still open could lose their records.
const RETENTION_MIN: Duration = Duration::from_secs(24 * 3600);
/// What an engine for one machine needs for aggregates of an hour with room to spare.
const MEMORY: ByteSize = ByteSize(4 << 30);
/// Below it the engine does not get through its own start reliably.
const MEMORY_MIN: u64 = 512 << 20;

/// Reads and checks a configuration file. Faults of single APIs come with it: all but `check` go on
/// without those.
///
/// # Errors
/// Every mistake, each with file, line and path, and the faults with them.
pub(crate) fn load(path: &Path) -> Result<Config, Mistakes> {
    let sink = Sink::new();
    let file = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            sink.add(Mistake { file, line: 1, path: String::new(), text: unreadable(&error) });
            return sink.finish(None);
        }
    };
    let files = Files { folder: path.parent().map(Path::to_owned).unwrap_or_default() };
    let book = |path: &Path| fs::read_to_string(files.folder.join(path));
    let near = Near { folder: &files.folder, secrets: &files, book: &book };
    compose(path, &text, &near, sink)
}

/// What a text may name.
pub(crate) struct Near<'n> {
    /// What its paths are relative to.
    pub(crate) folder: &'n Path,
    pub(crate) secrets: &'n dyn Resolve,
    /// The text of a price book.
    pub(crate) book: &'n dyn Fn(&Path) -> io::Result<String>,
}

/// Reads and checks the text of a configuration file; opens no file itself.
///
/// # Errors
/// Every mistake, each with file, line and path, and the faults with them.
pub(crate) fn compose(
    path: &Path,
    text: &str,
    near: &Near<'_>,
    sink: Sink,
) -> Result<Config, Mistakes> {
    let document = Document::parse(&path.display().to_string(), text, &sink);
    let config = document.as_ref().and_then(|document| {
        let fields = document.root(&sink).fields()?;
        let config = read(&fields, near, &sink);
        fields.close();
        config
    });
    let (mut config, faults) = sink.finish_but_faults(config)?;
    config.faults = faults;
    let source = Source { file: path.to_owned(), text: hash(text), fixed: config.fixed() };
    config.source = source;
    Ok(config)
}

fn hash(text: &str) -> u64 {
    spool::hash(text.as_bytes())
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; `tollgate init` writes a starter configuration".to_owned()
        }
        _ => format!("the file can not be read: {error}"),
    }
}

/// Takes all sections before it gives up, so that all their mistakes are found.
fn read(fields: &Fields<'_>, near: &Near<'_>, sink: &Sink) -> Option<Config> {
    let data = near.folder.join(fields.get_or("data", PathBuf::from("data")));
    let gateway = fields.required("gateway").and_then(|value| gateway::read(&value));
    let spool = spool(fields, gateway.as_ref(), data.join("spool"));
    let store = store(fields, near);
    let (metering, close) = (fields.optional("metering"), fields.optional("close"));
    let metering = metering::Config::read(metering.as_ref(), close.as_ref());
    let prices = fields.required("prices");
    let prices = prices.and_then(|value| pricing::Prices::read(&value, sink, near.book));
    let query = query::read(fields.optional("query").as_ref());
    let record_max = gateway.as_ref().map_or(RECORD_MAX, |gateway| gateway.record.max);
    let kafka = fields.optional("kafka");
    let kafka = kafka.map(|value| bus::kafka::read(&value, record_max, near.secrets));
    let engine = engine(fields);
    let (services, keys) = (fields.required("services"), fields.optional("keys"));
    let policy = services.and_then(|services| policy::read(&services, keys.as_ref(), near.secrets));
    let retention = retention(fields);
    Some(Config {
        source: Source { file: PathBuf::new(), text: 0, fixed: 0 },
        data,
        gateway: gateway?,
        spool: spool?,
        store: store?,
        metering: metering?,
        prices: Arc::new(prices?),
        query: query?,
        kafka: kafka.map_or(Some(None), |read| read.map(Some))?,
        engine: engine?,
        policy: Arc::new(policy?),
        faults: Mistakes::default(),
        retention: retention?,
    })
}

/// The spool is that of a gateway. Without a good one, the section's own mistakes are found all
/// the same; whether there is room for each worker is found once the number of workers is known.
fn spool(
    fields: &Fields<'_>,
    gateway: Option<&gateway::Config>,
    dir: PathBuf,
) -> Option<spool::Config> {
    let section = fields.optional("spool");
    match gateway {
        Some(gateway) => {
            let (workers, max) = (gateway.workers.get(), gateway.record.max);
            spool::read(section.as_ref(), dir, gateway.name.clone(), workers, max)
        }
        None => {
            spool::read(section.as_ref(), dir, String::new(), 1, 1024);
            None
        }
    }
}

fn store(fields: &Fields<'_>, near: &Near<'_>) -> Option<StoreConfig> {
    let default = StoreConfig {
        url: None,
        secret_file: None,
        user: "default".to_owned(),
        password: Secret::new(""),
        database: "tollgate".to_owned(),
        memory: MEMORY.0,
    };
    let Some(value) = fields.optional("store") else { return Some(default) };
    let fields = value.fields()?;
    let url = fields.optional("url").and_then(|url| url.scalar());
    let secret_file: Option<PathBuf> =
        fields.optional("secret_file").and_then(|file| file.scalar::<PathBuf>());
    let secret_file = secret_file.map(|file| near.folder.join(file));
    if secret_file.is_some() && url.is_none() {
        fields.mistake("`secret_file` is that of a `tollgate engine`: name its address in `url`");
    }
    let user = fields.get_or("user", default.user);
    let password = match fields.optional("password") {
        Some(value) => value.secret(near.secrets)?,
        None => default.password,
    };
    let database = fields.get_or("database", default.database);
    let named = store::Endpoint {
        url: url.clone().unwrap_or_else(|| "http://127.0.0.1:1".to_owned()),
        user: String::new(),
        password: Secret::new(""),
        header: None,
        database: database.clone(),
    };
    if let Err(error) = store::Store::new(named) {
        fields.mistake(error.to_string());
    }
    let memory = fields.get_or("memory", MEMORY).0;
    if memory < MEMORY_MIN {
        fields.mistake("`memory` is below 512MiB, with which the engine does not start reliably");
    }
    fields.close();
    Some(StoreConfig { url, secret_file, user, password, database, memory })
}

/// Section `engine:`. The embedded ClickHouse is for this machine alone: its port is opened by a
/// header, and knows no encryption.
fn engine(fields: &Fields<'_>) -> Option<Option<SocketAddr>> {
    let Some(value) = fields.optional("engine") else { return Some(None) };
    let fields = value.fields()?;
    let listen: Option<SocketAddr> = fields.required("listen").and_then(|value| value.scalar());
    if listen.is_some_and(|listen| listen.ip() != Ipv4Addr::LOCALHOST) {
        fields.mistake(
            "`listen` is not on 127.0.0.1: the embedded engine serves this machine only; for \
             others run a ClickHouse server and name it in `store.url`",
        );
    }
    fields.close();
    listen.map(Some)
}

fn retention(fields: &Fields<'_>) -> Option<Duration> {
    let Some(value) = fields.optional("retention") else { return Some(RETENTION) };
    let fields = value.fields()?;
    let records = fields.get_or("records", RETENTION);
    if records < RETENTION_MIN {
        fields.mistake("`records` is shorter than a day: open hours would lose their records");
    }
    fields.close();
    Some(records)
}

/// Finds secrets in the environment and in files.
struct Files {
    folder: PathBuf,
}

impl Resolve for Files {
    fn resolve(&self, reference: Reference<'_>) -> Result<String, String> {
        match reference {
            Reference::Env(name) => std::env::var(name)
                .map_err(|_| format!("the environment variable {name} is not set")),
            Reference::File(path) => {
                let text = fs::read_to_string(self.folder.join(path));
                let text = text.map_err(|error| format!("{path}: {error}"))?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests;
