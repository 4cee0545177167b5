//! Failures of the TLS handshake: there is no HTTP yet, so no answer and no record. The client's
//! own library says something; the gateway counts the failure, and logs the name that was asked for.

use record::Fault;

use super::{Entry, Missing, PLAIN, RaisedBy, State, Words};

/// What the entries of this file have in common.
const BASE: Entry = Entry {
    fault: Fault::None,
    raised_by: RaisedBy::Gateway,
    state: State::Later(Missing::Tls),
    ..PLAIN
};

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[&HANDSHAKE_CUT, &HANDSHAKE_REFUSED];

static HANDSHAKE_CUT: Entry = Entry {
    id: "tls-handshake-cut",
    text: "SSL_ERROR_SYSCALL",
    cause: Words {
        en: "The connection ended within the TLS handshake: the service does not serve HTTPS, or is \
             not published.",
        zh: "连接在 TLS 握手过程中断开：服务没有选择 HTTPS，或没有发布。",
    },
    remedy: Words {
        en: "Check that the service is published and serves HTTPS, and that the client calls the \
             port for it.",
        zh: "请确认服务已发布并选择了 HTTPS，且客户端访问的是 HTTPS 端口。",
    },
    ..BASE
};

static HANDSHAKE_REFUSED: Entry = Entry {
    id: "tls-handshake-refused",
    text: "OPENSSL_internal:TLSV1_ALERT_INTERNAL_ERROR",
    cause: Words {
        en: "The gateway has no good certificate for the name that the client asked for, and refused \
             the TLS handshake.",
        zh: "网关没有与客户端所请求域名匹配的有效证书，拒绝了 TLS 握手。",
    },
    remedy: Words {
        en: "The owner of the domain puts in a certificate that covers it and has not expired.",
        zh: "请由域名的所有者配置覆盖该域名且未过期的证书。",
    },
    ..BASE
};
