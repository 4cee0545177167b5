//! Refusals of what arrives: framing that two servers could read in two ways, limits of size and
//! time. All are our own: the provider's tables have no such rows.
//!
//! After each of these the connection closes: where the next request would begin is unknown.

use super::{Entry, PLAIN, RaisedBy, Words, blueking};

/// What the entries of this file have in common.
const BASE: Entry = Entry {
    status: 400,
    own: true,
    raised_by: RaisedBy::Gateway,
    blueking: blueking::MALFORMED,
    ..PLAIN
};

/// All entries of this file.
pub(super) static ENTRIES: &[&Entry] = &[
    &MALFORMED,
    &LENGTH_AND_CHUNKED,
    &LENGTH_REPEATED,
    &LENGTH_INVALID,
    &TRANSFER_ENCODING,
    &CHUNK_INVALID,
    &BARE_LF,
    &HEADER_FOLDED,
    &HOST_REPEATED,
    &HOST_DIFFERS,
    &HEAD_TIMEOUT,
    &BODY_TIMEOUT,
    &BODY_TOO_LARGE,
    &URI_TOO_LONG,
    &HEAD_TOO_LARGE,
];

/// A request line or header that is not HTTP/1.1.
pub static MALFORMED: Entry = Entry {
    id: "malformed",
    text: "Request can not be parsed.",
    cause: Words {
        en: "The request line or a header is not what HTTP/1.1 demands.",
        zh: "请求行或某个头不符合 HTTP/1.1 的要求。",
    },
    remedy: Words {
        en: "Send the request with an HTTP library, and look for control characters in header values.",
        zh: "请使用 HTTP 库发送请求，并检查头的值中是否有控制字符。",
    },
    ..BASE
};

/// Two ways to say where the body ends.
pub static LENGTH_AND_CHUNKED: Entry = Entry {
    id: "length-and-chunked",
    text: "Both Content-Length and Transfer-Encoding are present.",
    cause: Words {
        en: "The request says in two ways where its body ends. Gateway and backend could cut it differently.",
        zh: "请求用两种方式说明请求体的结尾，网关和后端可能有不同的理解。",
    },
    remedy: Words {
        en: "Send Content-Length or Transfer-Encoding, not both.",
        zh: "Content-Length 与 Transfer-Encoding 只能发送其一。",
    },
    ..BASE
};

/// More than one `Content-Length`.
pub static LENGTH_REPEATED: Entry = Entry {
    id: "length-repeated",
    text: "Content-Length is repeated.",
    cause: Words {
        en: "Content-Length was sent more than once, or with several values.",
        zh: "Content-Length 出现多次，或带有多个值。",
    },
    remedy: Words { en: "Send it once.", zh: "请只发送一次。" },
    ..BASE
};

/// A `Content-Length` that is no number.
pub static LENGTH_INVALID: Entry = Entry {
    id: "length-invalid",
    text: "Content-Length is not a number.",
    cause: Words {
        en: "Content-Length holds something other than decimal digits, or a number that is too large.",
        zh: "Content-Length 含有十进制数字以外的内容，或数值过大。",
    },
    remedy: Words {
        en: "Send the length of the body in bytes, in digits only.",
        zh: "请只用数字填写请求体的字节数。",
    },
    ..BASE
};

/// A `Transfer-Encoding` other than `chunked`.
pub static TRANSFER_ENCODING: Entry = Entry {
    id: "transfer-encoding",
    text: "Transfer-Encoding is not supported.",
    cause: Words {
        en: "Transfer-Encoding is something other than a single `chunked`, or came with HTTP/1.0.",
        zh: "Transfer-Encoding 不是单个 `chunked`，或出现在 HTTP/1.0 请求中。",
    },
    remedy: Words {
        en: "Send `Transfer-Encoding: chunked` with HTTP/1.1, or Content-Length.",
        zh: "请在 HTTP/1.1 中使用 `Transfer-Encoding: chunked`，或改用 Content-Length。",
    },
    ..BASE
};

/// A chunk whose size or end is wrong.
pub static CHUNK_INVALID: Entry = Entry {
    id: "chunk-invalid",
    text: "Chunk of the body is malformed.",
    cause: Words {
        en: "The size of a chunk is no hexadecimal number, or the chunk does not end where it says.",
        zh: "某个分块的长度不是十六进制数，或分块没有在所声明的位置结束。",
    },
    remedy: Words {
        en: "Look at the code that writes the chunks, or send Content-Length.",
        zh: "请检查写分块的代码，或改用 Content-Length。",
    },
    ..BASE
};

/// A line that ends with LF alone.
pub static BARE_LF: Entry = Entry {
    id: "bare-lf",
    text: "Line of the head ends without CR.",
    cause: Words {
        en: "A line of the request's head ends with LF alone. Not every server takes that as an end.",
        zh: "请求头部有一行只以 LF 结尾，并非所有服务器都把它当作行尾。",
    },
    remedy: Words { en: "End each line with CR LF.", zh: "每一行请以 CR LF 结尾。" },
    ..BASE
};

/// A header that goes on in a second line.
pub static HEADER_FOLDED: Entry = Entry {
    id: "header-folded",
    text: "Header line is folded.",
    cause: Words {
        en: "A line of the head begins with a space: the old way to continue a header, which HTTP/1.1 gave up.",
        zh: "头部有一行以空白开头，这是 HTTP/1.1 已废弃的续行写法。",
    },
    remedy: Words { en: "Write each header in one line.", zh: "每个头请写在一行内。" },
    ..BASE
};

/// More than one `Host`.
pub static HOST_REPEATED: Entry = Entry {
    id: "host-repeated",
    text: "Host is repeated.",
    cause: Words { en: "The Host header was sent more than once.", zh: "Host 头出现多次。" },
    remedy: Words { en: "Send it once.", zh: "请只发送一次。" },
    ..BASE
};

/// An absolute request target with another host.
pub static HOST_DIFFERS: Entry = Entry {
    id: "host-differs",
    text: "Host of the request line and Host header differ.",
    cause: Words {
        en: "The request line names one host and the Host header another.",
        zh: "请求行中的域名与 Host 头不一致。",
    },
    remedy: Words {
        en: "Send the path only in the request line, or the same host in both places.",
        zh: "请求行中只写路径，或让两处的域名一致。",
    },
    ..BASE
};

/// The head did not arrive in time.
pub static HEAD_TIMEOUT: Entry = Entry {
    id: "head-timeout",
    status: 408,
    text: "Request head timed out.",
    cause: Words {
        en: "The request began, but its head was not complete in time.",
        zh: "请求已开始，但头部没有在规定时间内到齐。",
    },
    remedy: Words {
        en: "Send the whole head at once, and check the client's connection.",
        zh: "请一次发送完整的头部，并检查客户端的网络。",
    },
    blueking: blueking::REQUEST_TIMEOUT,
    ..BASE
};

/// The body stopped arriving.
pub static BODY_TIMEOUT: Entry = Entry {
    id: "body-timeout",
    status: 408,
    text: "Request body timed out.",
    cause: Words {
        en: "The body of the request stopped arriving for longer than the gateway waits.",
        zh: "请求体中断的时间超过了网关的等待时间。",
    },
    remedy: Words {
        en: "Send the body without long pauses, and check the client's connection.",
        zh: "请不要在发送请求体时长时间停顿，并检查客户端的网络。",
    },
    blueking: blueking::REQUEST_TIMEOUT,
    ..BASE
};

/// A body above the limit.
pub static BODY_TOO_LARGE: Entry = Entry {
    id: "body-too-large",
    status: 413,
    text: "Request body is too large.",
    cause: Words {
        en: "The body of the request is larger than the gateway's limit.",
        zh: "请求体超过了网关的大小限制。",
    },
    remedy: Words {
        en: "Send less at once, or let the operator raise the limit.",
        zh: "请减小单次请求的大小，或由运维人员调高限制。",
    },
    blueking: blueking::BODY_SIZE,
    ..BASE
};

/// A request target above the limit.
pub static URI_TOO_LONG: Entry = Entry {
    id: "uri-too-long",
    status: 414,
    text: "Request URI is too long.",
    cause: Words {
        en: "Path and query together are longer than the gateway's limit.",
        zh: "路径与查询串的总长度超过了网关的限制。",
    },
    remedy: Words {
        en: "Send long parameters in the body.", zh: "较长的参数请放在请求体中。"
    },
    blueking: blueking::URI_SIZE,
    ..BASE
};

/// A head above the limits of size or number of headers.
pub static HEAD_TOO_LARGE: Entry = Entry {
    id: "head-too-large",
    status: 431,
    text: "Request head is too large.",
    cause: Words {
        en: "The head of the request is larger than the gateway's limit, or has too many headers.",
        zh: "请求头部超过了网关的大小限制，或头的数量过多。",
    },
    remedy: Words {
        en: "Look for cookies and tokens that have grown.",
        zh: "请检查是否有过大的 Cookie 或令牌。",
    },
    blueking: blueking::HEAD_SIZE,
    ..BASE
};
