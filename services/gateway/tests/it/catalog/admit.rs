//! Cases of what a request has to bring, but for the key pair.

use super::How::{Alone, Get, Send};
use super::hmac::DATE;
use super::{Case, Raised, ask, case, worlds};
use crate::client::Client;

pub const CASES: &[Case] = &[
    case("suspended-arrears", Get("/release/arrears", &[])),
    case("suspended-compliance", Get("/release/compliance", &[])),
    case("cors-config", Get("/release/faulty-cors", &[])),
    case("api-config", Get("/release/faulty-key", &[])),
    case("mock-config", Get("/release/faulty-mock", &[])),
    Case {
        values: &[("xxx", "query")],
        ..case("parameter-unreadable", Get("/release/query?city=%ff", &[]))
    },
    Case { values: &[("xxx", "X-Tenant")], ..case("header-required", Get("/release/header", &[])) },
    Case { values: &[("xxx", "id")], ..case("path-variable-required", Get("/release/path", &[])) },
    Case { values: &[("xxx", "city")], ..case("query-required", Get("/release/query", &[])) },
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
        ..case("cross-origin", Get("/release/get", &["Origin: https://shop.test"]))
    },
    case(
        "application-not-bound",
        Get(
            "/release/app",
            &[
                DATE,
                r#"Authorization: hmac id="APPother", algorithm="hmac-sha1", headers="x-date", signature="x""#,
            ],
        ),
    ),
    case("address-unknown", Alone(address_unknown)),
    case("address-refused", Get("/release/deny", &[])),
];

/// The balancer does not name its client, and the API admits by address.
fn address_unknown() -> Raised {
    let mut world = worlds::balanced();
    let mut client = Client::connect(world.address);
    client.send("PROXY UNKNOWN\r\n");
    ask(&mut world, &mut client, "GET /release/deny HTTP/1.1\r\nHost: a.test\r\n\r\n")
}
