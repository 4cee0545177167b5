//! One member of the object into its field.

use std::borrow::Cow;

use super::DecodeError;
use super::value::{self, Maybe};
use crate::ids::normalize_id;
use crate::key::Key;
use crate::{EPOCH_END, Fault, InstanceType, Millis, Net, Part, Record};

/// Statuses have at most three digits.
const STATUS_MAX: u16 = 999;

/// W3C trace ids have 32 hex digits.
const TRACE_ID_LEN: usize = 32;

const LIFE: &str = "an object with `workers`, and in `previous` an epoch below 2^53 and `last`";
const PARTS: &str = "one of final, start, interim, heartbeat, end";
const FAULTS: &str = "one of none, client, gateway, backend";
const KINDS: &str = "shared or dedicated";
const NETS: &str = "public or private";
const SPAN: &str = "a number of seconds without exponent";

type Outcome<T> = Result<T, DecodeError>;

/// Sets the field of `key` from the text of its value.
pub(super) fn set<'a>(record: &mut Record<'a>, key: Key, raw: &'a str) -> Outcome<()> {
    match key {
        Key::ReqId => record.req_id = id(key, raw)?,
        Key::ClientReqId => record.client_req_id = id(key, raw)?,
        Key::Time => record.time = time(key, raw)?,
        Key::Gateway => record.gateway = gateway(key, raw)?,
        Key::Epoch => record.epoch = epoch(key, raw)?,
        Key::Worker => record.worker = needed(key, whole(key, raw, "a whole number below 2^16")?)?,
        Key::Seq => record.seq = needed(key, count(key, raw)?)?,
        Key::Part => record.part = word(key, raw, Part::parse, PARTS)?,
        Key::Life => record.life = value::life(raw).ok_or_else(|| unexpected(key, LIFE))?,
        Key::Account => record.account = text(key, raw)?,
        Key::Caller => record.caller = text(key, raw)?,
        Key::ServiceId => record.service_id = text(key, raw)?,
        Key::ApiId => record.api_id = text(key, raw)?,
        Key::Env => record.env = text(key, raw)?,
        Key::Region => record.region = text(key, raw)?,
        Key::Instance => record.instance = text(key, raw)?,
        Key::InstanceType => record.instance_type = word(key, raw, InstanceType::parse, KINDS)?,
        Key::Net => record.net = word(key, raw, Net::parse, NETS)?,
        Key::Scheme => record.scheme = text(key, raw)?,
        Key::Method => record.method = text(key, raw)?,
        Key::Host => record.host = text(key, raw)?,
        Key::Uri => record.uri = text(key, raw)?,
        Key::Query => record.query = text(key, raw)?,
        Key::Proto => record.proto = text(key, raw)?,
        Key::RspSt => record.rsp_st = status(key, raw)?,
        Key::UpsSt => record.ups_st = statuses(key, raw)?,
        Key::Ip => record.ip = text(key, raw)?,
        Key::Upip => record.upip = text(key, raw)?,
        Key::Vip => record.vip = text(key, raw)?,
        Key::ReqLen => record.req_len = count(key, raw)?.unwrap_or_default(),
        Key::RspLen => record.rsp_len = count(key, raw)?.unwrap_or_default(),
        Key::UpsReqLen => record.ups_req_len = count(key, raw)?.unwrap_or_default(),
        Key::UpsRspLen => record.ups_rsp_len = count(key, raw)?.unwrap_or_default(),
        Key::UpsNet => record.ups_net = word(key, raw, Net::parse, NETS)?,
        Key::ReqT => record.req_t = seconds(key, raw)?.unwrap_or_default(),
        Key::UpsRspT => record.ups_rsp_t = seconds(key, raw)?,
        Key::UpsConnT => record.ups_conn_t = seconds(key, raw)?,
        Key::UpsHeadT => record.ups_head_t = seconds(key, raw)?,
        Key::TcpRtt => record.tcp_rtt = whole(key, raw, "a whole number below 2^32")?,
        Key::ErrMsg => record.err_msg = text(key, raw)?,
        Key::Fault => record.fault = word(key, raw, Fault::parse, FAULTS)?,
        Key::Phase => record.phase = text(key, raw)?,
        Key::SecretId => record.secret_id = text(key, raw)?,
        Key::AppCode => record.app_code = text(key, raw)?,
        Key::PlanId => record.plan_id = text(key, raw)?,
        Key::OrderId => record.order_id = text(key, raw)?,
        Key::GoodsId => record.goods_id = text(key, raw)?,
        Key::UserAgent => record.user_agent = text(key, raw)?,
        Key::Referer => record.referer = text(key, raw)?,
        Key::TraceId => record.trace_id = trace_id(key, raw)?,
    }
    Ok(())
}

fn unexpected(key: Key, expected: &'static str) -> DecodeError {
    DecodeError::Unexpected { key: key.as_str(), expected }
}

/// The value of a key that must not be empty.
fn needed<T>(key: Key, value: Maybe<T>) -> Outcome<T> {
    value.ok_or(DecodeError::Missing { key: key.as_str() })
}

fn within_limit(key: Key, text: Cow<'_, str>) -> Outcome<Cow<'_, str>> {
    let max = key.text_max();
    let fits = text.len() <= max;
    fits.then_some(text).ok_or(DecodeError::LongText { key: key.as_str(), max })
}

fn text(key: Key, raw: &str) -> Outcome<Cow<'_, str>> {
    within_limit(key, value::text(raw).ok_or_else(|| unexpected(key, "a text"))?)
}

fn statuses(key: Key, raw: &str) -> Outcome<Cow<'_, str>> {
    let statuses = value::statuses(raw);
    within_limit(key, statuses.ok_or_else(|| unexpected(key, "a status or a text of them"))?)
}

fn id(key: Key, raw: &str) -> Outcome<Cow<'_, str>> {
    let id = match text(key, raw)? {
        Cow::Borrowed("") => Some(Cow::Borrowed("")),
        Cow::Borrowed(id) => normalize_id(id),
        Cow::Owned(id) => normalize_id(&id).map(|id| Cow::Owned(id.into_owned())),
    };
    id.ok_or_else(|| unexpected(key, "an id without control characters"))
}

fn trace_id(key: Key, raw: &str) -> Outcome<Cow<'_, str>> {
    let id = text(key, raw)?;
    let hex = id.len() == TRACE_ID_LEN && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.is_empty() || hex).then_some(id).ok_or_else(|| unexpected(key, "32 hex digits"))
}

fn gateway(key: Key, raw: &str) -> Outcome<Cow<'_, str>> {
    let name = text(key, raw)?;
    needed(key, (!name.is_empty()).then_some(name))
}

fn time(key: Key, raw: &str) -> Outcome<crate::Time> {
    let expected = "an RFC 3339 time of the years 1970 to 2105";
    value::time(raw).ok_or_else(|| unexpected(key, expected))
}

fn epoch(key: Key, raw: &str) -> Outcome<u64> {
    let expected = "a whole number below 2^53";
    let epoch = needed(key, whole(key, raw, expected)?)?;
    (epoch < EPOCH_END).then_some(epoch).ok_or_else(|| unexpected(key, expected))
}

fn status(key: Key, raw: &str) -> Outcome<u16> {
    let expected = "a status of at most three digits";
    let status = whole(key, raw, expected)?.unwrap_or_default();
    (status <= STATUS_MAX).then_some(status).ok_or_else(|| unexpected(key, expected))
}

fn count(key: Key, raw: &str) -> Outcome<Maybe<u64>> {
    whole(key, raw, "a whole number below 2^64")
}

fn whole<N: std::str::FromStr>(key: Key, raw: &str, expected: &'static str) -> Outcome<Maybe<N>> {
    value::whole(raw).ok_or_else(|| unexpected(key, expected))
}

fn seconds(key: Key, raw: &str) -> Outcome<Maybe<Millis>> {
    value::seconds(raw).ok_or_else(|| unexpected(key, SPAN))
}

/// One word of a closed list; an empty value is the default one.
fn word<W: Default>(
    key: Key,
    raw: &str,
    parse: fn(&str) -> Option<W>,
    expected: &'static str,
) -> Outcome<W> {
    let word = value::text(raw).ok_or_else(|| unexpected(key, expected))?;
    match &*word {
        "" => Ok(W::default()),
        word => parse(word).ok_or_else(|| unexpected(key, expected)),
    }
}
