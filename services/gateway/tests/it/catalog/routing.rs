//! Cases of hosts, environments, schemes, paths and methods.

use super::How::Send;
use super::{Case, case};

pub const CASES: &[Case] = &[
    case("host-missing", Send("GET /release/get HTTP/1.1\r\n\r\n")),
    case("host-missing", Send("GET /release/get HTTP/1.1\r\nHost:\r\n\r\n")),
    case("host-invalid", Send("GET /release/get HTTP/1.1\r\nHost: a b\r\n\r\n")),
    Case {
        values: &[("$host", "no.test")],
        ..case("host-unknown", Send("GET /release/get HTTP/1.1\r\nHost: No.test:80\r\n\r\n"))
    },
    case("path-bad-percent", Send("GET /release/get/100% HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("path-dot-segment", Send("GET /release/b/%2e%2E/x HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("method-unknown", Send("BREW /release/get HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    Case {
        values: &[("$env_mapping", "live")],
        ..case("environment-unknown", Send("GET /live/get HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    Case {
        values: &[("$env_mapping", "v2")],
        ..case("mapping-unknown", Send("GET /v2/get HTTP/1.1\r\nHost: mapped.test\r\n\r\n"))
    },
    case("http-not-allowed", Send("GET /release/x HTTP/1.1\r\nHost: tls.test\r\n\r\n")),
    case("http-unknown", Send("GET /release/x HTTP/1.1\r\nHost: tls404.test\r\n\r\n")),
    case(
        "https-not-allowed",
        Send("GET /release/x HTTP/1.1\r\nHost: plain.test\r\nX-Forwarded-Proto: https\r\n\r\n"),
    ),
    case(
        "https-unknown",
        Send("GET /release/x HTTP/1.1\r\nHost: plain404.test\r\nX-Forwarded-Proto: https\r\n\r\n"),
    ),
    case("no-api", Send("GET /release/x HTTP/1.1\r\nHost: empty.test\r\n\r\n")),
    Case {
        values: &[("$uri", "/none"), ("$host", "a.test")],
        ..case("uri-unknown", Send("GET /release/none?x HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    // Not published there.
    Case {
        values: &[("$uri", "/get"), ("$host", "a.test")],
        ..case("uri-unknown", Send("GET /test/get HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    case("method-not-allowed", Send("DELETE /release/get HTTP/1.1\r\nHost: a.test\r\n\r\n")),
];
