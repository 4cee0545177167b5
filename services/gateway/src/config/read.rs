//! YAML to [`Config`]: every mistake at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;
use record::{GATEWAY_MAX, InstanceType};
use settings::{ByteSize, Fields, Scalar, Value};

use super::{Config, Limits, Networks, ProxyProtocol, RecordConfig, Timeouts};

/// Port of the default address.
const PORT: u16 = 8080;
/// A worker is a thread; more than this many are a slip of the pen.
const WORKERS_MAX: u16 = 256;
/// The smallest buffer that hyper takes.
const BUFFER_MIN: u64 = 8192;
/// Where health and metrics are when nothing is said.
const METRICS_PORT: u16 = 9091;
/// hyper's own limit for a request target.
const URI_MAX: u64 = (1 << 16) - 2;
/// Below it timers cost more than they find out.
const TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// Above it a timeout is none.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Reads the section `gateway:`. Nothing when there is a mistake, which is then in the sink.
pub fn read(value: &Value<'_>) -> Option<Config> {
    let fields = value.fields()?;
    let name = text(&fields, "name", GATEWAY_MAX);
    let region = text(&fields, "region", GATEWAY_MAX);
    let operator_account = text(&fields, "operator_account", GATEWAY_MAX);
    let instance = match fields.optional("instance") {
        Some(_) => text(&fields, "instance", GATEWAY_MAX),
        None => name.clone(),
    };
    let instance_type = instance_type(&fields);
    let listen = fields.get_or("listen", SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    let metrics = fields.get_or("metrics", SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS_PORT)));
    let workers = workers(&fields);
    let proxy_protocol = proxy_protocol(&fields);
    let trusted_proxies = networks(&fields, "trusted_proxies", Networks::NONE);
    let private_networks = networks(&fields, "private_networks", Networks::default());
    let limits = section(&fields, "limits", limits)?;
    let timeouts = section(&fields, "timeouts", timeouts)?;
    let record = section(&fields, "record", record)?;
    fields.close();
    Some(Config {
        name: name?,
        region: region?,
        instance: instance?,
        instance_type: instance_type?,
        listen,
        metrics,
        workers: workers?,
        operator_account: operator_account?,
        proxy_protocol: proxy_protocol?,
        trusted_proxies,
        private_networks,
        limits,
        timeouts,
        record,
    })
}

fn section<T: Default>(
    fields: &Fields<'_>,
    key: &'static str,
    read: impl FnOnce(&Fields<'_>) -> T,
) -> Option<T> {
    let Some(value) = fields.optional(key) else { return Some(T::default()) };
    let fields = value.fields()?;
    let section = read(&fields);
    fields.close();
    Some(section)
}

fn limits(fields: &Fields<'_>) -> Limits {
    let default = Limits::default();
    let size = |key, default: usize, range| {
        let bytes = within(fields, key, ByteSize(default as u64), range, |size: ByteSize| size.0);
        usize::try_from(bytes.0).unwrap_or(default)
    };
    let number = |key, default: usize, range| {
        let count = within(fields, key, default as u64, range, |count: u64| count);
        usize::try_from(count).unwrap_or(default)
    };
    let connections = number("connections", default.connections as usize, 1..=1_000_000);
    let body_range = 0..=u64::MAX / 2;
    Limits {
        connections: u32::try_from(connections).unwrap_or(default.connections),
        head: size("head", default.head, 1024..=1 << 20),
        uri: size("uri", default.uri, 256..=URI_MAX),
        headers: number("headers", default.headers, 10..=1000),
        body: within(fields, "body", ByteSize(default.body), body_range, |size: ByteSize| size.0).0,
        buffer: size("buffer", default.buffer, BUFFER_MIN..=16 << 20),
        backend_connections: number(
            "backend_connections",
            default.backend_connections,
            1..=100_000,
        ),
        backend_idle: number("backend_idle", default.backend_idle, 0..=100_000),
    }
}

fn timeouts(fields: &Fields<'_>) -> Timeouts {
    let default = Timeouts::default();
    Timeouts {
        head: duration(fields, "head", default.head),
        body: duration(fields, "body", default.body),
        write: duration(fields, "write", default.write),
        idle: duration(fields, "idle", default.idle),
        backend_idle: duration(fields, "backend_idle", default.backend_idle),
        linger: duration(fields, "linger", default.linger),
    }
}

fn record(fields: &Fields<'_>) -> RecordConfig {
    let default = RecordConfig::default();
    let range = record::CAP_MIN as u64..=512 << 10;
    let max = within(fields, "max", ByteSize(default.max.into()), range, |size: ByteSize| size.0);
    RecordConfig {
        max: u32::try_from(max.0).unwrap_or(default.max),
        heartbeat: duration(fields, "heartbeat", default.heartbeat),
        interim: duration(fields, "interim", default.interim),
    }
}

fn text(fields: &Fields<'_>, key: &'static str, max: usize) -> Option<String> {
    let value = fields.required(key)?;
    let text: String = value.scalar()?;
    if text.is_empty() || text.len() > max {
        value.mistake(format!("expected a text of 1 to {max} bytes"));
        return None;
    }
    Some(text)
}

fn instance_type(fields: &Fields<'_>) -> Option<InstanceType> {
    let Some(value) = fields.optional("instance_type") else { return Some(InstanceType::Shared) };
    let word: String = value.scalar()?;
    let known = InstanceType::parse(&word);
    if known.is_none() {
        value.mistake(format!("`{word}` is not `shared` or `dedicated`"));
    }
    known
}

fn workers(fields: &Fields<'_>) -> Option<NonZeroU16> {
    let Some(value) = fields.optional("workers") else { return Some(cores()) };
    let workers: u16 = value.scalar()?;
    let found = NonZeroU16::new(workers).filter(|workers| workers.get() <= WORKERS_MAX);
    if found.is_none() {
        value.mistake(format!("from 1 to {WORKERS_MAX} workers are accepted"));
    }
    found
}

fn cores() -> NonZeroU16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = u16::try_from(cores).unwrap_or(WORKERS_MAX).min(WORKERS_MAX);
    NonZeroU16::new(cores).unwrap_or(NonZeroU16::MIN)
}

fn proxy_protocol(fields: &Fields<'_>) -> Option<ProxyProtocol> {
    let Some(value) = fields.optional("proxy_protocol") else { return Some(ProxyProtocol::Off) };
    match value.scalar::<String>()?.as_str() {
        "off" => Some(ProxyProtocol::Off),
        "required" => Some(ProxyProtocol::Required),
        other => {
            value.mistake(format!("`{other}` is not `off` or `required`"));
            None
        }
    }
}

fn networks(fields: &Fields<'_>, key: &'static str, default: Networks) -> Networks {
    let Some(value) = fields.optional(key) else { return default };
    let mut networks = Vec::new();
    for item in value.items() {
        let Some(text) = item.scalar::<String>() else { continue };
        match text.parse::<IpNet>() {
            Ok(network) => networks.push(network.trunc()),
            Err(_) => item.mistake(format!("`{text}` is not a network, like `10.0.0.0/8`")),
        }
    }
    Networks::new(networks)
}

fn duration(fields: &Fields<'_>, key: &'static str, default: Duration) -> Duration {
    let Some(value) = fields.optional(key) else { return default };
    let Some(duration) = value.scalar::<Duration>() else { return default };
    if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&duration) {
        value.mistake("from 10ms to 24h are accepted");
    }
    duration
}

fn within<T: Scalar + Copy>(
    fields: &Fields<'_>,
    key: &'static str,
    default: T,
    range: RangeInclusive<u64>,
    number: impl Fn(T) -> u64,
) -> T {
    let Some(value) = fields.optional(key) else { return default };
    let Some(found) = value.scalar::<T>() else { return default };
    if !range.contains(&number(found)) {
        value.mistake(format!("from {} to {} are accepted", range.start(), range.end()));
    }
    found
}
