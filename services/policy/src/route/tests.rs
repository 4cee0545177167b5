mod classes;
mod doors;
mod paths;
mod sent;

use std::collections::BTreeSet;

use proptest::prelude::{any, prop, proptest};

use super::*;
use crate::testing::{EXAMPLE, example, read};

/// A request that is refused: host (`https://` before it for TLS), method, path; the entry, its text, and what was matched.
struct Refused {
    host: &'static str,
    method: &'static str,
    path: &'static str,
    entry: &'static Entry,
    text: &'static str,
    matched: &'static str,
}

/// One row per text and more where the border is fine. `-` stands for no host at all.
const REFUSED: &[Refused] = &[
    row("-", "GET", "/release/hello", &routing::HOST_MISSING, "Not Found Host.", "-/-"),
    row("", "GET", "/release/hello", &routing::HOST_MISSING, "Not Found Host.", "-/-"),
    row("a b", "GET", "/release/hello", &routing::HOST_INVALID, "Get Host Fail.", "-/-"),
    row(
        "No.example.test:8080",
        "GET",
        "/release/hello",
        &routing::HOST_UNKNOWN,
        "There is no api match host[no.example.test].",
        "-/-",
    ),
    row(
        W,
        "GET",
        "/release/hello/..%2f",
        &routing::PATH_DOT_SEGMENT,
        "Path contains a dot segment.",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/release/hello/100%",
        &routing::PATH_BAD_PERCENT,
        "Path contains a bad percent sign.",
        "service-weather/-",
    ),
    row(
        W,
        "BREW",
        "/release/hello",
        &routing::METHOD_UNKNOWN,
        "Could not support method.",
        "service-weather/-",
    ),
    row(
        W,
        "get",
        "/release/hello",
        &routing::METHOD_UNKNOWN,
        "Could not support method.",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/hello",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[hello].",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/Release/hello",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[Release].",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[].",
        "service-weather/-",
    ),
    row(
        W,
        "OPTIONS",
        "*",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[*].",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/prepub/hello",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/hello].",
        "service-weather/-",
    ),
    row(
        W,
        "GET",
        "/release/api/$host",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/api/$host].",
        "service-weather/release",
    ),
    row(
        W,
        "GET",
        "/test",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/].",
        "service-weather/test",
    ),
    row(
        "empty.example.test",
        "GET",
        "/release/x",
        &routing::NO_API,
        "Found no api.",
        "service-empty/release",
    ),
    row(
        W,
        "DELETE",
        "/release/forecast/1",
        &routing::METHOD_NOT_ALLOWED,
        "Method Not Allowed.",
        "service-weather/release",
    ),
    // Behind a prefix that ends within a segment the backend would see `/base/../x`.
    row(
        W,
        "GET",
        "/release/forecast/now../x",
        &routing::PATH_DOT_SEGMENT,
        "Path contains a dot segment.",
        "service-weather/release",
    ),
    // The path decides before the method: `/forecast/` would answer POST.
    row(
        W,
        "POST",
        "/release/forecast/now",
        &routing::METHOD_NOT_ALLOWED,
        "Method Not Allowed.",
        "service-weather/release",
    ),
];

const W: &str = "weather.example.test";

const fn row(
    host: &'static str,
    method: &'static str,
    path: &'static str,
    entry: &'static Entry,
    text: &'static str,
    matched: &'static str,
) -> Refused {
    Refused { host, method, path, entry, text, matched }
}

/// Ids of the entries that the table above raises, for the catalog's own test.
pub(crate) fn raised() -> BTreeSet<&'static str> {
    REFUSED.iter().chain(doors::REFUSED).map(|row| row.entry.id).collect()
}

#[test]
fn each_refusal_has_its_own_text() {
    check_refused(&example(), REFUSED);
}

/// Each row is refused by `policy`, as it says.
fn check_refused(policy: &Policy, rows: &[Refused]) {
    for row in rows {
        let (scheme, host) = match row.host.strip_prefix("https://") {
            Some(host) => (Scheme::Https, host),
            None => (Scheme::Http, row.host),
        };
        let host = (host != "-").then_some(host.as_bytes());
        let request = RouteRequest { host, scheme, path: row.path, method: row.method };
        let refusal = policy.route(&request).expect_err(row.path);
        assert_eq!(refusal.entry.id, row.entry.id, "{} {}", row.method, row.path);
        assert_eq!(refusal.text, row.text, "{} {}", row.method, row.path);
        let service = refusal.service.map_or("-", |service| service.id.as_str());
        let environment = refusal.environment.map_or("-", Environment::as_str);
        assert_eq!(format!("{service}/{environment}"), row.matched, "{} {}", row.method, row.path);
        assert!(refusal.api.is_none());
    }
}

#[test]
fn client_reads_the_host_with_the_uri() {
    let policy = example();
    let path = "/release/api/\"x\"/$host";
    let host = Some(&b"Weather.Example.Test:80"[..]);
    let refusal = policy
        .route(&RouteRequest { host, scheme: Scheme::Http, path, method: "GET" })
        .expect_err(path);
    assert_eq!(
        refusal.body(),
        r#"{"message":"There is no api match uri[/api/\"x\"/$host] host [weather.example.test]"}"#
    );
}

/// Routes `METHOD host/path` and says `api environment target`.
fn check(request: &str, expect: &str) {
    let policy = example();
    let (method, url) = request.split_once(' ').expect("method and url");
    let (host, path) = url.split_at(url.find('/').expect("a path"));
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let route = RouteRequest { host: Some(host.as_bytes()), scheme: Scheme::Http, path, method };
    let found = match policy.route(&route) {
        Ok(found) => found,
        Err(refusal) => panic!("{request}: {}", refusal.text),
    };
    assert!(found.service.apis.iter().any(|api| std::ptr::eq(api, found.api)));
    let target = found.target(path, query);
    let (api, environment) = (&found.api.id, found.environment.as_str());
    assert_eq!(format!("{api} {environment} {target}"), expect, "{request}");
}

#[test]
fn the_longest_path_answers() {
    check("GET weather.example.test/release/forecast/today", "api-forecast release /base/today");
    check("POST weather.example.test/test/forecast/", "api-forecast test /base");
    check("GET weather.example.test/release/forecast/now", "api-now release /now/");
    check("GET weather.example.test/release/forecast/now/1", "api-now release /now/1");
    check("GET weather.example.test/release/forecast/nowhere?", "api-now release /now/here?");
    check("PUT weather.example.test/release/forecast/now", "api-now-write release /");
    check(
        "GET weather.example.test/release/forecast/no?a=/../b",
        "api-forecast release /base/no?a=/../b",
    );
}

#[test]
fn host_is_compared_without_case_and_port() {
    check("PATCH WETTER.example.test:8080/release/hello", "api-hello release /");
    check("GET wetter.Example.test./test/hello", "api-hello test /");
    check("GET root.example.test/release", "api-root release /");
    check("GET root.example.test/release?x=1", "api-root release /?x=1");
    check("GET root.example.test/release/", "api-root release /");
    check("GET root.example.test/release/%41%2Fb", "api-root release /%41%2Fb");
    check("GET root.example.test/release//other.test/x", "api-root release /other.test/x");
}

#[test]
fn backend_path_is_base_and_rest_with_one_slash() {
    let rows = [
        // Front path, base, request path, target. The first two are the seed's.
        ("/product/", "", "/product/apigw/document", "/apigw/document"),
        ("/product/", "/tencent/", "/product/apigw/document", "/tencent/apigw/document"),
        ("/product/", "/tencent", "/product/apigw/document", "/tencent/apigw/document"),
        ("/product", "/tencent/", "/product/apigw/document", "/tencent/apigw/document"),
        ("/product", "", "/product/apigw/document", "/apigw/document"),
        ("/product/", "/tencent", "/product/", "/tencent"),
        ("/product/", "/tencent/", "/product/", "/tencent/"),
        ("/product", "/tencent", "/product/", "/tencent/"),
        ("/product/", "", "/product/", "/"),
        ("/product/", "/", "/product/", "/"),
        ("/product", "", "/product", "/"),
        ("/user", "/base", "/usertest", "/base/test"),
        ("/product/", "/tencent/", "/product///x", "/tencent/x"),
        ("/product/", "", "/product//evil.test/x", "/evil.test/x"),
        ("/", "", "/a/b/", "/a/b/"),
        ("/", "/base", "/a//b", "/base/a//b"),
        ("/p/", "/b", "/p/%2f%20x", "/b/%2f%20x"),
    ];
    for (front, base, path, expect) in rows {
        let text = format!(
            "services: [{{id: s, account: a, hosts: [h], apis: [{{id: i, path: {front}, \
             backend: {{url: \"http://b{base}\"}}}}]}}]"
        );
        let policy = read(&text).expect("no mistakes");
        let path = format!("/release{path}");
        let request =
            RouteRequest { host: Some(b"h"), scheme: Scheme::Http, path: &path, method: "GET" };
        let found = policy.route(&request).expect("a match");
        assert_eq!(found.target(&path, None), expect, "{front} {base} {path}");
    }
}

proptest! {
    #[test]
    fn no_request_breaks_routing(
        host in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
        path in "\\PC{0,40}",
        method in "[A-Z]{0,8}",
    ) {
        let policy = example();
        let request = RouteRequest { host: host.as_deref(), scheme: Scheme::Http, path: &path, method: &method };
        if let Ok(found) = policy.route(&request) {
            found.target(&path, Some("q"));
        }
    }

    #[test]
    fn targets_begin_with_one_slash_and_end_as_the_request(
        path in "/(release|test)(/(forecast/|forecast/now|hello)?[a-z/%.]{0,12})?",
        host in "(root|weather).example.test",
    ) {
        let policy = example();
        let request = RouteRequest { host: Some(host.as_bytes()), scheme: Scheme::Http, path: &path, method: "GET" };
        match policy.route(&request) {
            Ok(found) => {
                let target = found.target(&path, None);
                assert!(target.starts_with('/') && !target.starts_with("//"), "{target}");
                assert!(!has_dot_segment(&target), "{target}");
                let Rest::From(cut) = found.rest else { panic!("a prefix matched") };
                let rest = path.get(cut..).unwrap_or_default();
                assert!(target.ends_with(rest.trim_start_matches('/')), "{path} {target}");
            }
            Err(refusal) => assert!((400..=405).contains(&refusal.entry.status)),
        }
    }
}

#[test]
fn an_api_is_found_among_two_thousand_services() {
    let mut text = EXAMPLE.replacen("services:\n", "services:\n@", 1);
    let many: String = (0..2_000)
        .map(|n| {
            format!(
                "  - {{id: s{n}, account: a, hosts: [h{n}.test], apis: [{{id: a{n}, path: /p{n}/, \
                 backend: {{mock: {{}}}}}}]}}\n"
            )
        })
        .collect();
    text = text.replacen('@', &many, 1);
    let policy = read(&text).expect("no mistakes");
    for n in [0, 1, 999, 1_999] {
        let (host, path) = (format!("h{n}.test"), format!("/release/p{n}/x"));
        let request = RouteRequest {
            host: Some(host.as_bytes()),
            scheme: Scheme::Http,
            path: &path,
            method: "GET",
        };
        let found = policy.route(&request).expect("a match");
        assert_eq!(found.api.id, format!("a{n}"));
    }
}
