//! The columns of `records`: name, type, and how each is taken from a record.
//!
//! The order is that of `schemas/clickhouse/0001_records.sql`. `stored_at` is not here: the server
//! sets it.

use record::{RULE_VERSION, Record, Verdict};

use super::life;
use super::native::Row;

/// How many there are.
const COUNT: usize = 54;

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Its type in the table.
    pub(crate) stored: &'static str,
    /// The form of its values on the way.
    pub(crate) wire: Wire,
    /// Writes the value of one row, in the form of `wire`.
    pub(crate) put: fn(&mut Row<'_>, &Record<'_>, Verdict),
}

/// The form of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Length, then bytes.
    Text,
    /// That many bytes, little endian.
    Fixed(usize),
    /// `Nullable(UInt32)`: 1 for null or 0, then four bytes.
    Nullable32,
}

type Put = fn(&mut Row<'_>, &Record<'_>, Verdict);

/// Texts that repeat: a dictionary per part.
const WORD: &str = "LowCardinality(String)";

const fn word(name: &'static str, put: Put) -> Column {
    Column { name, stored: WORD, wire: Wire::Text, put }
}

const fn text(name: &'static str, put: Put) -> Column {
    Column { name, stored: "String", wire: Wire::Text, put }
}

const fn number(name: &'static str, stored: &'static str, bytes: usize, put: Put) -> Column {
    Column { name, stored, wire: Wire::Fixed(bytes), put }
}

const fn bytes(name: &'static str, put: Put) -> Column {
    number(name, "UInt64", 8, put)
}

const fn maybe(name: &'static str, put: Put) -> Column {
    Column { name, stored: "Nullable(UInt32)", wire: Wire::Nullable32, put }
}

pub(crate) const COLUMNS: [Column; COUNT] = [
    text("req_id", |row, record, _| row.text(&record.req_id)),
    text("client_req_id", |row, record, _| row.text(&record.client_req_id)),
    number("time", "DateTime64(3, 'UTC')", 8, |row, record, _| row.i64(record.time.0)),
    number("hour", "DateTime('UTC')", 4, |row, record, _| row.hour(record.time.hour())),
    word("gateway", |row, record, _| row.text(&record.gateway)),
    number("epoch", "UInt64", 8, |row, record, _| row.u64(record.epoch)),
    number("worker", "UInt16", 2, |row, record, _| row.u16(record.worker)),
    number("seq", "UInt64", 8, |row, record, _| row.u64(record.seq)),
    word("part", |row, record, _| row.text(record.part.as_str())),
    text("life", |row, record, _| row.text(&life::to_json(record.life.as_deref()))),
    word("account", |row, record, _| row.text(&record.account)),
    word("caller", |row, record, _| row.text(&record.caller)),
    word("service_id", |row, record, _| row.text(&record.service_id)),
    word("api_id", |row, record, _| row.text(&record.api_id)),
    word("env", |row, record, _| row.text(&record.env)),
    word("region", |row, record, _| row.text(&record.region)),
    word("instance", |row, record, _| row.text(&record.instance)),
    word("instance_type", |row, record, _| row.text(record.instance_type.as_str())),
    word("net", |row, record, _| row.text(record.net.as_str())),
    word("scheme", |row, record, _| row.text(&record.scheme)),
    word("method", |row, record, _| row.text(&record.method)),
    word("host", |row, record, _| row.text(&record.host)),
    text("uri", |row, record, _| row.text(&record.uri)),
    text("query", |row, record, _| row.text(&record.query)),
    word("proto", |row, record, _| row.text(&record.proto)),
    number("rsp_st", "UInt16", 2, |row, record, _| row.u16(record.rsp_st)),
    word("ups_st", |row, record, _| row.text(&record.ups_st)),
    text("ip", |row, record, _| row.text(&record.ip)),
    word("upip", |row, record, _| row.text(&record.upip)),
    word("vip", |row, record, _| row.text(&record.vip)),
    bytes("req_len", |row, record, _| row.u64(record.req_len)),
    bytes("rsp_len", |row, record, _| row.u64(record.rsp_len)),
    bytes("ups_req_len", |row, record, _| row.u64(record.ups_req_len)),
    bytes("ups_rsp_len", |row, record, _| row.u64(record.ups_rsp_len)),
    word("ups_net", |row, record, _| row.text(record.ups_net.as_str())),
    number("req_t", "UInt32", 4, |row, record, _| row.millis(record.req_t)),
    maybe("ups_rsp_t", |row, record, _| row.maybe_millis(record.ups_rsp_t)),
    maybe("ups_conn_t", |row, record, _| row.maybe_millis(record.ups_conn_t)),
    maybe("ups_head_t", |row, record, _| row.maybe_millis(record.ups_head_t)),
    maybe("tcp_rtt", |row, record, _| row.maybe32(record.tcp_rtt)),
    word("err_msg", |row, record, _| row.text(&record.err_msg)),
    word("fault", |row, record, _| row.text(record.fault.as_str())),
    word("phase", |row, record, _| row.text(&record.phase)),
    word("secret_id", |row, record, _| row.text(&record.secret_id)),
    word("app_code", |row, record, _| row.text(&record.app_code)),
    word("plan_id", |row, record, _| row.text(&record.plan_id)),
    word("order_id", |row, record, _| row.text(&record.order_id)),
    word("goods_id", |row, record, _| row.text(&record.goods_id)),
    word("user_agent", |row, record, _| row.text(&record.user_agent)),
    text("referer", |row, record, _| row.text(&record.referer)),
    text("trace_id", |row, record, _| row.text(&record.trace_id)),
    number("billable", "Bool", 1, |row, _, verdict| row.bool(verdict.billable)),
    word("reason", |row, _, verdict| row.text(verdict.reason.as_str())),
    number("rule", "UInt16", 2, |row, _, _| row.u16(RULE_VERSION)),
];

/// Names and types as they travel.
pub(crate) static TRAVELLING: [(&str, &str); COUNT] = {
    let mut travelling = [("", ""); COUNT];
    let mut i = 0;
    while i < COUNT {
        let Column { name, stored, wire, .. } = &COLUMNS[i];
        travelling[i] = (*name, if matches!(wire, Wire::Text) { "String" } else { *stored });
        i += 1;
    }
    travelling
};
