//! One value as its field's kind demands; none is guessed.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use record::{Millis, Time, normalize_id};

use super::{Kind, Op, Value};

/// Units of sizes and what they stand for, a longer name before the one that it ends with.
const BYTES: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// Units of `tcp_rtt`.
const MICROS: [(&str, u64); 2] = [("us", 1), ("ms", 1_000)];

/// Milliseconds, as a unit of times in seconds.
const MILLIS: [(&str, u64); 1] = [("ms", 1)];

/// What `text` is for a field of `kind`; `None` when it is no such value.
pub(super) fn read(kind: Kind, op: Op, text: &str) -> Option<Value> {
    if op == Op::Holds {
        return Some(Value::Text(text.to_owned()));
    }
    match kind {
        Kind::Text => Some(Value::Text(text.to_owned())),
        Kind::Id => normalize_id(text).map(|id| Value::Text(id.into())),
        Kind::Status | Kind::Statuses => {
            whole(text).filter(|status| (100..=999).contains(status)).map(Value::Number)
        }
        Kind::Count => whole(text).map(Value::Number),
        Kind::Bytes => with_unit(text, &BYTES).map(Value::Number),
        Kind::MaybeMicros => with_unit(text, &MICROS).map(Value::Number),
        Kind::Seconds | Kind::MaybeSeconds => seconds(text).map(Value::Number),
        Kind::Time => Time::parse_rfc3339(text).filter(|time| time.storable()).map(Value::Time),
        Kind::Flag => text.parse().ok().map(Value::Flag),
        Kind::Word(words) => words.all().into_iter().find(|word| *word == text).map(Value::Word),
        Kind::Address => range(text, op),
        Kind::Addresses => range(text, op).or_else(|| {
            let socket: SocketAddr = text.parse().ok()?;
            Some(Value::Text(socket.to_string()))
        }),
    }
}

/// Digits only: a sign would be read by `parse` too.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (number, size) = unit.unwrap_or((text, 1));
    whole(number)?.checked_mul(size)
}

fn seconds(text: &str) -> Option<u64> {
    if text.ends_with("ms") {
        return with_unit(text, &MILLIS);
    }
    let number = text.strip_suffix('s').unwrap_or(text);
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (plain && decimals <= 3).then(|| Millis::parse_seconds(number)).flatten().map(|ms| ms.0)
}

/// One address; more than one only where several values may stand.
fn range(text: &str, op: Op) -> Option<Value> {
    let range = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().ok()?.trunc(),
    };
    let single = range.prefix_len() == range.max_prefix_len();
    (single || op == Op::In).then_some(Value::Range(range))
}
