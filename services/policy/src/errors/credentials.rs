//! Refusals of [`crate::Policy::admit`]: the key pair (HMAC), in the order of its checks.

use super::{Entry, PLAIN, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry { status: 401, blueking: blueking::INVALID_ARGS, ..PLAIN };

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &HMAC_FORMAT,
    &HMAC_PARAMETERS,
    &HMAC_ID_OR_SIGNATURE_MISSING,
    &HMAC_ALGORITHM,
    &HMAC_DATE_MISSING,
    &HMAC_X_DATE_INVALID,
    &HMAC_X_DATE_OUT_OF_DATE,
    &HMAC_HEADER_MISSING,
    &HMAC_HEADER_MULTIPLE,
    &HMAC_KEY_UNKNOWN,
    &HMAC_KEY_NOT_BOUND,
    &HMAC_MISMATCH,
];

/// No `Authorization` header, another scheme, or one that can not be parsed.
pub static HMAC_FORMAT: Entry = Entry {
    id: "hmac-format",
    text: "HMAC authorization format error.",
    cause: Words {
        en: "The Authorization header is absent, is not of the scheme `hmac`, or can not be parsed.",
        zh: "Authorization 头缺失、认证方式不是 `hmac`，或无法解析。",
    },
    remedy: Words {
        en: r#"Send: Authorization: hmac id="…", algorithm="hmac-sha1", headers="…", signature="…"."#,
        zh: r#"请按此格式发送：Authorization: hmac id="…", algorithm="hmac-sha1", headers="…", signature="…"。"#,
    },
    ..BASE
};

/// `algorithm` or `headers` absent or empty.
pub static HMAC_PARAMETERS: Entry = Entry {
    id: "hmac-parameters",
    text: "HMAC authorization headers is invalidate.",
    cause: Words {
        en: "The Authorization header lacks `algorithm` or `headers`, or leaves one empty.",
        zh: "Authorization 头缺少 `algorithm` 或 `headers`，或者其值为空。",
    },
    remedy: Words {
        en: "Name the algorithm, and list the signed headers separated by spaces.",
        zh: "请写明签名算法，并以空格分隔列出参与签名的头。",
    },
    ..BASE
};

/// `id` or `signature` absent or empty.
pub static HMAC_ID_OR_SIGNATURE_MISSING: Entry = Entry {
    id: "hmac-id-or-signature-missing",
    text: "HMAC id or signature missing.",
    cause: Words {
        en: "The Authorization header lacks `id` or `signature`, or leaves one empty.",
        zh: "Authorization 头缺少 `id` 或 `signature`，或者其值为空。",
    },
    remedy: Words {
        en: "Put the SecretId into `id` and the Base64 of the HMAC into `signature`.",
        zh: "请把 SecretId 填入 `id`，把 HMAC 的 Base64 结果填入 `signature`。",
    },
    ..BASE
};

/// An algorithm that is not one of the four.
pub static HMAC_ALGORITHM: Entry = Entry {
    id: "hmac-algorithm",
    text: "HMAC algorithm xxx not supported.",
    cause: Words {
        en: "The signature claims the algorithm xxx, which the gateway does not compute.",
        zh: "签名声明使用 xxx 算法，网关不支持该算法。",
    },
    remedy: Words {
        en: "Use hmac-sha1, hmac-sha256, hmac-sha384 or hmac-sha512 instead of xxx.",
        zh: "请用 hmac-sha1、hmac-sha256、hmac-sha384 或 hmac-sha512 代替 xxx。",
    },
    ..BASE
};

/// Neither `date` nor `x-date` was sent.
pub static HMAC_DATE_MISSING: Entry = Entry {
    id: "hmac-date-missing",
    text: "HMAC signature cannot be verified, a valid date or x-date header is required.",
    cause: Words {
        en: "The request carries no point in time: neither Date nor X-Date was sent.",
        zh: "请求没有携带时间：Date 和 X-Date 头都没有。",
    },
    remedy: Words {
        en: "Send X-Date with the current time in GMT, and sign it.",
        zh: "请发送 X-Date 头（当前 GMT 时间），并让它参与签名。",
    },
    ..BASE
};

/// `x-date` can not be parsed.
pub static HMAC_X_DATE_INVALID: Entry = Entry {
    id: "hmac-x-date-invalid",
    text: "HMAC signature cannot be verified, a valid x-date header is required for HMAC Authentication.",
    cause: Words {
        en: "X-Date was sent, but is not a date in the form of HTTP.",
        zh: "发送了 X-Date 头，但其值不是 HTTP 日期格式。",
    },
    remedy: Words {
        en: "Write X-Date like `Mon, 19 Mar 2018 12:08:40 GMT`.",
        zh: "请把 X-Date 写成 `Mon, 19 Mar 2018 12:08:40 GMT` 这样的格式。",
    },
    ..BASE
};

/// `x-date` is too far from the gateway's clock.
pub static HMAC_X_DATE_OUT_OF_DATE: Entry = Entry {
    id: "hmac-x-date-out-of-date",
    text: "HMAC signature cannot be verified, the x-date header is out of date for HMAC Authentication.",
    cause: Words {
        en: "X-Date lies more than 900 seconds before or after the gateway's clock.",
        zh: "X-Date 与网关时钟相差超过 900 秒。",
    },
    remedy: Words {
        en: "Sign each request when it is sent, and keep the client's clock in time.",
        zh: "请在发送时再签名，并校准客户端的时钟。",
    },
    ..BASE
};

/// A signed header was not sent.
pub static HMAC_HEADER_MISSING: Entry = Entry {
    id: "hmac-header-missing",
    text: "HMAC signature cannot be verified, a valid xxx header is required.",
    cause: Words {
        en: "The signature covers the header xxx, but the request has none.",
        zh: "签名包含 xxx 头，但请求中没有该头。",
    },
    remedy: Words {
        en: "Send xxx, or take it out of `headers` and sign again.",
        zh: "请发送 xxx 头，或从 `headers` 中去掉它后重新签名。",
    },
    ..BASE
};

/// A header that counts was sent more than once.
pub static HMAC_HEADER_MULTIPLE: Entry = Entry {
    id: "hmac-header-multiple",
    text: "HMAC do not support multiple HTTP header.",
    cause: Words {
        en: "A signed header, X-Date or Authorization was sent more than once, so that it is open \
             which value was signed.",
        zh: "参与签名的头、X-Date 或 Authorization 出现了多次，无法确定签名所用的值。",
    },
    remedy: Words {
        en: "Send each of these headers once.", zh: "这些头每个只发送一次。"
    },
    ..BASE
};

/// No such key, or none for this service.
pub static HMAC_KEY_UNKNOWN: Entry = Entry {
    id: "hmac-key-unknown",
    text: "HMAC signature cannot be verified.",
    cause: Words {
        en: "No key has this id, or the key is not bound to this service.",
        zh: "没有使用该 id 的密钥，或密钥没有绑定到此服务。",
    },
    remedy: Words {
        en: "Check the SecretId, and let the owner of the service bind the key to it.",
        zh: "请检查 SecretId，并由服务的所有者把密钥绑定到该服务。",
    },
    ..BASE
};

/// A key of the service, but not for this API.
pub static HMAC_KEY_NOT_BOUND: Entry = Entry {
    id: "hmac-key-not-bound",
    text: "HMAC apikey is invalid for API.",
    cause: Words {
        en: "The key is bound to the service, but not to this API.",
        zh: "密钥绑定了该服务，但没有绑定到这个 API。",
    },
    remedy: Words {
        en: "Let the owner of the service bind the key to the API.",
        zh: "请由服务的所有者把密钥绑定到这个 API。",
    },
    ..BASE
};

/// What an application reads in place of [`HMAC_MISMATCH`]'s text; what was to be signed follows.
pub(crate) const HMAC_SERVER_STRING: &str = "HMAC signature does not match, Server StringToSign:";

/// The signature is not the one that the key makes.
pub static HMAC_MISMATCH: Entry = Entry {
    id: "hmac-mismatch",
    text: "HMAC signature does not match.",
    cause: Words {
        en: "The signature is not what the key makes of the listed headers: another secret, \
             another string, or a header changed on the way.",
        zh: "签名与密钥对所列头计算的结果不一致：密钥不同、待签名串不同，或头在途中被修改。",
    },
    remedy: Words {
        en: "Sign the listed headers in their order as `name: value`, names in lower case, joined \
             by one newline, none at the end.",
        zh: "请按所列顺序以 `name: value` 拼接各头（名称小写），以单个换行连接，末尾不加换行，再签名。",
    },
    ..BASE
};
