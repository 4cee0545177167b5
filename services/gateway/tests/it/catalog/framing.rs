//! Cases of what arrives: framing, limits of size and of time.

use super::How::{Make, Send, Stall};
use super::worlds::{BODY, HEAD, URI};
use super::{Case, case};

pub const CASES: &[Case] = &[
    case("malformed", Send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n")),
    case("malformed", Send("hello\r\n\r\n")),
    case(
        "length-and-chunked",
        Send(
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\
             Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ),
    case(
        "length-repeated",
        Send(
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\
             Content-Length: 3\r\n\r\nabc",
        ),
    ),
    case(
        "length-invalid",
        Send("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: +3\r\n\r\nabc"),
    ),
    case(
        "transfer-encoding",
        Send(
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\
             \r\n0\r\n\r\n",
        ),
    ),
    case(
        "chunk-invalid",
        Send(
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ),
    ),
    case("bare-lf", Send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX: a\n\r\n")),
    case("header-folded", Send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n")),
    case(
        "host-repeated",
        Send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n"),
    ),
    case("host-differs", Send("GET http://b.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("head-timeout", Stall("GET /release/b/x HTTP/1.1\r\nHost: a.te")),
    case(
        "body-timeout",
        Stall("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc"),
    ),
    case(
        "body-too-large",
        Make(|| {
            let length = BODY + 1;
            let head = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n";
            format!("{head}Content-Length: {length}\r\n\r\n")
        }),
    ),
    case(
        "uri-too-long",
        Make(|| format!("GET /{} HTTP/1.1\r\nHost: a.test\r\n\r\n", "a".repeat(URI))),
    ),
    case(
        "head-too-large",
        Make(|| {
            let long = "a".repeat(HEAD);
            format!("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX: {long}\r\n\r\n")
        }),
    ),
];
