use std::net::IpAddr;
use std::time::Duration;

use record::Net;

use crate::service::{Api, Auth, Backend, Environment, Host, Timeouts};
use crate::testing::{EXAMPLE, example, read, read_but_faults};

fn api<'p>(policy: &'p crate::Policy, id: &str) -> &'p Api {
    let mut all = policy.services().iter().flat_map(|service| &service.apis);
    all.find(|api| api.id == id).expect("an API of the example")
}

#[test]
fn what_is_written_is_what_is_served() {
    let policy = example();
    let weather = &policy.services()[0];
    assert_eq!((weather.id.as_str(), weather.account.as_str()), ("service-weather", "1250000001"));
    assert_eq!(weather.environments, [Environment::Release, Environment::Test]);
    let methods: Vec<&str> = weather.apis[0].methods.names().collect();
    assert_eq!(methods, ["GET", "POST"]);
    assert_eq!(weather.apis[0].auth, Auth::KeyPair);
    assert_eq!(policy.services()[1].environments, [Environment::Release]);
    assert!(policy.services()[2].apis.is_empty());

    let Backend::Mock(mock) = &api(&policy, "api-hello").backend else { panic!("no mock") };
    assert_eq!((mock.status.as_u16(), &mock.body[..]), (203, &b"hello"[..]));
    assert_eq!(mock.headers["content-type"], "text/plain");
    assert_eq!(api(&policy, "api-hello").methods.names().count(), 7);
    assert_eq!(api(&policy, "api-hello").auth, Auth::None);
}

#[test]
fn a_backend_url_is_taken_apart() {
    let policy = example();
    let http = |id| match &api(&policy, id).backend {
        Backend::Http(http) => http,
        Backend::Mock(_) => panic!("{id} is a mock"),
    };
    let forecast = http("api-forecast");
    assert_eq!(forecast.host, Host::Ip(IpAddr::from([127, 0, 0, 1])));
    assert_eq!((forecast.port, forecast.authority.as_str()), (9001, "127.0.0.1:9001"));
    assert_eq!((forecast.base.as_str(), forecast.net), ("/base", None));
    assert_eq!(forecast.timeouts, Timeouts::DEFAULT);

    let now = http("api-now");
    assert_eq!((now.base.as_str(), now.net), ("/now/", Some(Net::Private)));
    assert_eq!(now.timeouts.head, Duration::from_secs(1));
    assert_eq!(now.timeouts.total, Duration::from_secs(1800));

    let named = http("api-now-write");
    assert_eq!(named.host, Host::Name("backend.example.test".to_owned()));
    assert_eq!((named.port, named.authority.as_str()), (80, "backend.example.test"));
    assert_eq!(named.base, "");

    let root = http("api-root");
    assert_eq!(root.host, Host::Ip("::1".parse().expect("an address")));
    assert_eq!(root.authority, "[::1]:9002");
}

/// Reads a text that is wrong; compares all its mistakes, without the file's name.
fn check(text: &str, expect: &[&str]) {
    let mistakes = read(text).expect_err("a text with mistakes");
    let mistakes: Vec<&str> =
        mistakes.lines().map(|line| line.strip_prefix("t.yaml:").unwrap_or(line)).collect();
    assert_eq!(mistakes, expect);
}

#[test]
fn every_mistake_of_a_service_is_reported_at_once() {
    check(
        r#"
services:
  - id: "a b"
    account: ""
    hosts: [a/b, "A.test:80", good.test]
    environments: [live, test, test]
    colour: red
    apis:
      - id: one
        path: forecast
        methods: [GET, BREW, GET]
        auth: magic
        backend: {url: "ftp://x", net: dmz, timeouts: {connect: 0s, total: 31m, dns: 1s}}
      - path: /x/../y
  - id: two
    hosts: [GOOD.test]
    apis: 7
"#,
        &[
            "3: services[0].id: `a b` is not an id: 1 to 64 letters, digits, `-`, `_` and `.` are accepted",
            "4: services[0].account: `` is not an id: 1 to 64 letters, digits, `-`, `_` and `.` are accepted",
            "5: services[0].hosts[0]: `a/b` is not a host name, like `api.example.com`",
            "5: services[0].hosts[1]: `A.test:80`: a host stands without port and final dot",
            "6: services[0].environments[0]: `live` is not an environment; known: release, prepub, test",
            "6: services[0].environments[2]: `test` stands twice",
            "7: services[0].colour: unknown key; known here: id, account, environments, hosts, default_host, domains, schemes, scheme_refusal, suspended, addresses, apis",
            "10: services[0].apis[0].path: `forecast` is not a path: it begins with `/`, `=/` or `^~/`",
            "11: services[0].apis[0].methods[1]: `BREW` is not a known method; known: GET, POST, PUT, DELETE, HEAD, OPTIONS, PATCH",
            "11: services[0].apis[0].methods[2]: `GET` stands twice",
            "12: services[0].apis[0].auth: `magic` is not a kind of credentials; known: none, key-pair, application",
            "13: services[0].apis[0].backend.net: `dmz` is not a kind of network; known: public, private",
            "13: services[0].apis[0].backend.timeouts.connect: a time-out lies above 0 and is at most 30m",
            "13: services[0].apis[0].backend.timeouts.total: a time-out lies above 0 and is at most 30m",
            "13: services[0].apis[0].backend.timeouts.dns: unknown key; known here: connect, head, idle, total",
            "13: services[0].apis[0].backend.url: `ftp://x` is not a backend, like `http://host:8080/base`: it begins with http://",
            "14: services[0].apis[1]: `id` is missing",
            "14: services[0].apis[1].path: `/x/../y`: requests with a `.` or `..` segment are refused",
            "14: services[0].apis[1]: `backend` is missing",
            "15: services[1]: `account` is missing",
            "16: services[1].hosts[0]: the host `good.test` stands twice, first in line 5",
            "17: services[1].apis: expected a list (`- item`), found a single value",
        ],
    );
}

#[test]
fn what_stands_twice_names_the_first_place() {
    check(
        r#"
services:
  - {id: s, account: a, hosts: [h1], apis: [{id: x, path: /p, methods: [GET], backend: {mock: {}}}]}
  - id: s
    account: a
    hosts: [h2, H2]
    apis:
      - {id: x, path: /p, methods: [GET, PUT], backend: {mock: {}}}
      - {id: y, path: /p/, backend: {mock: {}}}
      - {id: z, path: /p, methods: [POST, PUT, GET], backend: {mock: {}}}
keys:
  - {secret_id: k, secret: a, account: a, services: [s]}
  - {secret_id: k, secret: b, account: a, services: [s]}
"#,
        &[
            "4: services[1]: the service `s` stands twice, first in line 3",
            "6: services[1].hosts[1]: the host `h2` stands twice, first in line 6",
            "8: services[1].apis[0]: the API `x` stands twice, first in line 3",
            "10: services[1].apis[2]: GET, PUT `/p` is answered by the API `x` in line 8 already",
            "13: keys[1]: the key `k` stands twice, first in line 12",
        ],
    );
}

#[test]
fn every_mistake_of_a_key_is_reported_at_once() {
    let keys = r#"
  - secret_id: "no id"
    secret: ${env:NOTHERE}
    account: a
    order: "order 1"
    services: [service-wether]
    apis: [api-nil]
  - secret_id: k
    secret: ""
    services: [service-root]
    apis: [api-root, api-hello]
    scope: all
  - {secret_id: l, secret: s, account: a, services: [], apis: []}
"#;
    let services = EXAMPLE.split("keys:").next().expect("services");
    let text = format!("{services}keys:{keys}");
    let mistakes = read(&text).expect_err("a text with mistakes");
    let mistakes: Vec<&str> =
        mistakes.lines().map(|line| line.split_once(": ").expect("place").1).collect();
    assert_eq!(
        mistakes,
        [
            "keys[0].secret_id: `no id` is not an id: 1 to 64 letters, digits, `-`, `_` and `.` are accepted",
            "keys[0].secret: the secret can not be read: environment variable NOTHERE is not set",
            "keys[0].order: `order 1` is not an id: 1 to 64 letters, digits, `-`, `_` and `.` are accepted",
            "keys[0].services[0]: there is no service `service-wether`",
            "keys[0].apis[0]: there is no API `api-nil`",
            "keys[1]: `account` is missing",
            "keys[1].secret: the secret is empty",
            "keys[1].apis[1]: the API `api-hello` is not of a service that the key lists",
            "keys[1].scope: unknown key; known here: secret_id, secret, account, kind, plan, order, goods, services, apis",
            "keys[2].services: at least one of the services is needed",
            "keys[2].apis: at least one of the APIs is needed",
        ]
    );
}

/// The one mistake of an API's backend, or nothing.
fn backend(backend: &str) -> String {
    let text = format!(
        "services: [{{id: s, account: a, hosts: [h], apis: [{{id: i, path: /, backend: {backend}}}]}}]"
    );
    match read(&text) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes
            .replace("t.yaml:1: services[0].apis[0].backend", "")
            .replace(" is not a backend, like `http://host:8080/base`", ""),
    }
}

#[test]
fn urls_of_backends_have_one_form() {
    for good in ["http://a", "http://a/", "http://a:8080/b/c", "http://[::1]/", "http://10.0.0.1:1"]
    {
        assert_eq!(backend(&format!("{{url: \"{good}\"}}")), "", "{good}");
    }
    let bad = [
        ("https://a", "only http is supported now"),
        ("a:80", "it begins with http://"),
        ("/b", "it begins with http://"),
        ("http://", "it is no URL"),
        ("http://a b", "it is no URL"),
        ("http://u:p@a", "credentials can not stand in it"),
        ("http://a?x=1", "query and fragment can not stand in it"),
        ("http://a/b#c", "query and fragment can not stand in it"),
        ("http://a:0", "port 0 can not be connected to"),
        ("http://a:65536", "its host is no name and no address, or its port no number up to 65535"),
        ("http://-a", "its host is no name and no address, or its port no number up to 65535"),
        ("http://a/b/../c", "its path has an empty, `.` or `..` segment"),
        ("http://a/%2", "two hexadecimal digits follow a percent sign"),
        ("http://a//b", "its path has an empty, `.` or `..` segment"),
    ];
    for (url, reason) in bad {
        assert_eq!(backend(&format!("{{url: \"{url}\"}}")), format!(".url: `{url}`: {reason}"));
    }
}

#[test]
fn a_mock_is_an_answer_that_can_be_sent() {
    assert_eq!(backend("{}"), ": `url` or `mock` is missing");
    assert_eq!(backend("{url: 'http://a', mock: {}}"), ": a backend has `url` or `mock`, not both");
    assert_eq!(backend("{mock: {}, net: public}"), ".net: unknown key; known here: url, mock");
    let status = |n| format!(".mock.status: `{n}` is not the status of an answer: 200 to 599 are");
    assert_eq!(backend("{mock: {status: 101}}"), status(101));
    assert_eq!(backend("{mock: {status: 600}}"), status(600));
    assert_eq!(backend("{mock: {status: 204, body: ''}}"), "");
    assert_eq!(
        backend("{mock: {status: 304, body: x}}"),
        ".mock.body: an answer with status 304 has no body"
    );
    assert_eq!(
        backend(&format!("{{mock: {{body: {}}}}}", "x".repeat(65_537))),
        ".mock.body: the body has 65537 bytes; at most 65536 are accepted"
    );
    let headers = [
        (
            "{Content-Length: 5}",
            ".mock.headers.Content-Length: the gateway sets `content-length` itself",
        ),
        (
            "{X-Api-RequestId: a}",
            ".mock.headers.X-Api-RequestId: the gateway sets `x-api-requestid` itself",
        ),
        ("{'a b': c}", ".mock.headers.a b: `a b` is not the name of a header"),
        ("{a: \"b\\nc\"}", ".mock.headers.a: the value of a header is one line of ASCII"),
        ("{a: b, A: c}", ".mock.headers.A: the header stands twice"),
    ];
    for (headers, expect) in headers {
        assert_eq!(backend(&format!("{{mock: {{headers: {headers}}}}}")), expect);
    }
}

/// What is wrong with an API's own settings takes only that API out of service; everything else
/// that can be wrong in the same places refuses the whole text.
#[test]
fn faults_of_one_api_leave_the_rest_good() {
    let text = |settings: &str| {
        format!(
            "services: [{{id: s, account: a, hosts: [h], apis: [\
             {{id: i, path: /, {settings}}}, {{id: j, path: /j, backend: {{mock: {{}}}}}}]}}]"
        )
    };
    let mock = "backend: {mock: {}}";
    for (faulty, faults) in [
        (format!("auth: magic, {mock}"), &["auth: `magic` is not a kind of credentials"][..]),
        (format!("cors: {{origins: []}}, {mock}"), &["cors.origins: at least one of the origins"]),
        (format!("cors: {{origins: [a.b]}}, {mock}"), &["cors.origins[0]: `a.b` is not an origin"]),
        (format!("cors: {{methods: [GO]}}, {mock}"), &["cors.methods: `GO` is not a known method"]),
        (format!("cors: {{expose: ['a b']}}, {mock}"), &["cors.expose[0]: `a b` can not stand"]),
        ("backend: {mock: {status: 99}}".into(), &["mock.status: `99` is not the status"]),
        ("backend: {mock: {status: 204, body: a}}".into(), &["mock.body: an answer with status"]),
        ("backend: {mock: {headers: {te: a}}}".into(), &["mock.headers.te: the gateway sets `te`"]),
        (
            "auth: magic, cors: {origins: [a.b]}, backend: {mock: {status: 99}}".into(),
            &["auth: ", "cors.origins[0]: ", "mock.status: "],
        ),
    ] {
        let (policy, found) = read_but_faults(&text(&faulty)).expect("no mistakes but faults");
        assert_eq!(found.lines().count(), faults.len(), "{found}");
        for (line, fault) in found.lines().zip(faults) {
            assert!(line.starts_with("t.yaml:1: services[0].apis[0].") && line.contains(fault));
        }
        let [i, j] = &policy.services()[0].apis[..] else { panic!("two APIs") };
        assert_eq!((i.is_faulty(), j.is_faulty(), policy.faulty_apis()), (true, false, 1));
    }
    // Each with the number of its mistakes: a fault beside one is said as well.
    for (refused, mistakes) in [
        (format!("auth: [magic], {mock}"), 1),
        (format!("cors: maybe, {mock}"), 1),
        (format!("cors: {{origins: https://a.b}}, {mock}"), 2),
        (format!("cors: {{colour: red}}, {mock}"), 1),
        (format!("cors: {{max_age: long}}, {mock}"), 1),
        (format!("addresses: {{allow: [somewhere]}}, auth: magic, {mock}"), 2),
        ("suspended: {reason: mood}, backend: {mock: {status: 99}}".into(), 2),
        ("backend: {mock: {status: fine}}".into(), 1),
        ("backend: {mock: {state: 99}}".into(), 1),
        ("backend: {mock: []}".into(), 1),
        ("backend: {url: 'ftp://a'}".into(), 1),
    ] {
        let found = read_but_faults(&text(&refused)).err();
        let found = found.unwrap_or_else(|| panic!("`{refused}` refuses the whole"));
        assert_eq!(found.lines().count(), mistakes, "{found}");
    }
}

#[test]
fn paths_have_five_forms() {
    let path = |path: &str| {
        let api = format!("{{id: i, path: '{path}', backend: {{mock: {{}}}}}}");
        let text = format!("services: [{{id: s, account: a, hosts: [h], apis: [{api}]}}]");
        read(&text).err().unwrap_or_default().replace("t.yaml:1: services[0].apis[0].path: ", "")
    };
    let good = [
        "/",
        "/a",
        "/a/",
        "/a//b",
        "/%E4/~x;v=1",
        "/v1.0/a",
        "=/a(b)+",
        "^~/a*",
        "/{id}",
        "/a{id}b/{_x.y-z}",
        "/a/[0-9]{2,3}",
        "/(a|b)/.*",
        r"/a\.b\d+",
    ];
    for good in good {
        assert_eq!(path(good), "", "{good}");
    }
    assert_eq!(path("=a"), "`=a` is not a path: behind its sign it begins with `/`");
    assert_eq!(path("^~a"), "`^~a` is not a path: behind its sign it begins with `/`");
    assert_eq!(path("^~/{id}"), "`^~/{id}` is not a path: `{` can not stand in it");
    assert_eq!(path("=/[0-9]"), "`=/[0-9]` is not a path: `[` can not stand in it");
    assert_eq!(path("/{}"), "`/{}` is not a path: `{` can not stand in it");
    assert_eq!(path("/{1}"), "`/{1}` is not a path: `{` can not stand in it");
    assert_eq!(path("/{a}{b}"), "`/{a}{b}`: something must stand before `{b}`");
    assert_eq!(path("/{a}/{a}"), "`/{a}/{a}`: the variable `a` stands twice");
    assert_eq!(
        path("/{a}/[0-9]"),
        "`/{a}/[0-9]`: a path has variables or is a regular expression, not both"
    );
    assert_eq!(path("/{a}/.."), "`/{a}/..`: requests with a `.` or `..` segment are refused");
    assert_eq!(path("/(a"), "`/(a`: it is no regular expression: unclosed group");
    assert_eq!(path("/a)"), "`/a)`: it is no regular expression: unopened group");
    assert_eq!(path("/a%2"), "`/a%2`: two hexadecimal digits follow a percent sign");
    let too_large = "as a table the regular expression takes more than 1 MiB; use smaller counts";
    assert_eq!(path("/.*x.{1,40}y"), format!("`/.*x.{{1,40}}y`: {too_large}"));
    let many: Vec<String> = (0..17).map(|n| format!("/{{v{n}}}")).collect();
    let many = many.concat();
    assert_eq!(path(&many), format!("`{many}`: 17 variables; at most 16 are accepted"));
    assert_eq!(path("/a b"), "`/a b` is not a path: ` ` can not stand in it");
    assert_eq!(path("/ä"), "`/ä` is not a path: `ä` can not stand in it");
    assert_eq!(path("/%2e/a"), "`/%2e/a`: requests with a `.` or `..` segment are refused");
    let long = format!("/{}", "a".repeat(2_048));
    assert_eq!(path(&long), "the path has 2049 bytes; at most 2048 are accepted");
}

#[test]
fn lists_are_bounded() {
    let hosts: Vec<String> = (0..101).map(|n| format!("h{n}.test")).collect();
    let text = format!("services: [{{id: s, account: a, hosts: [{}]}}]", hosts.join(", "));
    check(&text, &["1: services[0].hosts: 101 hosts; at most 100 are accepted"]);
    check("services: []", &["1: services: at least one of the services is needed"]);
    check(
        "services: {}",
        &[
            "1: services: expected a list (`- item`), found a mapping",
            "1: services: at least one of the services is needed",
        ],
    );
}
