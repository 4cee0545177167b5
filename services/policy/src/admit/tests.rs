use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};

use super::*;
use crate::hmac::tests::NOW;
use crate::testing::{read, read_but_faults};
use crate::{RouteRequest, Scheme};

/// A request without anything but a path and headers.
pub(crate) fn request<'r>(path: &'r str, headers: &'r HeaderMap) -> AdmitRequest<'r> {
    AdmitRequest {
        scheme: "http",
        host: Some(b"a.test"),
        method: "GET",
        path,
        query: None,
        headers,
        form: b"",
        client: Some([192, 0, 2, 1].into()),
        now: NOW,
    }
}

const POLICY: &str = r#"
services:
  - id: service-a
    account: "1"
    hosts: [a.test]
    apis:
      - {id: api-arrears, path: /arrears, suspended: {reason: arrears}, backend: {mock: {}}}
      - id: api-all
        path: /all
        suspended: {reason: compliance}
        parameters: [{in: header, name: X-Tenant}]
        auth: key-pair
        addresses: {allow: [198.51.100.0/24]}
        backend: {mock: {}}
      - id: api-most
        path: /most
        parameters: [{in: header, name: X-Tenant}]
        auth: key-pair
        addresses: {allow: [198.51.100.0/24]}
        backend: {mock: {}}
      - {id: api-header, path: /header, parameters: [{in: header, name: X-Tenant}], backend: {mock: {}}}
      - {id: api-query, path: /query, parameters: [{in: query, name: city}], backend: {mock: {}}}
      - {id: api-path, path: "/path/{id}", parameters: [{in: path, name: id}], backend: {mock: {}}}
      - {id: api-plain, path: /plain/, parameters: [{in: path, name: id}], backend: {mock: {}}}
      - {id: api-form, path: /form, parameters: [{in: form, name: name}], backend: {mock: {}}}
      - {id: api-deny, path: /deny, addresses: {deny: [192.0.2.1]}, backend: {mock: {}}}
      - {id: api-cors, path: /cors, cors: true, auth: key-pair, backend: {mock: {}}}
      - {id: api-app, path: /app, auth: application, backend: {mock: {}}}
      - {id: api-open, path: /open, backend: {mock: {}}}
      - {id: api-magic, path: /magic, auth: magic, cors: true, backend: {mock: {}}}
      - {id: api-worn, path: /worn, cors: {origins: [shop.test]}, auth: magic, backend: {mock: {}}}
      - {id: api-dull, path: /dull, parameters: [{in: query, name: a}], backend: {mock: {status: 99}}}
      - {id: api-late, path: /late, suspended: {reason: arrears}, backend: {mock: {status: 99}}}
  - id: service-b
    account: "1"
    hosts: [b.test]
    suspended: {reason: compliance}
    apis: [{id: api-b, path: /, backend: {mock: {}}}]
  - id: service-weather
    account: "1"
    hosts: [weather.test]
    apis:
      - {id: api-forecast, path: /forecast/, auth: application, backend: {mock: {}}}
      - {id: api-other, path: /other, auth: application, backend: {mock: {}}}
keys:
  - secret_id: APPweather
    kind: application
    secret: app-secret
    account: "2"
    services: [service-weather]
    apis: [api-forecast]
  - {secret_id: AKIDpair, secret: pair-secret, account: "2", services: [service-weather]}
"#;

/// One request, and what refuses it.
struct Row {
    id: &'static str,
    text: &'static str,
    host: &'static str,
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    client: Option<[u8; 4]>,
}

const BASE: Row = Row {
    id: "",
    text: "",
    host: "a.test",
    method: "GET",
    target: "/release/open",
    headers: &[],
    body: "",
    client: Some([192, 0, 2, 1]),
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
const ELSEWHERE: (&str, &str) = ("origin", "https://shop.test");
const ASKS: (&str, &str) = ("access-control-request-method", "GET");

/// Each is refused by the first check that it fails.
const REFUSED: &[Row] = &[
    Row {
        id: "suspended-arrears",
        text: "Service is suspended for arrears.",
        target: "/release/arrears",
        ..BASE
    },
    Row {
        id: "suspended-compliance",
        text: "Service is suspended for compliance.",
        host: "b.test",
        ..BASE
    },
    Row {
        id: "suspended-compliance",
        text: "Service is suspended for compliance.",
        target: "/release/all",
        headers: &[ELSEWHERE],
        ..BASE
    },
    // Faulty settings: behind suspension, before everything else.
    Row {
        id: "suspended-arrears",
        text: "Service is suspended for arrears.",
        target: "/release/late",
        ..BASE
    },
    Row { id: "api-config", text: "API config error.", target: "/release/magic", ..BASE },
    Row {
        id: "api-config",
        text: "API config error.",
        method: "OPTIONS",
        target: "/release/magic",
        headers: &[ELSEWHERE, ASKS],
        ..BASE
    },
    // Of two faults the one that a request would meet first.
    Row { id: "cors-config", text: "Found no valid cors config.", target: "/release/worn", ..BASE },
    Row {
        id: "cors-config",
        text: "Found no valid cors config.",
        method: "OPTIONS",
        target: "/release/worn",
        headers: &[ELSEWHERE, ASKS],
        ..BASE
    },
    Row { id: "mock-config", text: "Mock config error.", target: "/release/dull", ..BASE },
    Row {
        id: "header-required",
        text: "header X-Tenant is required.",
        target: "/release/most",
        headers: &[ELSEWHERE],
        ..BASE
    },
    Row {
        id: "cross-origin",
        text: "req is cross origin, api /most need open cors flag on qcloud apigateway.",
        target: "/release/most",
        headers: &[ELSEWHERE, ("x-tenant", "")],
        ..BASE
    },
    Row {
        id: "hmac-format",
        text: "HMAC authorization format error.",
        target: "/release/most",
        headers: &[("x-tenant", "")],
        ..BASE
    },
    Row {
        id: "query-required",
        text: "querystring city is required.",
        target: "/release/query?citys=1",
        ..BASE
    },
    Row {
        id: "parameter-unreadable",
        text: "Get query params fail.",
        target: "/release/query?city=%ff",
        ..BASE
    },
    Row {
        id: "path-variable-required",
        text: "path variable id is required.",
        target: "/release/plain/7",
        ..BASE
    },
    Row {
        id: "parameter-unreadable",
        text: "Get path params fail.",
        target: "/release/path/%ff",
        ..BASE
    },
    Row {
        id: "form-type",
        text: "req content type need application/x-www-form-urlencoded.",
        target: "/release/form",
        headers: &[("content-type", "application/json")],
        body: "name=a",
        ..BASE
    },
    Row {
        id: "form-required",
        text: "body param name is required.",
        target: "/release/form?name=a",
        headers: &[FORM],
        body: "a=1&b=2",
        ..BASE
    },
    Row {
        id: "parameter-unreadable",
        text: "Get form params fail.",
        target: "/release/form",
        headers: &[FORM],
        body: "name=%f",
        ..BASE
    },
    // A preflight where CORS is off.
    Row {
        id: "cross-origin",
        text: "req is cross origin, api /open need open cors flag on qcloud apigateway.",
        method: "OPTIONS",
        headers: &[ELSEWHERE, ASKS],
        ..BASE
    },
    Row {
        id: "address-refused",
        text: "Client IP address is not allowed.",
        target: "/release/deny",
        ..BASE
    },
    Row {
        id: "address-unknown",
        text: "Cannot identify the client IP address, unix domain sockets are not supported.",
        target: "/release/deny",
        client: None,
        ..BASE
    },
    Row {
        id: "application-not-bound",
        text: "Found no validate apiapp.",
        host: "weather.test",
        target: "/release/other",
        headers: &[
            (
                "authorization",
                r#"hmac id="APPweather", algorithm="hmac-sha1", headers="x-date", signature="x""#,
            ),
            ("x-date", "Tue, 17 Nov 2026 12:08:49 GMT"),
        ],
        ..BASE
    },
];

/// What becomes of a request: the account of the caller, `preflight`, or the refusal's id, text
/// and body.
fn check(row: &Row) -> Result<String, (&'static str, String, String)> {
    let (policy, _) = read_but_faults(POLICY).expect("no mistakes but faults");
    let mut headers = HeaderMap::new();
    for (name, value) in row.headers {
        let value = HeaderValue::from_str(value).expect("a header value");
        headers.append(HeaderName::from_static(name), value);
    }
    let (path, query) = match row.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (row.target, None),
    };
    let host = Some(row.host.as_bytes());
    let method = preflight_method(row.method, "http", host, &headers).unwrap_or(row.method);
    let matched = policy
        .route(&RouteRequest { host, scheme: Scheme::Http, path, method })
        .expect("the request is routed");
    let request = AdmitRequest {
        host,
        method: row.method,
        query,
        form: row.body.as_bytes(),
        client: row.client.map(Into::into),
        ..request(path, &headers)
    };
    match policy.admit(&matched, &request) {
        Ok(Admitted::Call(caller)) => Ok(caller.account.to_owned()),
        Ok(Admitted::Preflight(_)) => Ok("preflight".to_owned()),
        Err(refusal) => {
            assert_eq!(refusal.api.map(|api| &api.id), Some(&matched.api.id));
            let body = refusal.body();
            Err((refusal.entry.id, refusal.text.into_owned(), body))
        }
    }
}

/// Ids of the entries that the table above raises, for the catalog's own test.
pub(crate) fn raised() -> BTreeSet<&'static str> {
    REFUSED.iter().map(|row| row.id).collect()
}

#[test]
fn the_first_check_that_fails_answers() {
    for row in REFUSED {
        let refused = check(row).expect_err("it is refused");
        assert_eq!((refused.0, &*refused.1), (row.id, row.text), "{}", row.target);
    }
}

#[test]
fn suspensions_are_listed_with_their_lines() {
    let (policy, _) = read_but_faults(POLICY).expect("no mistakes but faults");
    let line = |text: &str| 1 + POLICY.lines().position(|line| line.contains(text)).expect(text);
    let listed: Vec<_> = policy
        .suspensions()
        .map(|one| (one.service, one.api.unwrap_or(""), one.reason, one.line))
        .collect();
    let all = line("id: api-all") + 2;
    assert_eq!(
        listed,
        [
            ("service-a", "api-arrears", "arrears", line("id: api-arrears")),
            ("service-a", "api-all", "compliance", all),
            ("service-a", "api-late", "arrears", line("id: api-late")),
            ("service-b", "", "compliance", line("hosts: [b.test]") + 1),
        ]
    );
}

#[test]
fn what_has_all_that_is_asked_for_passes() {
    let rows = [
        Row { target: "/release/header", headers: &[("x-tenant", "")], ..BASE },
        Row { target: "/release/query?a=1&city=", ..BASE },
        Row { target: "/release/path/7", ..BASE },
        Row { target: "/release/form", headers: &[FORM], body: "a=1&name=b", ..BASE },
        Row { target: "/release/deny", client: Some([192, 0, 2, 2]), ..BASE },
        // Of the same origin, and a query that nobody looks at.
        Row { target: "/release/open?%", headers: &[("origin", "http://a.test")], ..BASE },
    ];
    for row in rows {
        assert_eq!(check(&row), Ok(String::new()), "{}", row.target);
    }
}

#[test]
fn a_preflight_needs_no_credentials_but_the_call_does() {
    let target = "/release/cors";
    let asked = Row { method: "OPTIONS", target, headers: &[ELSEWHERE, ASKS], ..BASE };
    assert_eq!(check(&asked), Ok("preflight".to_owned()));
    let called = check(&Row { target, headers: &[ELSEWHERE], ..BASE });
    assert_eq!(called.map_err(|(id, ..)| id), Err("hmac-format"));
}

// What applications sign, each made by Python's `hmac` module:
//
//     base64.b64encode(hmac.new(SECRET, STRING, ALGORITHM).digest())
//
// of SECRET = b"app-secret" and STRING =
//     b"source: demo\nx-date: Tue, 17 Nov 2026 12:08:49 GMT\nGET\napplication/json\n\n\n"
//     b"/forecast/1?a=1&b=2&b=1&c"
const SIGNED: [(&str, &str); 4] = [
    ("hmac-sha1", "KJH36oxnNrgbauqUREn2x/6PoTM="),
    ("hmac-sha256", "WHW/8TLmxrskg25neBhpKooxkrjyeZjPQVF/yBe69lE="),
    ("hmac-sha384", "2yTW5Q1ScjQ0I8yEz9OFCL5QYcBzGspzUOv6/QqPaqT5xDLA7pJytvwqZeGIlWU/"),
    (
        "hmac-sha512",
        "Q0hVF2QiCF76RICw1paLcT9caQtIVXp5injGbk2XQYVXcq0p+bsbKhL8H5FDNPD7Ie/jFq9kaZ+o486a4V6aDw==",
    ),
];
const SIGNED_TARGET: &str = "/release/forecast/1?b=2&c=&a=1&b=1";
// Of b"x-date: Tue, 17 Nov 2026 12:08:49 GMT\nPOST\n\napplication/json\n"
//    b"XrY7u+Ae7tCTyyK7j1rNww==\n/forecast/1" with sha256.
const SIGNED_POST: &str = "LWR5OZtPrC59uVjPx2DMl3dkWGbhaMfCTrR7Ow/eL7w=";

/// A request signed by the application; all that lives long enough for a row.
fn signed(
    id: &str,
    (algorithm, signature): (&str, &str),
    listed: &str,
    more: &[(&'static str, &'static str)],
) -> &'static [(&'static str, &'static str)] {
    let authorization = format!(
        r#"hmac id="{id}", algorithm="{algorithm}", headers="{listed}", signature="{signature}""#
    );
    let mut headers = vec![("authorization", &*authorization.leak())];
    headers.extend_from_slice(more);
    headers.leak()
}

const DATE: (&str, &str) = ("x-date", "Tue, 17 Nov 2026 12:08:49 GMT");
const MORE: [(&str, &str); 3] = [DATE, ("source", "demo"), ("accept", "application/json")];
const WEATHER: Row = Row { host: "weather.test", target: SIGNED_TARGET, ..BASE };

#[test]
fn applications_sign_with_all_algorithms() {
    for vector in SIGNED {
        let headers = signed("APPweather", vector, "X-Date Source", &MORE);
        assert_eq!(check(&Row { headers, ..WEATHER }), Ok("2".to_owned()), "{}", vector.0);
    }
    let more =
        [DATE, ("content-type", "application/json"), ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==")];
    let headers = signed("APPweather", ("hmac-sha256", SIGNED_POST), "x-date", &more);
    let post = Row { method: "POST", target: "/release/forecast/1", headers, ..WEATHER };
    assert_eq!(check(&post), Ok("2".to_owned()));
}

#[test]
fn an_application_is_told_what_it_should_have_signed() {
    let headers = signed("APPweather", ("hmac-sha1", SIGNED[1].1), "x-date source", &MORE);
    let (id, text, body) = check(&Row { headers, ..WEATHER }).expect_err("it is refused");
    assert_eq!((id, &*text), ("hmac-mismatch", "HMAC signature does not match."));
    let shown = "source: demo#x-date: Tue, 17 Nov 2026 12:08:49 GMT#GET#application/json###\
                 /forecast/1?a=1&b=2&b=1&c";
    let text = format!("HMAC signature does not match, Server StringToSign:{shown}");
    assert_eq!(body, format!(r#"{{"message":"{text}"}}"#));
}

#[test]
fn anything_that_is_signed_can_not_be_changed() {
    let headers = signed("APPweather", SIGNED[0], "x-date source", &MORE);
    let changed = [
        Row { method: "POST", ..WEATHER },
        Row { target: "/release/forecast/2?b=2&c=&a=1&b=1", ..WEATHER },
        Row { target: "/release/forecast/1?b=1&c=&a=1&b=2", ..WEATHER },
        Row { target: "/release/forecast/1?b=2&c=3&a=1&b=1", ..WEATHER },
    ];
    for row in changed {
        let refused = check(&Row { headers, ..row }).map_err(|(id, ..)| id);
        assert_eq!(refused, Err("hmac-mismatch"));
    }
}

#[test]
fn applications_need_x_date_and_their_own_kind_of_key() {
    let dated = [("date", "Tue, 17 Nov 2026 12:08:49 GMT"), MORE[1], MORE[2]];
    let headers = signed("APPweather", SIGNED[0], "date source", &dated);
    let refused = check(&Row { headers, ..WEATHER }).map_err(|(id, ..)| id);
    assert_eq!(refused, Err("hmac-x-date-invalid"));
    let headers = signed("AKIDpair", SIGNED[0], "x-date source", &MORE);
    let refused = check(&Row { headers, ..WEATHER }).map_err(|(id, ..)| id);
    assert_eq!(refused, Err("hmac-key-unknown"));
}

#[test]
fn mistakes_in_the_settings_are_named() {
    let api = |settings: &str| {
        let text = format!(
            "services:\n  - id: s\n    account: a\n    hosts: [a.test]\n    apis:\n      - {{id: i, path: /, backend: {{mock: {{}}}}, {settings}}}\n"
        );
        read(&text).expect_err("a mistake")
    };
    let rows = [
        ("suspended: {reason: mood}", "`mood` is not a reason"),
        ("suspended: {}", "`reason` is missing"),
        ("addresses: {allow: [somewhere]}", "`somewhere` is not an address or network"),
        ("addresses: {allow: []}", "at least one of the addresses is needed"),
        ("parameters: [{in: cookie, name: a}]", "`cookie` is not a place of parameters"),
        ("parameters: [{in: header, name: 'a b'}]", "`a b` is not the name of a header"),
        ("parameters: [{in: query, name: a}, {in: query, name: a}]", "stands twice"),
        ("cors: {origins: [shop.test]}", "`shop.test` is not an origin"),
        ("cors: {methods: [FETCH]}", "`FETCH` is not a known method"),
        ("cors: maybe", "`maybe` is not"),
    ];
    for (settings, expect) in rows {
        let mistakes = api(settings);
        assert!(mistakes.contains(expect), "{settings}: {mistakes}");
    }
}
