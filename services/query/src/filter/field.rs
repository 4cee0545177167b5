//! The fields that a filter may name: those of the record, its verdict, and when it was stored.

use record::{Fault, InstanceType, Net, Part, Reason};

use super::Op;

/// One field, by the name of its column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// It tells of the backend's side, which only the service's owner sees.
    pub(crate) backend: bool,
}

/// What its values are, and so what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A request id in any of its forms.
    Id,
    /// One status; empty is 0 in its column.
    Status,
    /// One status for each try.
    Statuses,
    /// One address.
    Address,
    /// Addresses with ports, one for each try.
    Addresses,
    /// A number without unit, never empty.
    Count,
    /// A size, never empty.
    Bytes,
    /// Milliseconds in the column.
    Seconds,
    /// Milliseconds in the column, null when empty.
    MaybeSeconds,
    /// Microseconds, null when empty.
    MaybeMicros,
    /// A point in time, never empty.
    Time,
    /// `true` or `false`.
    Flag,
    /// A word of a closed list, never empty.
    Word(Words),
}

/// A closed list of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    Part,
    InstanceType,
    Net,
    Fault,
    Reason,
}

const fn of(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, backend: false }
}

const fn backend(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, backend: true }
}

/// All of them, in the order of the record. `life` is no request's.
pub(crate) static FIELDS: [Field; 54] = [
    of("req_id", Kind::Id),
    of("client_req_id", Kind::Id),
    of("time", Kind::Time),
    of("gateway", Kind::Text),
    of("epoch", Kind::Count),
    of("worker", Kind::Count),
    of("seq", Kind::Count),
    of("part", Kind::Word(Words::Part)),
    of("account", Kind::Text),
    of("caller", Kind::Text),
    of("service_id", Kind::Text),
    of("api_id", Kind::Text),
    of("env", Kind::Text),
    of("region", Kind::Text),
    of("instance", Kind::Text),
    of("instance_type", Kind::Word(Words::InstanceType)),
    of("net", Kind::Word(Words::Net)),
    of("scheme", Kind::Text),
    of("method", Kind::Text),
    of("host", Kind::Text),
    of("uri", Kind::Text),
    of("query", Kind::Text),
    of("proto", Kind::Text),
    of("rsp_st", Kind::Status),
    of("ups_st", Kind::Statuses),
    of("ip", Kind::Address),
    backend("upip", Kind::Addresses),
    of("vip", Kind::Address),
    of("req_len", Kind::Bytes),
    of("rsp_len", Kind::Bytes),
    backend("ups_req_len", Kind::Bytes),
    backend("ups_rsp_len", Kind::Bytes),
    backend("ups_net", Kind::Word(Words::Net)),
    of("req_t", Kind::Seconds),
    backend("ups_rsp_t", Kind::MaybeSeconds),
    backend("ups_conn_t", Kind::MaybeSeconds),
    backend("ups_head_t", Kind::MaybeSeconds),
    of("tcp_rtt", Kind::MaybeMicros),
    of("err_msg", Kind::Text),
    of("fault", Kind::Word(Words::Fault)),
    backend("phase", Kind::Text),
    of("secret_id", Kind::Text),
    of("app_code", Kind::Text),
    of("plan_id", Kind::Text),
    of("order_id", Kind::Text),
    of("goods_id", Kind::Text),
    of("user_agent", Kind::Text),
    of("referer", Kind::Text),
    of("trace_id", Kind::Text),
    of("billable", Kind::Flag),
    of("reason", Kind::Word(Words::Reason)),
    of("rule", Kind::Count),
    of("hour", Kind::Time),
    of("stored_at", Kind::Time),
];

// === impl Field ===

impl Field {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }
}

// === impl Kind ===

impl Kind {
    pub(crate) fn takes(self, op: Op) -> bool {
        match op {
            Op::Equal | Op::Unequal | Op::In => true,
            Op::Holds => {
                matches!(self, Self::Text | Self::Id | Self::Address | Self::Addresses)
            }
            Op::AtLeast | Op::AtMost | Op::Greater | Op::Less => match self {
                Self::Text
                | Self::Id
                | Self::Address
                | Self::Addresses
                | Self::Flag
                | Self::Word(_) => false,
                Self::Status
                | Self::Statuses
                | Self::Count
                | Self::Bytes
                | Self::Seconds
                | Self::MaybeSeconds
                | Self::MaybeMicros
                | Self::Time => true,
            },
        }
    }

    /// Whether `-` is one of its values.
    pub(crate) fn may_be_empty(self) -> bool {
        match self {
            Self::Text
            | Self::Id
            | Self::Status
            | Self::Statuses
            | Self::Address
            | Self::Addresses
            | Self::MaybeSeconds
            | Self::MaybeMicros => true,
            Self::Count | Self::Bytes | Self::Seconds | Self::Time | Self::Flag | Self::Word(_) => {
                false
            }
        }
    }

    /// Its values in words, for `expected …`.
    pub(crate) fn values(self) -> String {
        let words = match self {
            Self::Text => "a text",
            Self::Id => "a request id of 1 to 64 bytes",
            Self::Status | Self::Statuses => "a status from 100 to 999",
            Self::Address => "an address or, with `in`, a range like 10.0.0.0/8",
            Self::Addresses => {
                "an address with or without port or, with `in`, a range like 10.0.0.0/8"
            }
            Self::Count => "a whole number",
            Self::Bytes => "a number of bytes, like 512, 10kB or 4MiB",
            Self::Seconds | Self::MaybeSeconds => {
                "seconds with up to 3 decimals, like 1.5, or 1500ms"
            }
            Self::MaybeMicros => "microseconds, like 1500 or 1500us, or 2ms",
            Self::Time => "a time like 2026-11-20T13:00:00Z",
            Self::Flag => "`true` or `false`",
            Self::Word(words) => return listed(&words.all()),
        };
        let or = if self.may_be_empty() { ", or `-` for empty" } else { "" };
        format!("{words}{or}")
    }

    /// Its operators in words.
    pub(crate) fn ops(self) -> String {
        let taken: Vec<_> =
            Op::ALL.iter().filter(|(_, op)| self.takes(*op)).map(|(text, _)| *text).collect();
        listed(&taken)
    }
}

// === impl Words ===

impl Words {
    pub(crate) fn all(self) -> Vec<&'static str> {
        match self {
            Self::Part => Part::ALL.iter().map(|word| word.as_str()).collect(),
            Self::InstanceType => InstanceType::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Net => Net::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Fault => Fault::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Reason => Reason::ALL.iter().map(|word| word.as_str()).collect(),
        }
    }
}

/// `` `a`, `b` or `c` ``
fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
