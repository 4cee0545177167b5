//! Which API answers, what its backend gets, and what the record says: each class of paths, domains,
//! versions, schemes, and what is placed into requests.

use std::time::Duration;

use record::Fault;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy_of};

/// Answers with the head that it got.
fn echo() -> Backend {
    Backend::start(|mut peer| {
        loop {
            let (head, _) = peer.request()?;
            let length = head.len();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}"))?;
        }
    })
}

fn world(backend: &Backend) -> World {
    let url = format!("http://{}", backend.address);
    let policy = policy_of(&format!(
        r#"
services:
  - id: service-a
    account: "1001"
    default_host: {{region: ap-guangzhou, suffix: apis.test}}
    domains:
      - {{host: a.test, paths: {{/: release, /try: test}}}}
      - {{host: named.test}}
    environments: {{release: v1, test: v2}}
    apis:
      - {{id: exact, path: "=/user", backend: {{url: "{url}/exact"}}}}
      - {{id: first, path: "^~/user/a", backend: {{url: "{url}/first"}}}}
      - id: user
        path: /user/{{id}}
        methods: [GET]
        backend:
          url: "{url}/by/{{id}}/end"
          query: {{source: "a b", id: "{{id}}"}}
          headers: {{X-Source: gateway, x-user: "u:{{id}}"}}
      - {{id: digits, path: "/n/[0-9]+", backend: {{url: "{url}/digits"}}}}
      - {{id: plain, path: /, versions: [v1], backend: {{url: "{url}"}}}}
      - {{id: plain, path: /, versions: [v2], backend: {{url: "{url}/next"}}}}
  - id: service-tls
    account: "1002"
    hosts: [tls.test]
    schemes: [https]
    apis: [{{id: tls, path: /, backend: {{url: "{url}"}}}}]
"#
    ));
    World::with(Plan::default(), policy)
}

#[test]
fn each_route_leads_to_its_backend_and_its_record_says_so() {
    let backend = echo();
    let mut world = world(&backend);
    let long = "service-a-1001.ap-guangzhou.apis.test";
    let rows = [
        // Host, target, API, environment, what the backend gets.
        ("a.test", "/user?x=1", "exact", "release", "/exact?x=1"),
        ("a.test", "/user/abc", "first", "release", "/first/bc"),
        ("a.test", "/user/7/8", "user", "release", "/by/7/8/end?source=a%20b&id=7%2F8"),
        (
            "a.test",
            "/user/7%2F?id=evil&x&%69d=2",
            "user",
            "release",
            "/by/7%2F/end?x&source=a%20b&id=7%2F",
        ),
        ("a.test", "/n/12", "digits", "release", "/digits"),
        ("a.test", "/n/12/", "plain", "release", "/n/12/"),
        ("a.test", "/a//b;c/%2F", "plain", "release", "/a//b;c/%2F"),
        ("a.test", "/try/a", "plain", "test", "/next/a"),
        ("named.test", "/test/a", "plain", "test", "/next/a"),
        (long, "/release/a", "plain", "release", "/a"),
    ];
    for (host, target, api, environment, sent) in rows {
        let mut client = Client::connect(world.address);
        let answer = client.call(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let got = String::from_utf8(answer.body.clone()).expect("a head is text");
        assert!(got.starts_with(&format!("GET {sent} HTTP/1.1\r\n")), "{target}: {got}");
        let record = world.record(answer.id());
        let said = (record.api_id.as_ref(), record.env.as_ref(), record.service_id.as_ref());
        assert_eq!(said, (api, environment, "service-a"), "{target}");
        assert_eq!(
            (record.rsp_st, record.ups_st.as_ref(), record.fault),
            (200, "200", Fault::None)
        );
        assert_eq!((record.rsp_len, record.req_len), (answer.bytes, client.sent), "{target}");
    }
    world.stop(Duration::from_secs(5));
}

#[test]
fn what_is_no_route_is_refused_and_recorded() {
    let backend = echo();
    let mut world = world(&backend);
    let rows = [
        ("POST", "a.test", "/user/7", 405, "Method Not Allowed."),
        ("BREW", "a.test", "/user", 404, "Could not support method."),
        ("GET", "named.test", "/a", 404, "There is no api match env_mapping[a]."),
        ("GET", "tls.test", "/release/a", 426, "Not allow use HTTP protocol."),
        ("GET", "a.test", "/a/%zz", 400, "Path contains a bad percent sign."),
        ("GET", "a.test", "/a/%2e%2E/b", 400, "Path contains a dot segment."),
        ("GET", "a.test", "/user/../b", 400, "Path contains a dot segment."),
        // `^~/user/a` matches; what is left would lead out of the backend's path.
        ("GET", "a.test", "/user/a../b", 400, "Path contains a dot segment."),
    ];
    for (method, host, target, status, text) in rows {
        let mut client = Client::connect(world.address);
        let answer = client.call(&format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let record = world.record(answer.id());
        assert_eq!((answer.status, record.err_msg.as_ref()), (status, text), "{target}");
        assert_eq!((record.rsp_st, record.ups_st.as_ref()), (status, ""), "{target}");
        assert_eq!(record.fault, Fault::Client, "{target}");
    }
    assert!(backend.seen().is_empty(), "no backend heard of any");
    world.stop(Duration::from_secs(5));
}

#[test]
fn placed_headers_can_not_be_forged_or_taken_away() {
    let backend = echo();
    let mut world = world(&backend);
    let mut client = Client::connect(world.address);
    let answer = client.call(
        "GET /user/7 HTTP/1.1\r\nHost: a.test\r\nX-Source: evil\r\nx-source: evil2\r\n\
         X_Source: evil3\r\nx_user: evil4\r\nConnection: x-source, x-user\r\n\r\n",
    );
    let got = String::from_utf8(answer.body.clone()).expect("a head is text").to_ascii_lowercase();
    assert!(!got.contains("evil"), "{got}");
    for line in ["\r\nx-source: gateway\r\n", "\r\nx-user: u:7\r\n"] {
        assert_eq!(got.matches(line).count(), 1, "{got}");
    }
    world.stop(Duration::from_secs(5));
}
