//! A record as one line.

use std::borrow::Cow;
use std::io::Write as _;

use chrono::FixedOffset;

use crate::{Millis, Record};

/// Offset of local time from UTC, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone(i16);

/// Minutes of a day: an offset is less than that.
const DAY_MINUTES: u16 = 1440;

// === impl Zone ===

impl Zone {
    /// `+0000`.
    pub const UTC: Self = Self(0);

    /// So many minutes east of UTC; `None` for a day or more.
    pub fn east(minutes: i16) -> Option<Self> {
        (minutes.unsigned_abs() < DAY_MINUTES).then_some(Self(minutes))
    }

    fn offset(self) -> FixedOffset {
        let seconds = i32::from(self.0).saturating_mul(60);
        FixedOffset::east_opt(seconds).expect("a zone is less than a day from UTC")
    }
}

/// Appends one line without its line end; `time_local` is written in `zone`.
pub fn write(record: &Record<'_>, zone: Zone, out: &mut Vec<u8>) {
    name(&record.account, out);
    name(&record.env, out);
    name(&record.service_id, out);
    free("", &record.host, record.host.contains("]["), out);
    name(&record.api_id, out);
    free("", &record.uri, !record.uri.starts_with('/') || forged(&record.uri), out);
    name(&record.scheme, out);
    number("rsp_st:", u64::from(record.rsp_st), out);
    tagged("ups_st:", &statuses(&record.ups_st), out);
    tagged("cip:", &record.ip, out);
    free("uip:", &record.upip, record.upip.contains("][vip:"), out);
    tagged("vip:", &record.vip, out);
    number("rsp_len:", record.rsp_len, out);
    number("req_len:", record.req_len, out);
    seconds("req_t:", Some(record.req_t), out);
    seconds("ups_rsp_t:", record.ups_rsp_t, out);
    seconds("ups_conn_t:", record.ups_conn_t, out);
    seconds("ups_head_t:", record.ups_head_t, out);
    free("err_msg:", &record.err_msg, forged(&record.err_msg), out);
    match record.tcp_rtt {
        Some(tcp_rtt) => number("tcp_rtt:", u64::from(tcp_rtt), out),
        None => group("tcp_rtt:", "-", out),
    }
    number("", u64::from(record.worker), out);
    let local = record.time.utc().with_timezone(&zone.offset());
    let local = local.format("[%d/%b/%Y:%H:%M:%S %z]");
    // Writing to a vector can not fail.
    write!(out, "{local}").expect("a vector takes all");
    tagged("req_id:", &record.req_id, out);
}

fn group(tag: &str, value: &str, out: &mut Vec<u8>) {
    out.push(b'[');
    out.extend_from_slice(tag.as_bytes());
    out.extend_from_slice(if value.is_empty() { b"-" } else { value.as_bytes() });
    out.push(b']');
}

fn number(tag: &str, value: u64, out: &mut Vec<u8>) {
    group(tag, itoa::Buffer::new().format(value), out);
}

fn seconds(tag: &str, span: Option<Millis>, out: &mut Vec<u8>) {
    match span {
        Some(span) => group(tag, &span.to_string(), out),
        None => group(tag, "-", out),
    }
}

/// A text in which nobody expects a bracket.
fn tagged(tag: &str, value: &str, out: &mut Vec<u8>) {
    group(tag, &encoded(value, |sign| matches!(sign, '[' | ']')), out);
}

fn name(value: &str, out: &mut Vec<u8>) {
    tagged("", value, out);
}

/// A text that may hold brackets, unless a reader would take them for its end.
fn free(tag: &str, value: &str, misleading: bool, out: &mut Vec<u8>) {
    group(tag, &encoded(value, |sign| misleading && matches!(sign, '[' | ']')), out);
}

/// Holds what looks like the first of the groups that no client writes.
fn forged(value: &str) -> bool {
    value.contains("[rsp_st:")
}

/// RULE-1 overlooks white space around a status; percent-encoded it would be read as a status.
fn statuses(value: &str) -> Cow<'_, str> {
    let picked = |sign: char| sign.is_control() && sign.is_whitespace();
    if value.contains(picked) { value.replace(picked, " ").into() } else { value.into() }
}

/// Percent-encodes control characters and what `also` picks.
fn encoded(value: &str, also: impl Fn(char) -> bool) -> Cow<'_, str> {
    let picked = |sign: char| sign.is_control() || also(sign);
    if !value.contains(picked) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    for sign in value.chars() {
        if picked(sign) {
            let mut bytes = [0; 4];
            for byte in sign.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        } else {
            out.push(sign);
        }
    }
    Cow::Owned(out)
}
