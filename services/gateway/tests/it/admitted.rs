//! What a request has to bring before it is forwarded, and what a browser is told.

use record::Fault;

use crate::backend::Backend;
use crate::world::{Plan, World, policy_of, service};

/// Of `date: Mon, 01 Jan 2001 00:00:00 GMT\nsource: demo`, made by Python's `hmac` module with
/// `pair-secret` and sha256.
const SIGNED: &str = r#"Authorization: hmac id="AKIDpair", algorithm="hmac-sha256", headers="date source", signature="87yt+1ksld53kQBOhxNwtI0BPsrljI1RAX+L58bsJko=""#;

/// One of all APIs, and an application's that is not for the API that it is tried on.
const KEYS: &str = r#"
keys:
  - {secret_id: AKIDpair, secret: pair-secret, account: "2002", services: [service-a]}
  - secret_id: APPother
    kind: application
    secret: app-secret
    account: "2003"
    services: [service-a]
    apis: [api-open]
"#;

fn world(backend: &Backend) -> World {
    let address = backend.address;
    let apis = format!(
        r#"
- id: api-arrears
  path: /arrears
  suspended: {{reason: arrears}}
  backend: {{url: "http://{address}"}}
- id: api-params
  path: /params
  parameters: [{{in: header, name: X-Tenant}}, {{in: query, name: city}}]
  backend: {{url: "http://{address}"}}
- id: api-form
  path: /form
  parameters: [{{in: form, name: name}}]
  backend: {{url: "http://{address}"}}
- id: api-cors
  path: /cors
  methods: [PUT]
  cors: true
  auth: key-pair
  backend: {{url: "http://{address}"}}
- id: api-shop
  path: /shop
  cors: {{origins: ["https://shop.test"], credentials: false}}
  backend: {{url: "http://{address}"}}
- id: api-deny
  path: /deny
  addresses: {{deny: [127.0.0.0/8, "::1"]}}
  backend: {{url: "http://{address}"}}
- id: api-app
  path: /app
  auth: application
  backend: {{url: "http://{address}"}}
- id: api-open
  path: /open
  backend: {{url: "http://{address}"}}
"#
    );
    World::with(Plan::default(), policy_of(&(service(&apis) + KEYS)))
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn each_refusal_has_its_answer_and_its_record() {
    let backend = Backend::answering(OK);
    let mut world = world(&backend);
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1";
    let app = "Authorization: hmac id=\"APPother\", algorithm=\"hmac-sha1\", headers=\"x-date\", signature=\"x\"\r\n\r\n";
    for (line, rest, status, text) in [
        ("GET /release/arrears", "\r\n", 403, "Service is suspended for arrears."),
        ("GET /release/params?city=x", "\r\n", 403, "header X-Tenant is required."),
        ("GET /release/params", "X-Tenant: a\r\n\r\n", 403, "querystring city is required."),
        ("GET /release/params?city=%f", "X-Tenant: a\r\n\r\n", 403, "Get query params fail."),
        (
            "POST /release/form",
            "Content-Length: 6\r\n\r\nname=x",
            403,
            "req content type need application/x-www-form-urlencoded.",
        ),
        ("POST /release/form", form, 403, "body param name is required."),
        (
            "GET /release/open",
            "Origin: https://shop.test\r\n\r\n",
            429,
            "req is cross origin, api /open need open cors flag on qcloud apigateway.",
        ),
        ("PUT /release/cors", "\r\n", 401, "HMAC authorization format error."),
        ("GET /release/deny", "\r\n", 403, "Client IP address is not allowed."),
        (
            "GET /release/app",
            app,
            401,
            "HMAC signature cannot be verified, a valid x-date header is required for HMAC Authentication.",
        ),
    ] {
        let (answer, record) = world.call(&format!("{line} HTTP/1.1\r\nHost: a.test\r\n{rest}"));
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.body, format!(r#"{{"message":"{text}"}}"#).into_bytes(), "{line}");
        assert_eq!((record.err_msg.as_ref(), record.fault), (text, Fault::Client), "{line}");
        assert_eq!((record.ups_st.as_ref(), record.account.as_ref()), ("", "1001"), "{line}");
        assert!(record.api_id.starts_with("api-") && record.caller.is_empty(), "{line}");
    }
    assert_eq!(backend.seen().iter().map(|seen| seen.requests).sum::<u64>(), 0);
}

#[test]
fn what_is_admitted_is_forwarded_and_a_form_arrives_whole() {
    let backend = Backend::answering(OK);
    let mut world = world(&backend);
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let long = format!("name=x&b={}", "y".repeat(200_000));
    let (hex, length) = (format!("{:x}", long.len()), long.len());
    for request in [
        "GET /release/params?city=x HTTP/1.1\r\nHost: a.test\r\nX-Tenant: a\r\n\r\n".to_owned(),
        format!("POST /release/form HTTP/1.1\r\nHost: a.test\r\n{form}Content-Length: {length}\r\n\r\n{long}"),
        format!("POST /release/form HTTP/1.1\r\nHost: a.test\r\n{form}Transfer-Encoding: chunked\r\n\r\n{hex}\r\n{long}\r\n0\r\n\r\n"),
        "POST /release/form HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\nname=x".to_owned(),
    ] {
        let (answer, record) = world.call(&request);
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
        assert_eq!((record.ups_st.as_ref(), record.fault), ("200", Fault::None));
        let body = request.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len()) as u64;
        assert!(record.ups_req_len > body, "{} of {body}", record.ups_req_len);
    }
}

#[test]
fn a_browser_asks_first_and_reads_the_answer_even_of_a_refusal() {
    let backend = Backend::answering(OK);
    let mut world = world(&backend);
    let origin = "Host: a.test\r\nOrigin: https://shop.test\r\n";
    let ask = format!(
        "OPTIONS /release/cors HTTP/1.1\r\n{origin}Access-Control-Request-Method: PUT\r\n\r\n"
    );
    let (answer, record) = world.call(&ask);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(answer.header("access-control-max-age"), Some("86400"));
    assert_eq!((record.api_id.as_ref(), record.ups_st.as_ref()), ("api-cors", ""));
    assert_eq!((record.err_msg.as_ref(), record.fault), ("", Fault::None));

    let put = format!("PUT /release/cors HTTP/1.1\r\n{origin}");
    let (answer, _) = world.call(&format!("{put}\r\n"));
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, Some("*")));
    let signed =
        format!("{put}Date: Mon, 01 Jan 2001 00:00:00 GMT\r\nSource: demo\r\n{SIGNED}\r\n\r\n");
    let (answer, record) = world.call(&signed);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!((record.caller.as_ref(), record.secret_id.as_ref()), ("2002", "AKIDpair"));

    let (answer, _) = world.call(&format!("GET /release/shop HTTP/1.1\r\n{origin}\r\n"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.test"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    // Of a method that the API does not have, there is nothing to ask for.
    let (answer, _) = world.call(&ask.replace("Method: PUT", "Method: GET"));
    assert_eq!(answer.status, 405);
}

/// What the API adds makes the target longer than any request line can be.
#[test]
fn a_query_that_can_not_be_built_is_said() {
    let backend = Backend::answering(OK);
    let (address, base) = (backend.address, "b".repeat(1500));
    let apis = format!("- {{id: api-q, path: /q, backend: {{url: 'http://{address}/{base}'}}}}");
    let mut plan = Plan::default();
    (plan.config.limits.uri, plan.config.limits.head) = (65_000, 80_000);
    let mut world = World::with(plan, policy_of(&service(&apis)));
    let query = "q".repeat(64_500);
    let (answer, record) =
        world.call(&format!("GET /release/q?{query} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    assert_eq!(answer.status, 500);
    assert_eq!(answer.body, br#"{"message":"Error occurred during query params."}"#);
    assert_eq!((record.fault, record.ups_st.as_ref()), (Fault::Gateway, ""));
}
