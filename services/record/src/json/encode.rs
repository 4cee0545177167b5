//! Writes a record: own code, since it runs once per request on the gateway's way.
//!
//! Nothing is allocated but the room in `out`. The record is written as it is:
//! [`Record::cap`](crate::Record::cap) is what keeps it within its limits.

use super::escape::escape;
use crate::key::Key;
use crate::{Fault, InstanceType, Life, Millis, Net, Part, PreviousLife, Record};

/// Room taken in advance: more than an ordinary record needs.
const USUAL_BYTES: usize = 1024;

/// Appends the record's JSON form to `out`.
pub fn encode(record: &Record<'_>, out: &mut Vec<u8>) {
    out.reserve(USUAL_BYTES);
    let start = out.len();
    let mut object = Object { out };
    place(record, &mut object);
    request(record, &mut object);
    exchange(record, &mut object);
    caller(record, &mut object);
    object.end(start);
}

/// Who wrote it, where it stands, whose it is.
fn place(record: &Record<'_>, object: &mut Object<'_>) {
    object.text(Key::ReqId, &record.req_id);
    object.text(Key::ClientReqId, &record.client_req_id);
    object.word(Key::Time, &record.time.rfc3339_bytes());
    object.text(Key::Gateway, &record.gateway);
    object.number(Key::Epoch, record.epoch);
    object.number(Key::Worker, u64::from(record.worker));
    object.number(Key::Seq, record.seq);
    object.word(Key::Part, record.part.as_str().as_bytes());
    if let Some(life) = &record.life {
        object.life(life);
    }
    object.text(Key::Account, &record.account);
    object.text(Key::Caller, &record.caller);
    object.text(Key::ServiceId, &record.service_id);
    object.text(Key::ApiId, &record.api_id);
    object.text(Key::Env, &record.env);
    object.text(Key::Region, &record.region);
    object.text(Key::Instance, &record.instance);
}

/// What was asked.
fn request(record: &Record<'_>, object: &mut Object<'_>) {
    if carries_traffic(record) || record.instance_type != InstanceType::Shared {
        object.word(Key::InstanceType, record.instance_type.as_str().as_bytes());
    }
    if carries_traffic(record) || record.net != Net::Public {
        object.word(Key::Net, record.net.as_str().as_bytes());
    }
    object.text(Key::Scheme, &record.scheme);
    object.text(Key::Method, &record.method);
    object.text(Key::Host, &record.host);
    object.text(Key::Uri, &record.uri);
    object.text(Key::Query, &record.query);
    object.text(Key::Proto, &record.proto);
}

/// What came of it.
fn exchange(record: &Record<'_>, object: &mut Object<'_>) {
    object.nonzero(Key::RspSt, u64::from(record.rsp_st));
    object.text(Key::UpsSt, &record.ups_st);
    object.text(Key::Ip, &record.ip);
    object.text(Key::Upip, &record.upip);
    object.text(Key::Vip, &record.vip);
    object.nonzero(Key::ReqLen, record.req_len);
    object.nonzero(Key::RspLen, record.rsp_len);
    object.nonzero(Key::UpsReqLen, record.ups_req_len);
    object.nonzero(Key::UpsRspLen, record.ups_rsp_len);
    if record.ups_net != Net::Public || !absent(&record.upip) {
        object.word(Key::UpsNet, record.ups_net.as_str().as_bytes());
    }
    if carries_traffic(record) || record.req_t != Millis(0) {
        object.seconds(Key::ReqT, Some(record.req_t));
    }
    object.seconds(Key::UpsRspT, record.ups_rsp_t);
    object.seconds(Key::UpsConnT, record.ups_conn_t);
    object.seconds(Key::UpsHeadT, record.ups_head_t);
    if let Some(tcp_rtt) = record.tcp_rtt {
        object.number(Key::TcpRtt, u64::from(tcp_rtt));
    }
    object.text(Key::ErrMsg, &record.err_msg);
    if record.fault != Fault::None {
        object.word(Key::Fault, record.fault.as_str().as_bytes());
    }
    object.text(Key::Phase, &record.phase);
}

/// Who asked, by which right.
fn caller(record: &Record<'_>, object: &mut Object<'_>) {
    object.text(Key::SecretId, &record.secret_id);
    object.text(Key::AppCode, &record.app_code);
    object.text(Key::PlanId, &record.plan_id);
    object.text(Key::OrderId, &record.order_id);
    object.text(Key::GoodsId, &record.goods_id);
    object.text(Key::UserAgent, &record.user_agent);
    object.text(Key::Referer, &record.referer);
    object.text(Key::TraceId, &record.trace_id);
}

/// Such a record says of what kind instance and client are even when it is the usual one,
/// since its price depends on them.
fn carries_traffic(record: &Record<'_>) -> bool {
    matches!(record.part, Part::Final | Part::Interim)
}

/// `-` is how forms for people write the empty value.
fn absent(text: &str) -> bool {
    matches!(text, "" | "-")
}

/// An object being written: each member begins with `,`; that of the first becomes `{`.
struct Object<'o> {
    out: &'o mut Vec<u8>,
}

// === impl Object ===

impl Object<'_> {
    /// A text from outside; nothing when it is empty.
    fn text(&mut self, key: Key, text: &str) {
        if !absent(text) {
            self.key(key.as_str());
            self.out.push(b'"');
            escape(text.as_bytes(), self.out);
            self.out.push(b'"');
        }
    }

    /// A text of our own, which needs no escapes.
    fn word(&mut self, key: Key, word: &[u8]) {
        self.key(key.as_str());
        self.out.push(b'"');
        self.out.extend_from_slice(word);
        self.out.push(b'"');
    }

    fn number(&mut self, key: Key, number: u64) {
        self.member(key.as_str(), itoa::Buffer::new().format(number));
    }

    fn nonzero(&mut self, key: Key, number: u64) {
        if number != 0 {
            self.number(key, number);
        }
    }

    fn seconds(&mut self, key: Key, span: Option<Millis>) {
        if let Some(span) = span {
            self.key(key.as_str());
            span.write(self.out);
        }
    }

    fn life(&mut self, life: &Life) {
        self.key(Key::Life.as_str());
        let start = self.out.len();
        let mut number = itoa::Buffer::new();
        self.member("workers", number.format(life.workers));
        if let Some(previous) = &life.previous {
            self.previous(previous);
        }
        self.member("refused", number.format(life.refused));
        self.member("unrecorded", number.format(life.unrecorded));
        self.member("retires", if life.retires { "true" } else { "false" });
        self.end(start);
    }

    fn previous(&mut self, previous: &PreviousLife) {
        self.key("previous");
        let start = self.out.len();
        let mut number = itoa::Buffer::new();
        self.member("epoch", number.format(previous.epoch));
        self.key("last");
        let mut mark = b'[';
        for last in &previous.last {
            let last = last.map_or("null", |seq| number.format(seq));
            self.out.push(mark);
            self.out.extend_from_slice(last.as_bytes());
            mark = b',';
        }
        self.out.extend_from_slice(if previous.last.is_empty() { b"[]" } else { b"]" });
        self.end(start);
    }

    fn member(&mut self, name: &str, value: &str) {
        self.key(name);
        self.out.extend_from_slice(value.as_bytes());
    }

    fn key(&mut self, name: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// Closes the object whose first member was written at `start`; every one has a member.
    fn end(&mut self, start: usize) {
        self.out[start] = b'{';
        self.out.push(b'}');
    }
}
