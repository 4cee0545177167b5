//! Failures on the way to the backend and back, and those of the gateway itself.

use record::Fault;

use super::{Entry, PLAIN, RaisedBy, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry {
    status: 500,
    fault: Fault::Gateway,
    raised_by: RaisedBy::Gateway,
    blueking: blueking::INTERNAL,
    ..PLAIN
};

/// Seconds after which a client may come again when the spool was full. One is enough to ship a
/// segment; more would keep clients away from a gateway that has recovered.
const SPOOL_FULL_RETRY_S: u32 = 1;

/// Seconds after which a client may come again when there were too many. Enough for others to
/// leave, too few to be noticed by a person.
const CONNECTIONS_FULL_RETRY_S: u32 = 2;

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &CLIENT_CLOSED,
    &ENDPOINT_REFUSED,
    &QUERY_UNBUILDABLE,
    &INTERNAL,
    &BAD_GATEWAY,
    &BALANCER,
    &SPOOL_FULL,
    &CONNECTIONS_FULL,
    &STOPPING,
    &GATEWAY_TIMEOUT,
];

/// The client left before its answer was complete.
pub static CLIENT_CLOSED: Entry = Entry {
    id: "client-closed",
    status: 499,
    text: "Client closed connection.",
    fault: Fault::Client,
    cause: Words {
        en: "The client closed its connection before the answer was complete.",
        zh: "客户端在响应完成之前关闭了连接。",
    },
    remedy: Words {
        en: "Compare the client's own timeout with the time that the backend took.",
        zh: "请对比客户端自身的超时时间与后端的耗时。",
    },
    blueking: blueking::CLIENT_CLOSED,
    ..BASE
};

/// The name of the backend leads to an address that none may have.
pub static ENDPOINT_REFUSED: Entry = Entry {
    id: "endpoint-refused",
    status: 403,
    text: "Endpoint IP address is not allowed.",
    fault: Fault::Client,
    cause: Words {
        en: "The backend's name resolves only to addresses that the gateway does not connect to: \
             link-local and metadata addresses, the gateway itself, or private ones for a backend \
             that is said to be public.",
        zh: "后端域名只解析到网关禁止连接的地址：链路本地地址、元数据地址、网关自身，或声明为公网的后端解析到内网地址。",
    },
    remedy: Words {
        en: "Check what the backend's name resolves to on the gateway's machine.",
        zh: "请在网关所在机器上检查该后端域名的解析结果。",
    },
    blueking: blueking::ENDPOINT,
    ..BASE
};

/// The query of the backend's request can not be built.
pub static QUERY_UNBUILDABLE: Entry = Entry {
    id: "query-unbuildable",
    status: 500,
    text: "Error occurred during query params.",
    cause: Words {
        en: "The path and query for the backend can not be put together: with what the API adds \
             they are longer than a request line can be.",
        zh: "无法拼出发往后端的路径和查询：加上 API 添加的内容后超过了请求行的长度上限。",
    },
    remedy: Words {
        en: "Send shorter parameters, or let the owner of the API place fewer into the query.",
        zh: "请缩短参数，或由 API 的所有者减少加入查询的内容。",
    },
    ..BASE
};

/// Something that should not happen in the gateway.
pub static INTERNAL: Entry = Entry {
    id: "internal",
    status: 500,
    text: "Internal Server Error.",
    cause: Words {
        en: "The gateway failed by itself, or may not connect to the address of the backend.",
        zh: "网关内部出错，或不允许连接该后端地址。",
    },
    remedy: Words {
        en: "Give the request id to the operator of the gateway.",
        zh: "请把请求 ID 提供给网关的运维人员。",
    },
    ..BASE
};

/// The connection to the backend could not be made, or broke before a head came.
pub static BAD_GATEWAY: Entry = Entry {
    id: "bad-gateway",
    status: 502,
    text: "Bad Gateway.",
    fault: Fault::Backend,
    cause: Words {
        en: "The backend refused the connection, broke it before it answered, or answered \
             something that is not HTTP.",
        zh: "后端拒绝连接、在应答之前断开连接，或应答不符合 HTTP。",
    },
    remedy: Words {
        en: "Call the backend directly. If all calls fail, look whether it listens on the \
             configured address; if some do, look at its load and its keep-alive time.",
        zh: "请直接访问后端。若全部失败，请检查它是否在配置的地址上监听；若部分失败，请检查其负载和长连接保持时间。",
    },
    blueking: blueking::BAD_GATEWAY,
    ..BASE
};

/// The name of the backend does not resolve.
pub static BALANCER: Entry = Entry {
    id: "balancer",
    status: 503,
    text: "Apigw balancer error",
    fault: Fault::Backend,
    cause: Words {
        en: "The domain name of the backend can not be resolved.",
        zh: "后端域名解析失败。",
    },
    remedy: Words {
        en: "Check the backend's host in the API's configuration, and that its name resolves on \
             the gateway's machine.",
        zh: "请检查 API 配置的后端域名，并确认它在网关所在机器上能够解析。",
    },
    blueking: blueking::BAD_GATEWAY,
    ..BASE
};

/// As many clients are connected as may be.
pub static CONNECTIONS_FULL: Entry = Entry {
    id: "connections-full",
    status: 503,
    text: "Gateway has too many connections.",
    own: true,
    retry_after_s: Some(CONNECTIONS_FULL_RETRY_S),
    cause: Words {
        en: "As many clients are connected to the gateway as its limit allows.",
        zh: "与网关建立的客户端连接数已达到上限。",
    },
    remedy: Words {
        en: "Come again shortly, and keep fewer connections open. The operator raises the limit \
             or adds gateways.",
        zh: "请稍后重试，并减少保持的连接。运维人员可调高上限或增加网关。",
    },
    blueking: blueking::UNAVAILABLE,
    ..BASE
};

/// No room to record the request, so it is not served.
pub static SPOOL_FULL: Entry = Entry {
    id: "spool-full",
    status: 503,
    text: "Gateway can not record the request now.",
    own: true,
    retry_after_s: Some(SPOOL_FULL_RETRY_S),
    cause: Words {
        en: "The room for records that are not yet stored is used up, and the gateway is \
             configured not to serve what it can not record.",
        zh: "待入库记录的暂存空间已满，而网关被配置为不处理无法记录的请求。",
    },
    remedy: Words {
        en: "Come again shortly. The operator looks why records are not stored, or gives the \
             spool more room.",
        zh: "请稍后重试。运维人员应检查记录为何没有入库，或扩大暂存空间。",
    },
    blueking: blueking::UNAVAILABLE,
    ..BASE
};

/// The gateway is stopping.
pub static STOPPING: Entry = Entry {
    id: "stopping",
    status: 503,
    text: "Gateway is shutting down.",
    own: true,
    cause: Words {
        en: "The gateway is stopping, and the request was not finished within its deadline.",
        zh: "网关正在停止，请求未能在期限内完成。",
    },
    remedy: Words {
        en: "Send the request again if it may be repeated; another gateway, or the restarted one, \
             answers it.",
        zh: "如果请求可以重复，请重新发送；其他网关或重启后的网关会处理它。",
    },
    blueking: blueking::UNAVAILABLE,
    ..BASE
};

/// The backend did not answer in time.
pub static GATEWAY_TIMEOUT: Entry = Entry {
    id: "gateway-timeout",
    status: 504,
    text: "Gateway Time-out.",
    fault: Fault::Backend,
    cause: Words {
        en: "The backend did not accept the connection, or did not answer, within the time of the \
             API's configuration.",
        zh: "后端没有在 API 配置的时间内接受连接或应答。",
    },
    remedy: Words {
        en: "Call the backend directly and measure it, compare with the API's timeouts, and check \
             that no firewall or security group stands between.",
        zh: "请直接访问后端并测量耗时，与 API 的超时配置对比，并检查其间是否有防火墙或安全组限制。",
    },
    blueking: blueking::TIMEOUT,
    ..BASE
};
