//! The keys of the JSON form, in the order in which they are written, and their limits.
//!
//! This list, [`Record`] and `schemas/record.schema.json` say the same; tests compare them.

use crate::names::words;
use crate::{GATEWAY_MAX, ID_MAX, Record};

/// Longest name that a configuration or an order gives (accounts, services, regions …), bytes.
/// Such names are parts of keys in the store, and are refused when longer, never cut.
const NAME_MAX: usize = 128;

/// Longest host: 253 bytes of name, a port, and room for what clients make of it.
const HOST_MAX: usize = 512;

/// Longest text that a client sends about itself: beyond this nobody reads it.
const AGENT_MAX: usize = 512;

/// Longest error text: our longest, with a path in it.
const ERR_MSG_MAX: usize = 1024;

words! {
    /// One key of the JSON form.
    pub(crate) enum Key {
        ReqId = "req_id",
        ClientReqId = "client_req_id",
        Time = "time",
        Gateway = "gateway",
        Epoch = "epoch",
        Worker = "worker",
        Seq = "seq",
        Part = "part",
        Life = "life",
        Account = "account",
        Caller = "caller",
        ServiceId = "service_id",
        ApiId = "api_id",
        Env = "env",
        Region = "region",
        Instance = "instance",
        InstanceType = "instance_type",
        Net = "net",
        Scheme = "scheme",
        Method = "method",
        Host = "host",
        Uri = "uri",
        Query = "query",
        Proto = "proto",
        RspSt = "rsp_st",
        UpsSt = "ups_st",
        Ip = "ip",
        Upip = "upip",
        Vip = "vip",
        ReqLen = "req_len",
        RspLen = "rsp_len",
        UpsReqLen = "ups_req_len",
        UpsRspLen = "ups_rsp_len",
        UpsNet = "ups_net",
        ReqT = "req_t",
        UpsRspT = "ups_rsp_t",
        UpsConnT = "ups_conn_t",
        UpsHeadT = "ups_head_t",
        TcpRtt = "tcp_rtt",
        ErrMsg = "err_msg",
        Fault = "fault",
        Phase = "phase",
        SecretId = "secret_id",
        AppCode = "app_code",
        PlanId = "plan_id",
        OrderId = "order_id",
        GoodsId = "goods_id",
        UserAgent = "user_agent",
        Referer = "referer",
        TraceId = "trace_id",
    }
}

/// Names of the keys of the JSON form, in order: the columns of a table of records.
pub fn keys() -> impl Iterator<Item = &'static str> {
    Key::ALL.iter().map(|key| key.as_str())
}

impl Key {
    /// The key of a name, or of its other name in the provider's export.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "cip" => Some(Self::Ip),
            "uip" => Some(Self::Upip),
            _ => Self::parse(name),
        }
    }

    /// The key's bit in a set of keys; there are fewer than 64.
    pub(crate) const fn bit(self) -> u64 {
        1_u64.wrapping_shl(self as u32)
    }

    /// Longest text of the key, in bytes. `uri` and `query` are bounded by the record only.
    pub(crate) const fn text_max(self) -> usize {
        match self {
            Self::ReqId | Self::ClientReqId | Self::Ip | Self::Vip | Self::Method => ID_MAX,
            Self::Gateway => GATEWAY_MAX,
            Self::TraceId | Self::Phase => 32,
            Self::Scheme | Self::Proto => 16,
            // A list of tries, 5 bytes each: more tries than anybody makes.
            Self::UpsSt => 256,
            // The same tries, up to 48 bytes each.
            Self::Upip | Self::ErrMsg => ERR_MSG_MAX,
            Self::Host => HOST_MAX,
            Self::UserAgent | Self::Referer => AGENT_MAX,
            Self::Uri | Self::Query => usize::MAX,
            Self::Account
            | Self::Caller
            | Self::ServiceId
            | Self::ApiId
            | Self::Env
            | Self::Region
            | Self::Instance
            | Self::SecretId
            | Self::AppCode
            | Self::PlanId
            | Self::OrderId
            | Self::GoodsId => NAME_MAX,
            // No texts.
            Self::Time
            | Self::Epoch
            | Self::Worker
            | Self::Seq
            | Self::Part
            | Self::Life
            | Self::InstanceType
            | Self::Net
            | Self::RspSt
            | Self::ReqLen
            | Self::RspLen
            | Self::UpsReqLen
            | Self::UpsRspLen
            | Self::UpsNet
            | Self::ReqT
            | Self::UpsRspT
            | Self::UpsConnT
            | Self::UpsHeadT
            | Self::TcpRtt
            | Self::Fault => 0,
        }
    }
}

impl Record<'_> {
    /// Every text with its key, in the order of the keys.
    pub(crate) fn texts(&self) -> [(Key, &str); 30] {
        [
            (Key::ReqId, &self.req_id),
            (Key::ClientReqId, &self.client_req_id),
            (Key::Gateway, &self.gateway),
            (Key::Account, &self.account),
            (Key::Caller, &self.caller),
            (Key::ServiceId, &self.service_id),
            (Key::ApiId, &self.api_id),
            (Key::Env, &self.env),
            (Key::Region, &self.region),
            (Key::Instance, &self.instance),
            (Key::Scheme, &self.scheme),
            (Key::Method, &self.method),
            (Key::Host, &self.host),
            (Key::Uri, &self.uri),
            (Key::Query, &self.query),
            (Key::Proto, &self.proto),
            (Key::UpsSt, &self.ups_st),
            (Key::Ip, &self.ip),
            (Key::Upip, &self.upip),
            (Key::Vip, &self.vip),
            (Key::ErrMsg, &self.err_msg),
            (Key::Phase, &self.phase),
            (Key::SecretId, &self.secret_id),
            (Key::AppCode, &self.app_code),
            (Key::PlanId, &self.plan_id),
            (Key::OrderId, &self.order_id),
            (Key::GoodsId, &self.goods_id),
            (Key::UserAgent, &self.user_agent),
            (Key::Referer, &self.referer),
            (Key::TraceId, &self.trace_id),
        ]
    }
}
