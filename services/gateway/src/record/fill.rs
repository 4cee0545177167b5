//! From what an exchange collected to its record.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::IpAddr;
use std::time::Instant;

use http::HeaderValue;
use record::{Fault, Life, Part, Record, mask_query};

use super::short::Short;
use crate::config::Config;
use crate::exchange::{Exchange, Facts, Phase, Target, Told, Trace, millis};
use crate::worker::Worker;

/// Limits of the columns that come from the client, bytes (the record's own limits).
const CLIENT_REQ_ID_MAX: usize = 64;
const AGENT_MAX: usize = 512;
/// Where the trace id stands in a `traceparent`: `00-<32 hex>-<16 hex>-<2 hex>`.
const TRACE_ID: std::ops::Range<usize> = 3..35;
const TRACEPARENT_MIN: usize = 55;

/// Makes the record of an exchange, but for its place in the stream, and gives it to `take`.
pub(super) fn exchange(
    worker: &Worker,
    exchange: &Exchange,
    part: Part,
    now: Instant,
    take: impl FnOnce(&mut Record<'_>),
) {
    let facts = exchange.facts.borrow();
    let told = exchange.told.get();
    let (ups_req, ups_rsp) = facts.tries.bytes();
    let (mut ip, mut vip) = (Short::new(), Short::new());
    let (mut ups_st, mut upip) = (Short::new(), Short::new());
    let mut record = Record {
        req_id: Cow::Borrowed(exchange.id.as_str()),
        part,
        req_len: exchange.req_len.get() - told.req,
        rsp_len: exchange.rsp_len.get() - told.rsp,
        ups_req_len: ups_req - told.ups_req,
        ups_rsp_len: ups_rsp - told.ups_rsp,
        req_t: millis(now.saturating_duration_since(exchange.arrived)),
        ip: ip.text(|out| address(out, facts.client)),
        vip: vip.text(|out| address(out, facts.local)),
        net: facts.net,
        ..identity(&worker.config)
    };
    request(&mut record, &facts);
    record.trace_id = match &facts.request.trace {
        Trace::None => Cow::Borrowed(""),
        Trace::Told(value) => trace_id(value).unwrap_or_default(),
        Trace::Ours => Cow::Borrowed(exchange.id.as_str()),
    };
    matched(&mut record, &facts, worker);
    if part == Part::Final {
        if !facts.tries.is_empty() {
            record.ups_st = ups_st.text(|out| facts.tries.statuses(out));
            record.upip = upip.text(|out| facts.tries.addresses(out));
        }
        outcome(&mut record, &facts, now);
    }
    take(&mut record);
}

/// An address as records have it; empty if it is not known.
fn address(out: &mut dyn Write, address: Option<IpAddr>) -> fmt::Result {
    address.map_or(Ok(()), |address| write!(out, "{}", address.to_canonical()))
}

/// The bytes so far have been told.
pub(super) fn told(exchange: &Exchange, now: Instant) {
    let (ups_req, ups_rsp) = exchange.facts.borrow().tries.bytes();
    exchange.told.set(Told {
        at: Some(now),
        req: exchange.req_len.get(),
        rsp: exchange.rsp_len.get(),
        ups_req,
        ups_rsp,
    });
}

/// The record of a part that is not about a request.
pub(super) fn life(config: &Config, part: Part, life: Life) -> Record<'_> {
    Record { part, life: Some(Box::new(life)), ..identity(config) }
}

fn identity(config: &Config) -> Record<'_> {
    Record {
        gateway: Cow::Borrowed(&config.name),
        region: Cow::Borrowed(&config.region),
        instance: Cow::Borrowed(&config.instance),
        instance_type: config.instance_type,
        ..Record::default()
    }
}

fn request<'a>(record: &mut Record<'a>, facts: &'a Facts) {
    let request = &facts.request;
    record.scheme = Cow::Borrowed(if facts.tls { "https" } else { "http" });
    record.proto = Cow::Borrowed(if request.http_10 { "HTTP/1.0" } else { "HTTP/1.1" });
    record.method = Cow::Borrowed(request.method.as_ref().map_or("", |method| method.as_str()));
    record.host = text(request.host.as_ref(), usize::MAX);
    let (path, query) = match &request.target {
        Target::Uri(uri) => (uri.path(), uri.query()),
        Target::Text(target) => parted(target),
    };
    record.uri = anonymous(path);
    record.query = query.map(mask_query).unwrap_or_default();
    record.client_req_id = text(request.client_req_id.as_ref(), CLIENT_REQ_ID_MAX);
    record.user_agent = text(request.user_agent.as_ref(), AGENT_MAX);
    record.referer = masked(text(request.referer.as_ref(), AGENT_MAX));
}

fn matched<'a>(record: &mut Record<'a>, facts: &'a Facts, worker: &'a Worker) {
    let unmatched = facts.account.is_empty();
    let account = if unmatched { &worker.config.operator_account } else { &facts.account };
    record.account = Cow::Borrowed(account);
    record.service_id = Cow::Borrowed(&facts.service_id);
    record.api_id = Cow::Borrowed(&facts.api_id);
    record.env = Cow::Borrowed(facts.env);
    record.caller = Cow::Borrowed(&facts.caller.account);
    record.secret_id = Cow::Borrowed(&facts.caller.secret_id);
    record.plan_id = Cow::Borrowed(&facts.caller.plan_id);
    record.order_id = Cow::Borrowed(&facts.caller.order_id);
    record.goods_id = Cow::Borrowed(&facts.caller.goods_id);
}

fn outcome<'a>(record: &mut Record<'a>, facts: &'a Facts, now: Instant) {
    record.rsp_st = facts.status;
    if !facts.tries.is_empty() {
        record.ups_net = facts.tries.net();
        record.ups_rsp_t = facts.tries.total(now);
        record.ups_conn_t = facts.tries.connect();
        record.ups_head_t = facts.tries.until_head();
    }
    let Some(failure) = &facts.failure else { return };
    record.err_msg = Cow::Borrowed(&failure.text);
    record.fault = failure.fault;
    if failure.fault != Fault::None && failure.phase != Phase::None {
        record.phase = Cow::Borrowed(failure.phase.as_str());
    }
}

/// An address without the secrets that may stand in it.
fn masked(address: Cow<'_, str>) -> Cow<'_, str> {
    let (path, query) = parted(&address);
    let (path, query) = (anonymous(path), query.map(mask_query));
    let clean = matches!((&path, &query), (Cow::Borrowed(_), None | Some(Cow::Borrowed(_))));
    if clean && !address.contains('#') {
        return address;
    }
    Cow::Owned(match query {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    })
}

/// An address up to its query, and its query. A fragment belongs to neither: it is for the client
/// alone, and may hold a token.
fn parted(address: &str) -> (&str, Option<&str>) {
    let address = address.split_once('#').map_or(address, |(address, _)| address);
    address.split_once('?').map_or((address, None), |(path, query)| (path, Some(query)))
}

/// An address without user and password.
fn anonymous(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else { return Cow::Borrowed(address) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => Cow::Owned(format!("{scheme}://{host}{path}")),
        None => Cow::Borrowed(address),
    }
}

/// A header's value as text, at most so many bytes of it.
fn text(value: Option<&HeaderValue>, max: usize) -> Cow<'_, str> {
    let Some(value) = value else { return Cow::Borrowed("") };
    let bytes = &value.as_bytes()[..value.len().min(max)];
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Cut within a character, or no UTF-8 at all.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()])
        }
        Err(_) => cut(String::from_utf8_lossy(bytes).into_owned(), max).into(),
    }
}

/// At most `max` bytes of a text, whole characters only: replacement characters take more room
/// than what they replace.
fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

/// The trace id of a W3C `traceparent`.
fn trace_id(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = value.to_str().ok().filter(|text| text.len() >= TRACEPARENT_MIN)?;
    let id = text.get(TRACE_ID)?;
    let hex = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (hex && id.bytes().any(|byte| byte != b'0')).then_some(Cow::Borrowed(id))
}
