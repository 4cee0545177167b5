//! Refusals of [`crate::Policy::route`]: no such host, environment, path or method.

use super::{Entry, PLAIN, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry { status: 404, blueking: blueking::API_NOT_FOUND, ..PLAIN };

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &HOST_MISSING,
    &HOST_INVALID,
    &HOST_UNKNOWN,
    &PATH_BAD_PERCENT,
    &PATH_DOT_SEGMENT,
    &METHOD_UNKNOWN,
    &ENVIRONMENT_UNKNOWN,
    &MAPPING_UNKNOWN,
    &HTTP_UNKNOWN,
    &HTTPS_UNKNOWN,
    &HTTP_NOT_ALLOWED,
    &HTTPS_NOT_ALLOWED,
    &NO_API,
    &URI_UNKNOWN,
    &METHOD_NOT_ALLOWED,
];

/// No `Host` header, or an empty one.
pub static HOST_MISSING: Entry = Entry {
    id: "host-missing",
    text: "Not Found Host.",
    cause: Words {
        en: "The request says to no host it belongs: its Host header is absent or empty.",
        zh: "请求没有说明目标域名：Host 头缺失或为空。",
    },
    remedy: Words {
        en: "Send the domain name of the service in the Host header.",
        zh: "请在 Host 头中填写服务的域名。",
    },
    ..BASE
};

/// A `Host` header that is no host name.
pub static HOST_INVALID: Entry = Entry {
    id: "host-invalid",
    text: "Get Host Fail.",
    cause: Words {
        en: "The Host header can not be read as a name or an address with an optional port.",
        zh: "Host 头既不是合法的域名，也不是合法的地址（可带端口）。",
    },
    remedy: Words {
        en: "Send a plain domain name in the Host header, without scheme, path or other characters.",
        zh: "Host 头只填写域名，不要带协议、路径或其他字符。",
    },
    ..BASE
};

/// A host that no service has.
pub static HOST_UNKNOWN: Entry = Entry {
    id: "host-unknown",
    text: "There is no api match host[$host].",
    cause: Words {
        en: "No service of this gateway has the host $host.",
        zh: "此网关上没有任何服务使用域名 $host。",
    },
    remedy: Words {
        en: "Check the spelling of $host, and that it is listed in the hosts of its service.",
        zh: "请检查 $host 的拼写，并确认它已列入服务的域名（hosts）。",
    },
    ..BASE
};

/// A percent sign that encodes nothing.
pub static PATH_BAD_PERCENT: Entry = Entry {
    id: "path-bad-percent",
    status: 400,
    text: "Path contains a bad percent sign.",
    own: true,
    cause: Words {
        en: "A percent sign in the path is not followed by two hexadecimal digits. Servers differ \
             in what they read then.",
        zh: "路径中的百分号后面不是两位十六进制数字。不同的服务器对此有不同的解读。",
    },
    remedy: Words {
        en: "Write a percent sign that means itself as %25.",
        zh: "表示百分号本身时，请写作 %25。",
    },
    blueking: blueking::MALFORMED,
    ..BASE
};

/// A `.` or `..` segment, also an encoded one.
pub static PATH_DOT_SEGMENT: Entry = Entry {
    id: "path-dot-segment",
    status: 400,
    text: "Path contains a dot segment.",
    own: true,
    cause: Words {
        en: "A segment of the path is `.` or `..`, plain or percent-encoded. Such a path may mean \
             one thing to the gateway and another to the backend.",
        zh: "路径中有 `.` 或 `..` 段（包括百分号编码的形式）。这样的路径在网关和后端可能有不同的含义。",
    },
    remedy: Words {
        en: "Resolve the path before sending it.", zh: "请先把路径化简，再发送请求。"
    },
    blueking: blueking::MALFORMED,
    ..BASE
};

/// A method that the gateway does not know.
pub static METHOD_UNKNOWN: Entry = Entry {
    id: "method-unknown",
    text: "Could not support method.",
    cause: Words {
        en: "The method is none of those that the gateway serves. Methods are case-sensitive.",
        zh: "请求方法不在网关支持的范围内。方法名区分大小写。",
    },
    remedy: Words {
        en: "Use GET, POST, PUT, DELETE, HEAD, OPTIONS or PATCH.",
        zh: "请使用 GET、POST、PUT、DELETE、HEAD、OPTIONS 或 PATCH。",
    },
    ..BASE
};

/// A first path segment that is no environment.
pub static ENVIRONMENT_UNKNOWN: Entry = Entry {
    id: "environment-unknown",
    text: "There is no api match default env_mapping[$env_mapping].",
    cause: Words {
        en: "The path begins with `$env_mapping`, which is not the name of an environment.",
        zh: "路径的第一段是 `$env_mapping`，它不是环境名。",
    },
    remedy: Words {
        en: "Put the environment first: /release/…, /prepub/… or /test/…, in place of `$env_mapping`.",
        zh: "请把路径第一段由 `$env_mapping` 改为环境名：/release/…、/prepub/… 或 /test/…。",
    },
    ..BASE
};

/// A path that the mappings of a custom domain lead nowhere.
pub static MAPPING_UNKNOWN: Entry = Entry {
    id: "mapping-unknown",
    text: "There is no api match env_mapping[$env_mapping].",
    cause: Words {
        en: "No path mapping of this custom domain covers the path, which begins with \
             `$env_mapping`.",
        zh: "此自定义域名的路径映射都不包含该路径，它的第一段是 `$env_mapping`。",
    },
    remedy: Words {
        en: "Use a path that is mapped in place of `$env_mapping`, or let the owner of the domain \
             map this one.",
        zh: "请把 `$env_mapping` 改为已映射的路径，或由域名的所有者添加映射。",
    },
    ..BASE
};

/// What both refusals of HTTP have in common.
const HTTP_REFUSED: Entry = Entry {
    id: "http-not-allowed",
    status: 426,
    text: "Not allow use HTTP protocol.",
    cause: Words {
        en: "The service is served over HTTPS only.",
        zh: "该服务只允许使用 HTTPS 协议。",
    },
    remedy: Words {
        en: "Call the same address with https://.",
        zh: "请改用 https:// 访问同一地址。",
    },
    blueking: blueking::PROTOCOL,
    ..BASE
};

/// What both refusals of HTTPS have in common.
const HTTPS_REFUSED: Entry = Entry {
    id: "https-not-allowed",
    text: "Not allow use HTTPS protocol.",
    cause: Words {
        en: "The service is served over plain HTTP only.",
        zh: "该服务只允许使用 HTTP 协议。",
    },
    remedy: Words {
        en: "Call the same address with http://.",
        zh: "请改用 http:// 访问同一地址。",
    },
    ..HTTP_REFUSED
};

/// HTTP to a service that is for HTTPS only.
pub static HTTP_NOT_ALLOWED: Entry = HTTP_REFUSED;

/// HTTPS to a service that is for HTTP only.
pub static HTTPS_NOT_ALLOWED: Entry = HTTPS_REFUSED;

/// HTTP to a service that is for HTTPS only and says so with 404.
pub static HTTP_UNKNOWN: Entry = Entry { id: "http-unknown", status: 404, ..HTTP_REFUSED };

/// HTTPS to a service that is for HTTP only and says so with 404.
pub static HTTPS_UNKNOWN: Entry = Entry { id: "https-unknown", status: 404, ..HTTPS_REFUSED };

/// A published environment without APIs.
pub static NO_API: Entry = Entry {
    id: "no-api",
    text: "Found no api.",
    cause: Words {
        en: "The service is published in this environment, but has no API in it.",
        zh: "服务已发布到该环境，但其中没有任何 API。",
    },
    remedy: Words {
        en: "The owner of the service adds an API and publishes it.",
        zh: "请由服务的所有者添加 API 并发布。",
    },
    ..BASE
};

/// A path that no published API answers.
pub static URI_UNKNOWN: Entry = Entry {
    id: "uri-unknown",
    text: "There is no api match uri[$uri].",
    shown: Some("There is no api match uri[$uri] host [$host]"),
    cause: Words {
        en: "No API of the service answers $uri in the environment that was asked for: the path \
             is wrong, or the service is not published there.",
        zh: "在所请求的环境中，服务没有与 $uri 匹配的 API：路径有误，或服务尚未发布到该环境。",
    },
    remedy: Words {
        en: "Compare $uri with the paths of the service's APIs, and look where it is published.",
        zh: "请对照服务的 API 路径检查 $uri，并确认服务发布到了哪些环境。",
    },
    ..BASE
};

/// A path that is answered, but not with this method.
pub static METHOD_NOT_ALLOWED: Entry = Entry {
    id: "method-not-allowed",
    status: 405,
    text: "Method Not Allowed.",
    cause: Words {
        en: "An API answers this path, but not this method.",
        zh: "有 API 与该路径匹配，但它不接受这个请求方法。",
    },
    remedy: Words {
        en: "Use a method that the API is configured for, or let its owner add this one.",
        zh: "请改用该 API 已配置的方法，或由所有者为它添加此方法。",
    },
    blueking: blueking::METHOD,
    ..BASE
};
