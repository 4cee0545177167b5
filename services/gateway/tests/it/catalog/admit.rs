//! Cases of what a request has to bring, but for the key pair.

use super::How::{Alone, Send};
use super::{Case, Raised, ask, case, worlds};
use crate::client::Client;

pub const CASES: &[Case] = &[
    case("suspended-arrears", Send("GET /release/arrears HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("suspended-compliance", Send("GET /release/compliance HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("cors-config", Send("GET /release/faulty-cors HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("api-config", Send("GET /release/faulty-key HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("mock-config", Send("GET /release/faulty-mock HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    Case {
        values: &[("xxx", "query")],
        ..case(
            "parameter-unreadable",
            Send("GET /release/query?city=%ff HTTP/1.1\r\nHost: a.test\r\n\r\n"),
        )
    },
    Case {
        values: &[("xxx", "X-Tenant")],
        ..case("header-required", Send("GET /release/header HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    Case {
        values: &[("xxx", "id")],
        ..case("path-variable-required", Send("GET /release/path HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    Case {
        values: &[("xxx", "city")],
        ..case("query-required", Send("GET /release/query HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
    case(
        "form-type",
        Send(
            "POST /release/form HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n\
             Content-Length: 6\r\n\r\nname=x",
        ),
    ),
    Case {
        values: &[("xxx", "name")],
        ..case(
            "form-required",
            Send(
                "POST /release/form HTTP/1.1\r\nHost: a.test\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1",
            ),
        )
    },
    Case {
        values: &[("$uri", "/get")],
        ..case(
            "cross-origin",
            Send("GET /release/get HTTP/1.1\r\nHost: a.test\r\nOrigin: https://shop.test\r\n\r\n"),
        )
    },
    case(
        "application-not-bound",
        Send(
            "GET /release/app HTTP/1.1\r\nHost: a.test\r\nX-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
             Authorization: hmac id=\"APPother\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    case("address-unknown", Alone(address_unknown)),
    case("address-refused", Send("GET /release/deny HTTP/1.1\r\nHost: a.test\r\n\r\n")),
];

/// The balancer does not name its client, and the API admits by address.
fn address_unknown() -> Raised {
    let mut world = worlds::balanced();
    let mut client = Client::connect(world.address);
    client.send("PROXY UNKNOWN\r\n");
    ask(&mut world, &mut client, "GET /release/deny HTTP/1.1\r\nHost: a.test\r\n\r\n")
}
