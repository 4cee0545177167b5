//! Rows of the published tables whose cause can not exist yet. What is missing stands with each;
//! the list only shrinks.

use record::Fault;

use super::{Entry, Missing, PLAIN, State, Words, blueking};

/// What the entries of this file have in common, but for what is missing.
const fn base(missing: Missing) -> Entry {
    Entry { status: 401, state: State::Later(missing), blueking: blueking::INVALID_ARGS, ..PLAIN }
}

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &OAUTH_SERVER,
    &OAUTH_NO_API,
    &OAUTH_PARAMETER_MISSING,
    &OAUTH_HEADER_EMPTY,
    &OAUTH_FORMAT,
    &OAUTH_HEADER_MISSING,
    &OAUTH_TOKEN_MISSING,
    &OAUTH_VERIFY,
    &PLAN_MISSING,
    &WEBSOCKET_KEY,
    &WEBSOCKET_VERSION,
    &MICROSERVICE_UNKNOWN,
    &PROTOCOL_NOT_ALLOWED,
    &RATE_LIMIT,
    &QUOTA,
    &CONCURRENCY,
    &TSF_CONFIG,
    &MICROSERVICE_LOCATION,
    &MICROSERVICE_MAP,
    &OAUTH_KEY_FAULTY,
    &OAUTH_LOCATION,
    &OAUTH_NO_CONFIG,
    &OAUTH_NO_KEY,
    &RECURSIVE,
];

static OAUTH_SERVER: Entry = Entry {
    id: "oauth-server",
    text: "Oauth call authentication server fail.",
    cause: Words {
        en: "The keys that verify tokens come from an authorization server, and it did not give them.",
        zh: "验证令牌的公钥来自认证服务器，但网关没有取到。",
    },
    remedy: Words {
        en: "Check that the gateway reaches the key set's URL, and that it answers.",
        zh: "请检查网关能否访问公钥集的 URL，以及该 URL 是否正常应答。",
    },
    blueking: blueking::INTERNAL,
    ..base(Missing::OAuth)
};

static OAUTH_NO_API: Entry = Entry {
    id: "oauth-no-api",
    text: "Oauth found no related Oauth api.",
    cause: Words {
        en: "The API asks for a token, but is linked to no authorization API.",
        zh: "API 要求令牌，但没有关联授权 API。",
    },
    remedy: Words {
        en: "The owner links the API to the authorization API that issues its tokens.",
        zh: "请由所有者把该 API 关联到签发令牌的授权 API。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_PARAMETER_MISSING: Entry = Entry {
    id: "oauth-parameter-missing",
    text: "Oauth miss Oauth id_token.",
    cause: Words {
        en: "The token is expected in a query parameter, and the request has none of that name.",
        zh: "令牌应放在查询参数中，但请求没有该参数。",
    },
    remedy: Words {
        en: "Put the token into the query parameter that the authorization API names.",
        zh: "请把令牌放入授权 API 指定的查询参数。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_HEADER_EMPTY: Entry = Entry {
    id: "oauth-header-empty",
    text: "Oauth signature cannot be verified, a validate authorization header is required.",
    cause: Words {
        en: "The Authorization header is there, but empty.",
        zh: "Authorization 头存在，但内容为空。",
    },
    remedy: Words {
        en: "Send Authorization: Bearer, a blank, and the token.",
        zh: "请发送 Authorization: Bearer，空一格后跟令牌。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_FORMAT: Entry = Entry {
    id: "oauth-format",
    text: "Oauth authorization header format error.",
    cause: Words {
        en: "The Authorization header is not of the scheme Bearer.",
        zh: "Authorization 头的认证方式不是 Bearer。",
    },
    remedy: Words {
        en: "Write the scheme Bearer before the token.",
        zh: "请在令牌之前写明 Bearer 认证方式。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_HEADER_MISSING: Entry = Entry {
    id: "oauth-header-missing",
    text: "Oauth found no authorization header.",
    cause: Words {
        en: "The token is expected in the Authorization header, and none was sent.",
        zh: "令牌应放在 Authorization 头中，但请求没有该头。",
    },
    remedy: Words {
        en: "Ask the authorization API for a token and send it with each call.",
        zh: "请先向授权 API 申请令牌，并在每次调用时携带。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_TOKEN_MISSING: Entry = Entry {
    id: "oauth-token-missing",
    text: "Oauth found no id_token.",
    cause: Words {
        en: "The Authorization header says Bearer, and no token follows.",
        zh: "Authorization 头写了 Bearer，但后面没有令牌。",
    },
    remedy: Words {
        en: "Look why the client's token is empty when it sends the call.",
        zh: "请检查客户端发送调用时令牌为何为空。",
    },
    ..base(Missing::OAuth)
};

static OAUTH_VERIFY: Entry = Entry {
    id: "oauth-verify",
    text: "Oauth id_token verify error.",
    cause: Words {
        en: "The token is no JWT, is signed by another key, or is outside its time.",
        zh: "令牌不是 JWT、由其他密钥签名，或不在有效期内。",
    },
    remedy: Words {
        en: "Ask for a fresh token; check its issuer, its `exp` and `iat`, and the client's clock.",
        zh: "请重新申请令牌，并检查签发方、`exp`、`iat` 以及客户端时钟。",
    },
    ..base(Missing::OAuth)
};

static PLAN_MISSING: Entry = Entry {
    id: "plan-missing",
    status: 403,
    text: "Found no validate usage plan.",
    cause: Words {
        en: "The API is sold by usage plans, and the key belongs to none that is valid here.",
        zh: "API 启用了使用计划，而该密钥没有在此处有效的使用计划。",
    },
    remedy: Words {
        en: "The owner binds the key to a usage plan of this environment.",
        zh: "请由所有者把密钥绑定到此环境的使用计划。",
    },
    blueking: blueking::NO_PERMISSION,
    ..base(Missing::Plans)
};

static WEBSOCKET_KEY: Entry = Entry {
    id: "websocket-key",
    status: 403,
    text: "need header Sec-WebSocket-Key.",
    cause: Words {
        en: "The API speaks WebSocket, and the handshake lacks its key.",
        zh: "API 使用 WebSocket 协议，但握手请求缺少密钥头。",
    },
    remedy: Words {
        en: "Open the connection with a WebSocket library.",
        zh: "请使用 WebSocket 库建立连接。",
    },
    blueking: blueking::PARAMETER,
    ..base(Missing::WebSocket)
};

static WEBSOCKET_VERSION: Entry = Entry {
    id: "websocket-version",
    status: 403,
    text: "need header Sec-WebSocket-Version.",
    cause: Words {
        en: "The API speaks WebSocket, and the handshake does not say which version.",
        zh: "API 使用 WebSocket 协议，但握手请求没有声明版本。",
    },
    remedy: Words {
        en: "Send version 13 in the handshake; WebSocket libraries do.",
        zh: "请在握手中声明版本 13，WebSocket 库会自动完成。",
    },
    blueking: blueking::PARAMETER,
    ..base(Missing::WebSocket)
};

static MICROSERVICE_UNKNOWN: Entry = Entry {
    id: "microservice-unknown",
    status: 404,
    text: "Not found micro service with key.",
    cause: Words {
        en: "The registry knows no microservice of the namespace and name that the request gave.",
        zh: "注册中心没有请求所指命名空间和名称的微服务。",
    },
    remedy: Words {
        en: "Compare both with the registry, and look whether instances are registered.",
        zh: "请对照注册中心检查命名空间和名称，并确认有实例注册。",
    },
    blueking: blueking::NO_MICROSERVICE,
    ..base(Missing::ServiceDiscovery)
};

static PROTOCOL_NOT_ALLOWED: Entry = Entry {
    id: "protocol-not-allowed",
    status: 426,
    text: "Not allow use xxx protocol.",
    cause: Words {
        en: "The API is not configured for xxx: WebSocket on an HTTP API, or the reverse.",
        zh: "API 没有配置 xxx 协议：对 HTTP API 使用了 WebSocket，或相反。",
    },
    remedy: Words {
        en: "Call it by its own protocol instead of xxx.",
        zh: "请改用该 API 自己的协议，而不是 xxx。",
    },
    blueking: blueking::PROTOCOL,
    ..base(Missing::WebSocket)
};

static RATE_LIMIT: Entry = Entry {
    id: "rate-limit",
    status: 429,
    text: "API rate limit exceeded.",
    cause: Words {
        en: "More calls came within a second than the limits of the API, the plan or the caller admit.",
        zh: "一秒内的调用次数超过了 API、使用计划或调用方的限速。",
    },
    remedy: Words {
        en: "Wait as long as Retry-After says, and spread the calls; the answer's headers show the limit.",
        zh: "请按 Retry-After 等待并分散调用，响应头中有当前限速值。",
    },
    blueking: blueking::RATE_LIMIT,
    ..base(Missing::RateLimits)
};

static QUOTA: Entry = Entry {
    id: "quota",
    status: 429,
    text: "API quota exceeded.",
    cause: Words {
        en: "The usage plan admits a number of calls in total, and all of them are used.",
        zh: "使用计划的调用总量已经用完。",
    },
    remedy: Words {
        en: "Buy or grant more calls; the answer's headers show what is left.",
        zh: "请购买或增加配额，响应头中有剩余配额。",
    },
    blueking: blueking::QUOTA,
    ..base(Missing::Quota)
};

static TSF_CONFIG: Entry = Entry {
    id: "tsf-config",
    status: 481,
    fault: Fault::Gateway,
    text: "TSF config error.",
    cause: Words {
        en: "The settings of the API's microservice backend are faulty.",
        zh: "API 的微服务后端配置有误。",
    },
    remedy: Words {
        en: "Run `tollgate check`: it names the line.",
        zh: "请运行 `tollgate check`，它会指出出错的行。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::ServiceDiscovery)
};

static MICROSERVICE_LOCATION: Entry = Entry {
    id: "microservice-location",
    status: 481,
    fault: Fault::Gateway,
    text: "Get location of micro service info fail.",
    cause: Words {
        en: "The API does not say where requests carry the microservice's namespace and name.",
        zh: "API 没有配置从请求何处获取微服务的命名空间和名称。",
    },
    remedy: Words {
        en: "The owner configures a location for both keys.",
        zh: "请由所有者为两个键配置获取位置。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::ServiceDiscovery)
};

static MICROSERVICE_MAP: Entry = Entry {
    id: "microservice-map",
    status: 481,
    fault: Fault::Gateway,
    text: "Only support the map_from like method.req.{path}.{}",
    cause: Words {
        en: "The location of the microservice's namespace or name is not written in the known form.",
        zh: "微服务命名空间或名称的获取位置不符合规定格式。",
    },
    remedy: Words {
        en: "Write it as method.req, the place (header, query or path) and the parameter's name, joined by dots.",
        zh: "请写成 method.req、位置（header、query 或 path）与参数名，以点连接。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::ServiceDiscovery)
};

static OAUTH_KEY_FAULTY: Entry = Entry {
    id: "oauth-key-faulty",
    status: 481,
    fault: Fault::Gateway,
    text: "Oauth public key error.",
    cause: Words {
        en: "The public key of the authorization API can not be read.",
        zh: "授权 API 配置的公钥无法读取。",
    },
    remedy: Words {
        en: "The owner puts in a JWK of an asymmetric key.",
        zh: "请由所有者配置非对称密钥的 JWK。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::OAuth)
};

static OAUTH_LOCATION: Entry = Entry {
    id: "oauth-location",
    status: 481,
    fault: Fault::Gateway,
    text: "Oauth id_token location forbidden.",
    cause: Words {
        en: "The authorization API expects tokens at a place that is not supported.",
        zh: "授权 API 配置的令牌位置不受支持。",
    },
    remedy: Words {
        en: "The owner chooses a header or a query parameter.",
        zh: "请由所有者选择请求头或查询参数。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::OAuth)
};

static OAUTH_NO_CONFIG: Entry = Entry {
    id: "oauth-no-config",
    status: 481,
    fault: Fault::Gateway,
    text: "Oauth found no oauth config.",
    cause: Words {
        en: "The authorization API that the API is linked to has no OAuth settings.",
        zh: "API 所关联的授权 API 没有 OAuth 配置。",
    },
    remedy: Words {
        en: "The owner completes the settings of the authorization API.",
        zh: "请由所有者补全授权 API 的配置。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::OAuth)
};

static OAUTH_NO_KEY: Entry = Entry {
    id: "oauth-no-key",
    status: 481,
    fault: Fault::Gateway,
    text: "Oauth found no public key.",
    cause: Words {
        en: "The authorization API has no public key to verify tokens with.",
        zh: "授权 API 没有用于验证令牌的公钥。",
    },
    remedy: Words {
        en: "The owner adds the key, or the URL of a key set.",
        zh: "请由所有者添加公钥或公钥集的 URL。",
    },
    blueking: blueking::API_CONFIG,
    ..base(Missing::OAuth)
};

static RECURSIVE: Entry = Entry {
    id: "recursive",
    status: 508,
    text: "Request passes this gateway a second time.",
    fault: Fault::Gateway,
    own: true,
    cause: Words {
        en: "The backend of an API leads back to this deployment, so that calls would go round forever.",
        zh: "API 的后端又指回了本网关，调用会无限循环。",
    },
    remedy: Words {
        en: "The owner points the backend to the server itself.",
        zh: "请由所有者把后端地址改为真正的服务器。",
    },
    blueking: blueking::RECURSIVE,
    ..base(Missing::Blueking)
};

static CONCURRENCY: Entry = Entry {
    id: "concurrency",
    status: 429,
    text: "API concurrency exceeded.",
    own: true,
    cause: Words {
        en: "As many calls as the API admits at a time are under way.",
        zh: "同时进行的调用数已达到 API 的上限。",
    },
    remedy: Words {
        en: "Wait for answers before sending further calls.",
        zh: "请等待应答后再发送后续调用。",
    },
    blueking: blueking::CONCURRENCY,
    ..base(Missing::Concurrency)
};
