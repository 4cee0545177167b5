//! What the other dialect tells apart, and this one says in one text.
//!
//! - Status, text and fault are those of the entry that says it here; only the other dialect's form,
//!   cause and remedy are narrower.
//! - In this dialect no request gets them: what is recorded leads to the entry that says it here.

use record::Fault;

use super::{Entry, Missing, PLAIN, RaisedBy, State, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry {
    status: 429,
    text: "API rate limit exceeded.",
    state: State::Later(Missing::Blueking),
    blueking: blueking::RATE_LIMIT,
    ..PLAIN
};

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] =
    &[&RATE_LIMIT_ENVIRONMENT, &RATE_LIMIT_API, &BAD_GATEWAY_HEAD];

static RATE_LIMIT_ENVIRONMENT: Entry = Entry {
    id: "rate-limit-environment",
    cause: Words {
        en: "More calls came within a second than the environment admits of all callers together.",
        zh: "一秒内的调用次数超过了整个环境的总限速，与调用方无关。",
    },
    remedy: Words {
        en: "Spread the calls. The owner raises the limit of the environment, or limits each caller \
             instead.",
        zh: "请分散调用。所有者可调高环境的总限速，或改为按调用方限速。",
    },
    blueking: blueking::RATE_LIMIT_ENVIRONMENT,
    ..BASE
};

static RATE_LIMIT_API: Entry = Entry {
    id: "rate-limit-api",
    cause: Words {
        en: "More calls came within a second than the limit of this one API admits.",
        zh: "一秒内的调用次数超过了该 API 自身的限速。",
    },
    remedy: Words {
        en: "Call this API less often, or let its owner raise its limit.",
        zh: "请降低该 API 的调用频率，或由所有者调高其限速。",
    },
    blueking: blueking::RATE_LIMIT_API,
    ..BASE
};

static BAD_GATEWAY_HEAD: Entry = Entry {
    id: "bad-gateway-head",
    status: 502,
    text: "Bad Gateway.",
    fault: Fault::Backend,
    cause: Words {
        en: "The backend began an answer whose head is not HTTP, or broke off within it.",
        zh: "后端已开始应答，但响应头不符合 HTTP，或在响应头中途断开。",
    },
    remedy: Words {
        en: "Call the backend directly and look at the head of its answer, and at what stands before \
             the backend.",
        zh: "请直接访问后端，检查其响应头以及后端之前的接入层。",
    },
    raised_by: RaisedBy::Gateway,
    blueking: blueking::BACKEND_FAILED,
    ..BASE
};
