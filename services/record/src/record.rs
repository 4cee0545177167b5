//! The record itself, key by key.

use std::borrow::Cow;

use crate::{Fault, InstanceType, Life, Millis, Net, Part, Stream, Time};

/// One log record. Empty texts are the absent value.
///
/// Fields stand in the order of their keys in the JSON form, and are named as their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record<'a> {
    /// Ours: UUIDv7 as 32 hex digits. A foreign one is kept as text, at most 64 bytes.
    pub req_id: Cow<'a, str>,
    /// The request id that the client brought, at most 64 bytes.
    pub client_req_id: Cow<'a, str>,
    /// When the record was written; decides the hour of billing.
    pub time: Time,
    /// With `epoch` and `worker`: the stream.
    pub gateway: Cow<'a, str>,
    /// Life of the gateway's process, milliseconds; below 2^53.
    pub epoch: u64,
    /// Number of the worker in its life.
    pub worker: u16,
    /// Position in the stream, from 0, without gaps.
    pub seq: u64,
    /// Only `Final` is a call.
    pub part: Part,
    /// In `start`, `heartbeat` and `end` only.
    pub life: Option<Box<Life>>,
    /// Who is billed: the owner of the service.
    pub account: Cow<'a, str>,
    /// The account that owns the credential used.
    pub caller: Cow<'a, str>,
    /// Matched service.
    pub service_id: Cow<'a, str>,
    /// Matched API.
    pub api_id: Cow<'a, str>,
    /// `release`, `test` or `prepub`.
    pub env: Cow<'a, str>,
    /// Region of the gateway.
    pub region: Cow<'a, str>,
    /// Name of the gateway's instance.
    pub instance: Cow<'a, str>,
    /// Kind of instance.
    pub instance_type: InstanceType,
    /// Where the client came from.
    pub net: Net,
    /// `http` or `https`, as received.
    pub scheme: Cow<'a, str>,
    /// As received.
    pub method: Cow<'a, str>,
    /// As received.
    pub host: Cow<'a, str>,
    /// The path, as received.
    pub uri: Cow<'a, str>,
    /// The query without `?`, secrets masked ([`crate::mask_query`]).
    pub query: Cow<'a, str>,
    /// `HTTP/1.1`, `HTTP/2`, `websocket`.
    pub proto: Cow<'a, str>,
    /// Status sent to the client; 499 when it left before; 0 where there is none.
    pub rsp_st: u16,
    /// One item per try, joined with `, `; empty when nothing was tried.
    pub ups_st: Cow<'a, str>,
    /// The client.
    pub ip: Cow<'a, str>,
    /// The backend, `ip:port`; one item per try.
    pub upip: Cow<'a, str>,
    /// The address that was called.
    pub vip: Cow<'a, str>,
    /// Bytes from the client on the wire.
    pub req_len: u64,
    /// Bytes to the client on the wire.
    pub rsp_len: u64,
    /// Bytes to the backend on the wire.
    pub ups_req_len: u64,
    /// Bytes from the backend on the wire.
    pub ups_rsp_len: u64,
    /// How the backend is reached.
    pub ups_net: Net,
    /// From the first byte of the request to the record.
    pub req_t: Millis,
    /// Backend, in total; none when not reached.
    pub ups_rsp_t: Option<Millis>,
    /// Until the backend was connected.
    pub ups_conn_t: Option<Millis>,
    /// Until the backend's head was in.
    pub ups_head_t: Option<Millis>,
    /// Round trip of the client's connection, microseconds.
    pub tcp_rtt: Option<u32>,
    /// The gateway's own error text.
    pub err_msg: Cow<'a, str>,
    /// Whose failure it was.
    pub fault: Fault,
    /// For failures towards the backend: resolving, connecting, sending, waiting, receiving.
    pub phase: Cow<'a, str>,
    /// The caller's credential, its public half.
    pub secret_id: Cow<'a, str>,
    /// The caller's application, its public half.
    pub app_code: Cow<'a, str>,
    /// Usage plan.
    pub plan_id: Cow<'a, str>,
    /// Marketplace order.
    pub order_id: Cow<'a, str>,
    /// Marketplace product.
    pub goods_id: Cow<'a, str>,
    /// At most 512 bytes.
    pub user_agent: Cow<'a, str>,
    /// At most 512 bytes.
    pub referer: Cow<'a, str>,
    /// 32 lower-case hex digits; empty when the request brought none.
    pub trace_id: Cow<'a, str>,
}

impl Record<'_> {
    /// The stream that the record belongs to.
    pub fn stream(&self) -> Stream {
        Stream {
            gateway: self.gateway.clone().into_owned(),
            epoch: self.epoch,
            worker: self.worker,
        }
    }
}
