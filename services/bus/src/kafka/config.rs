//! The section `kafka:` of the configuration.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use settings::{Fields, Resolve, Scalar, Secret, Value};

/// The topic of the records of all gateways.
const DEFAULT_TOPIC: &str = "tollgate.records";

/// The group of all metering processes.
const DEFAULT_GROUP: &str = "tollgate.metering";

/// Enough for four metering processes; more can be added later.
const DEFAULT_PARTITIONS: u32 = 4;

/// So long a consumer may be silent before its partitions go to others. Below the 45 s that are
/// usual, so that the bills of an hour do not wait for a process that was killed.
const DEFAULT_SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// The client's own default. The thread that polls is never blocked by a slow store, so this is
/// reached only when the whole process stands still.
const DEFAULT_MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

/// The longest name of a topic that Kafka takes.
const TOPIC_MAX: usize = 249;

/// Where the records of all gateways are, and how they are read and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Addresses `host:port` to begin with; the brokers tell of each other. At least one.
    pub brokers: Vec<String>,
    /// The topic of the records.
    pub topic: String,
    /// The consumer group of metering.
    pub group: String,
    /// Partitions of a topic that is made; at least 1.
    pub partitions: u32,
    /// Copies of each partition of a topic that is made; at least 1.
    pub replication: u16,
    /// How messages are packed.
    pub compression: Compression,
    /// A consumer that is silent for so long loses its partitions.
    pub session_timeout: Duration,
    /// A consumer that does not poll for so long leaves its group.
    pub max_poll_interval: Duration,
    /// Greatest record, bytes; the topic must take it.
    pub record_max: u32,
    /// Encryption and who we are.
    pub security: Security,
}

/// How messages are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Little work.
    #[default]
    Lz4,
    /// Fewer bytes.
    Zstd,
}

/// Encryption and who we are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Security {
    /// TLS towards the brokers. Needs the cargo feature `tls`.
    pub tls: Option<Tls>,
    /// The name that the brokers know us by.
    pub sasl: Option<Sasl>,
}

/// TLS towards the brokers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Certificates to trust, PEM; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Our certificate, PEM.
    pub certificate: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
}

/// A name and a password for the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// How the password is shown to be known.
    pub mechanism: Mechanism,
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How a password is shown to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mechanism {
    /// The password itself goes over the line.
    #[default]
    Plain,
    /// Salted challenge and response. Needs the cargo feature `tls`.
    ScramSha256,
    /// Salted challenge and response. Needs the cargo feature `tls`.
    ScramSha512,
}

/// Reads the section `kafka:`: `brokers` (required), `topic`, `group`, `partitions`,
/// `replication`, `compression` (`lz4` or `zstd`), `session_timeout`, `max_poll_interval`,
/// `tls: { ca, certificate, key }`, `sasl: { mechanism, user, password }`. `record_max` is the
/// greatest record in bytes.
///
/// `None` when something is wrong; the mistakes are then in the sink.
pub fn read(value: &Value<'_>, record_max: u32, resolve: &dyn Resolve) -> Option<Config> {
    let fields = value.fields()?;
    let brokers = brokers(&fields);
    let topic = name(&fields, "topic", DEFAULT_TOPIC);
    let group = name(&fields, "group", DEFAULT_GROUP);
    let partitions = at_least_one(&fields, "partitions", DEFAULT_PARTITIONS);
    let replication = at_least_one(&fields, "replication", 1_u16);
    let compression =
        fields.choice("compression", &[("lz4", Compression::Lz4), ("zstd", Compression::Zstd)]);
    let session_timeout = fields.get_or("session_timeout", DEFAULT_SESSION_TIMEOUT);
    let max_poll_interval = fields.get_or("max_poll_interval", DEFAULT_MAX_POLL_INTERVAL);
    let in_order = session_timeout <= max_poll_interval && !session_timeout.is_zero();
    if !in_order {
        fields.mistake("`session_timeout` must be above 0 and at most `max_poll_interval`");
    }
    let tls = maybe(&fields, "tls", tls);
    let sasl = maybe(&fields, "sasl", |value| sasl(value, resolve));
    fields.close();
    let security = Security { tls: tls?, sasl: sasl? };
    in_order.then_some(())?;
    Some(Config {
        brokers: brokers?,
        topic: topic?,
        group: group?,
        partitions: partitions?,
        replication: replication?,
        compression: compression?,
        session_timeout,
        max_poll_interval,
        record_max,
        security,
    })
}

/// What stands under an optional key; the outer `None` means a mistake.
fn maybe<T>(
    fields: &Fields<'_>,
    key: &'static str,
    read: impl FnOnce(&Value<'_>) -> Option<T>,
) -> Option<Option<T>> {
    match fields.optional(key) {
        None => Some(None),
        Some(value) => read(&value).map(Some),
    }
}

fn brokers(fields: &Fields<'_>) -> Option<Vec<String>> {
    let items = fields.required("brokers")?.items();
    let mut brokers = Vec::new();
    for item in &items {
        let text = item.scalar::<String>()?;
        let port = text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
        if !matches!(port, Some((host, Ok(_))) if !host.is_empty() && !host.contains(',')) {
            item.mistake(format!("`{text}` is no broker; `host:port` is accepted"));
            return None;
        }
        brokers.push(text);
    }
    if brokers.is_empty() {
        fields.mistake("`brokers` needs at least one `host:port`");
        return None;
    }
    Some(brokers)
}

/// A name as Kafka takes it for topics; groups are held to the same.
fn name(fields: &Fields<'_>, key: &'static str, default: &str) -> Option<String> {
    let Some(value) = fields.optional(key) else { return Some(default.to_owned()) };
    let text = value.scalar::<String>()?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.len() > TOPIC_MAX || !text.chars().all(known) || text == ".." {
        value.mistake(format!(
            "`{text}` is no name for Kafka: 1 to {TOPIC_MAX} letters, digits, `.`, `_` and `-` \
             are accepted"
        ));
        return None;
    }
    Some(text)
}

fn at_least_one<T>(fields: &Fields<'_>, key: &'static str, default: T) -> Option<T>
where
    T: Scalar + Copy + Into<u32>,
{
    let value = fields.get_or(key, default);
    if NonZeroU32::new(value.into()).is_none() {
        fields.mistake(format!("`{key}` is 0; at least 1 is needed"));
        return None;
    }
    Some(value)
}

fn tls(value: &Value<'_>) -> Option<Tls> {
    let fields = value.fields()?;
    let path = |key| maybe(&fields, key, |value| value.scalar::<PathBuf>());
    let (ca, certificate, key) = (path("ca"), path("certificate"), path("key"));
    fields.close();
    let (ca, certificate, key) = (ca?, certificate?, key?);
    if certificate.is_some() != key.is_some() {
        value.mistake("`certificate` and `key` go together");
        return None;
    }
    if !cfg!(feature = "tls") {
        value.mistake("this program was built without TLS for Kafka (cargo feature `tls`)");
        return None;
    }
    Some(Tls { ca, certificate, key })
}

fn sasl(value: &Value<'_>, resolve: &dyn Resolve) -> Option<Sasl> {
    let fields = value.fields()?;
    let known = [
        ("PLAIN", Mechanism::Plain),
        ("SCRAM-SHA-256", Mechanism::ScramSha256),
        ("SCRAM-SHA-512", Mechanism::ScramSha512),
    ];
    let mechanism = fields.choice("mechanism", &known);
    let user = fields.get::<String>("user");
    let password = fields.required("password").and_then(|value| value.secret(resolve));
    fields.close();
    let sasl = Sasl { mechanism: mechanism?, user: user?, password: password? };
    if sasl.mechanism != Mechanism::Plain && !cfg!(feature = "tls") {
        value.mistake("this program was built without SCRAM for Kafka (cargo feature `tls`)");
        return None;
    }
    Some(sasl)
}

#[cfg(test)]
mod tests;
