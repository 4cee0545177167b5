//! Refusals of [`crate::Policy::admit`] that are not about credentials, in the order of its
//! checks: suspension, parameters, CORS, applications, addresses; and APIs whose settings are
//! faulty.

use record::Fault;

use super::{Entry, PLAIN, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry { status: 403, blueking: blueking::PARAMETER, ..PLAIN };

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &SUSPENDED_ARREARS,
    &SUSPENDED_COMPLIANCE,
    &CORS_FAULTY,
    &API_FAULTY,
    &MOCK_FAULTY,
    &PARAMETER_UNREADABLE,
    &HEADER_REQUIRED,
    &PATH_VARIABLE_REQUIRED,
    &QUERY_REQUIRED,
    &FORM_TYPE,
    &FORM_REQUIRED,
    &CROSS_ORIGIN,
    &APPLICATION_NOT_BOUND,
    &ADDRESS_UNKNOWN,
    &ADDRESS_REFUSED,
];

/// An operator suspended the service or the API for unpaid bills.
pub static SUSPENDED_ARREARS: Entry = Entry {
    id: "suspended-arrears",
    text: "Service is suspended for arrears.",
    own: true,
    cause: Words {
        en: "An operator has suspended what was called because bills of its owner are unpaid.",
        zh: "因所有者欠费，运维人员已暂停所调用的服务或 API。",
    },
    remedy: Words {
        en: "The owner settles the bills and asks the operator to lift the suspension.",
        zh: "请由所有者结清账单，并联系运维人员恢复服务。",
    },
    blueking: blueking::SUSPENDED,
    ..BASE
};

/// An operator suspended the service or the API for what it serves.
pub static SUSPENDED_COMPLIANCE: Entry = Entry {
    id: "suspended-compliance",
    text: "Service is suspended for compliance.",
    own: true,
    cause: Words {
        en: "An operator has suspended what was called because its content breaks the rules.",
        zh: "因内容违规，运维人员已暂停所调用的服务或 API。",
    },
    remedy: Words {
        en: "The owner removes what breaks the rules and asks the operator to look again.",
        zh: "请由所有者整改违规内容，并联系运维人员复核。",
    },
    blueking: blueking::SUSPENDED,
    ..BASE
};

/// What the entries of APIs with faulty settings have in common.
const FAULTY: Entry = Entry {
    status: 481,
    fault: Fault::Gateway,
    remedy: Words {
        en: "The owner mends it: `tollgate check` names the line.",
        zh: "请由所有者修正，`tollgate check` 会指出出错的行。",
    },
    blueking: blueking::API_CONFIG,
    ..BASE
};

/// The API's CORS settings are faulty.
pub static CORS_FAULTY: Entry = Entry {
    id: "cors-config",
    text: "Found no valid cors config.",
    cause: Words {
        en: "The CORS settings of the API are faulty, so that it is out of service.",
        zh: "API 的 CORS 配置有误，该 API 暂停服务。",
    },
    ..FAULTY
};

/// What the API asks of keys is faulty.
pub static API_FAULTY: Entry = Entry {
    id: "api-config",
    text: "API config error.",
    cause: Words {
        en: "The settings of the API name credentials that the gateway does not know, so that it is \
             out of service.",
        zh: "API 配置的认证方式无法识别，该 API 暂停服务。",
    },
    ..FAULTY
};

/// The API's fixed answer is faulty.
pub static MOCK_FAULTY: Entry = Entry {
    id: "mock-config",
    text: "Mock config error.",
    cause: Words {
        en: "The fixed answer (mock) of the API can not be sent as it is written, so that it is out \
             of service.",
        zh: "API 的固定应答（mock）配置有误，无法发送，该 API 暂停服务。",
    },
    ..FAULTY
};

/// A query, path variable or form that can not be decoded.
pub static PARAMETER_UNREADABLE: Entry = Entry {
    id: "parameter-unreadable",
    text: "Get xxx params fail.",
    cause: Words {
        en: "The parameters in the xxx can not be decoded: a percent sign without two hexadecimal \
             digits, or bytes that are no UTF-8.",
        zh: "无法解码 xxx 中的参数：百分号后不是两位十六进制数，或字节不是合法的 UTF-8。",
    },
    remedy: Words {
        en: "Percent-encode the UTF-8 bytes of what stands in the xxx.",
        zh: "请把 xxx 中的内容按 UTF-8 字节做百分号编码。",
    },
    ..BASE
};

/// A required header was not sent.
pub static HEADER_REQUIRED: Entry = Entry {
    id: "header-required",
    text: "header xxx is required.",
    cause: Words {
        en: "The API demands the header xxx, and the request has none.",
        zh: "API 要求携带 xxx 头，但请求中没有。",
    },
    remedy: Words { en: "Send the header xxx.", zh: "请在请求中加上 xxx 头。" },
    ..BASE
};

/// A required path variable is not in the path.
pub static PATH_VARIABLE_REQUIRED: Entry = Entry {
    id: "path-variable-required",
    text: "path variable xxx is required.",
    cause: Words {
        en: "The API demands the path variable xxx, and its path has none of that name.",
        zh: "API 要求路径变量 xxx，但其路径中没有这个变量。",
    },
    remedy: Words {
        en: "The owner writes {xxx} into the path of the API, or no longer demands it.",
        zh: "请由所有者在 API 路径中加入 {xxx}，或不再要求该变量。",
    },
    ..BASE
};

/// A required query parameter was not sent.
pub static QUERY_REQUIRED: Entry = Entry {
    id: "query-required",
    text: "querystring xxx is required.",
    cause: Words {
        en: "The API demands the query parameter xxx, and the request has none.",
        zh: "API 要求查询参数 xxx，但请求中没有。",
    },
    remedy: Words {
        en: "Add the parameter xxx behind the question mark of the URL.",
        zh: "请在 URL 问号之后加上参数 xxx。",
    },
    ..BASE
};

/// Form parameters are required, and the body is no form.
pub static FORM_TYPE: Entry = Entry {
    id: "form-type",
    text: "req content type need application/x-www-form-urlencoded.",
    cause: Words {
        en: "The API demands parameters in the body, and the request does not say that its body is \
             a form.",
        zh: "API 要求 Body 参数，但请求没有声明 Body 为表单格式。",
    },
    remedy: Words {
        en: "Send the parameters as a form, with Content-Type: application/x-www-form-urlencoded.",
        zh: "请以表单格式发送参数，并设置 Content-Type: application/x-www-form-urlencoded。",
    },
    ..BASE
};

/// A required form parameter was not sent.
pub static FORM_REQUIRED: Entry = Entry {
    id: "form-required",
    text: "body param xxx is required.",
    cause: Words {
        en: "The API demands the form parameter xxx, and the part of the body that the gateway reads \
             has none.",
        zh: "API 要求表单参数 xxx，但网关读取的 Body 部分中没有。",
    },
    remedy: Words {
        en: "Put xxx into the form, near its beginning.",
        zh: "请在表单靠前的位置加上参数 xxx。",
    },
    ..BASE
};

/// A request from another origin to an API without CORS.
pub static CROSS_ORIGIN: Entry = Entry {
    id: "cross-origin",
    status: 429,
    text: "req is cross origin, api $uri need open cors flag on qcloud apigateway.",
    cause: Words {
        en: "A page of another origin called $uri, and CORS is off for that API.",
        zh: "其他源的页面调用了 $uri，而该 API 没有开启 CORS。",
    },
    remedy: Words {
        en: "The owner switches CORS on for $uri, or the page is served from the API's own origin.",
        zh: "请由所有者为 $uri 开启 CORS，或让页面与 API 同源。",
    },
    blueking: blueking::CROSS_ORIGIN,
    ..BASE
};

/// An application that is not bound to the API.
pub static APPLICATION_NOT_BOUND: Entry = Entry {
    id: "application-not-bound",
    text: "Found no validate apiapp.",
    cause: Words {
        en: "The application is bound to the service, but not to this API.",
        zh: "应用绑定了该服务，但没有绑定到这个 API。",
    },
    remedy: Words {
        en: "The owner of the service binds the application to the API.",
        zh: "请由服务的所有者把应用绑定到这个 API。",
    },
    blueking: blueking::NO_PERMISSION,
    ..BASE
};

/// A rule for addresses applies, and the client's is not known.
pub static ADDRESS_UNKNOWN: Entry = Entry {
    id: "address-unknown",
    text: "Cannot identify the client IP address, unix domain sockets are not supported.",
    cause: Words {
        en: "The API admits clients by address, and what stands before the gateway did not say the \
             client's.",
        zh: "API 按地址放行客户端，但网关前面的代理没有给出客户端地址。",
    },
    remedy: Words {
        en: "Let the proxy before the gateway send the client's address in its PROXY header.",
        zh: "请让网关前面的代理在 PROXY 头中传递客户端地址。",
    },
    blueking: blueking::IP_NOT_ALLOWED,
    ..BASE
};

/// The client's address is on the deny list, or not on the allow list.
pub static ADDRESS_REFUSED: Entry = Entry {
    id: "address-refused",
    text: "Client IP address is not allowed.",
    own: true,
    cause: Words {
        en: "The API's address lists do not admit the client's address.",
        zh: "API 的地址名单不允许该客户端地址访问。",
    },
    remedy: Words {
        en: "Call from an admitted address, or let the owner change the lists.",
        zh: "请从允许的地址调用，或由所有者修改名单。",
    },
    blueking: blueking::IP_NOT_ALLOWED,
    ..BASE
};
