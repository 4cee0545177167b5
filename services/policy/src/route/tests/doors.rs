//! Hosts, domains, environments, versions and schemes.

use super::*;

const SERVICES: &str = r#"
services:
  - id: service-asoj98o0
    account: "1251762227"
    default_host: {region: ap-guangzhou, suffix: apigateway.example.test}
    hosts: [old.example.test]
    domains:
      - host: named.example.test
      - host: mapped.example.test
        paths: {/: release, /try: test, /try/next/: prepub}
      - host: part.example.test
        paths: {/v1: release}
    environments: {release: v1, test: v2, prepub: v0}
    apis:
      - {id: api-user, path: /user, versions: [v1], backend: {url: "http://old"}}
      - {id: api-user, path: /user, versions: [v2, v3], backend: {url: "http://new/x"}}
      - {id: api-next, path: /next, versions: [v2], backend: {mock: {}}}
      - {id: api-never, path: /never, versions: [v9], backend: {mock: {}}}
  - id: service-open
    account: a
    hosts: [open.test]
    environments: [release, prepub]
    schemes: [https, http]
    apis: [{id: api-open, path: /, backend: {mock: {}}}]
  - id: service-tls
    account: a
    hosts: [tls.test]
    schemes: [https]
    apis: [{id: api-tls, path: /, backend: {mock: {}}}]
  - id: service-plain
    account: a
    hosts: [plain.test]
    schemes: [http]
    apis: [{id: api-plain, path: /, backend: {mock: {}}}]
  - id: service-tls-404
    account: a
    hosts: [tls404.test]
    schemes: [https]
    scheme_refusal: 404
  - id: service-plain-404
    account: a
    hosts: [plain404.test]
    schemes: [http]
    scheme_refusal: 404
"#;

const D: &str = "service-asoj98o0-1251762227.ap-guangzhou.apigateway.example.test";

pub(super) const REFUSED: &[Refused] = &[
    row(
        D,
        "GET",
        "/live/user",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[live].",
        "service-asoj98o0/-",
    ),
    row(
        D,
        "GET",
        "/%72elease/user",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[%72elease].",
        "service-asoj98o0/-",
    ),
    row(
        "named.example.test",
        "GET",
        "/user",
        &routing::MAPPING_UNKNOWN,
        "There is no api match env_mapping[user].",
        "service-asoj98o0/-",
    ),
    row(
        "part.example.test",
        "GET",
        "/v1x/user",
        &routing::MAPPING_UNKNOWN,
        "There is no api match env_mapping[v1x].",
        "service-asoj98o0/-",
    ),
    row(
        "part.example.test",
        "GET",
        "/release/user",
        &routing::MAPPING_UNKNOWN,
        "There is no api match env_mapping[release].",
        "service-asoj98o0/-",
    ),
    row(
        "part.example.test",
        "GET",
        "/",
        &routing::MAPPING_UNKNOWN,
        "There is no api match env_mapping[].",
        "service-asoj98o0/-",
    ),
    row(
        "mapped.example.test",
        "OPTIONS",
        "*",
        &routing::MAPPING_UNKNOWN,
        "There is no api match env_mapping[*].",
        "service-asoj98o0/-",
    ),
    row(
        "service-asoj98o0-1251762227.ap-shanghai.apigateway.example.test",
        "GET",
        "/release/user",
        &routing::HOST_UNKNOWN,
        "There is no api match host[service-asoj98o0-1251762227.ap-shanghai.apigateway.example.test].",
        "-/-",
    ),
    // Published, with a version that has no API.
    row(D, "GET", "/prepub/user", &routing::NO_API, "Found no api.", "service-asoj98o0/prepub"),
    // An API of another version does not exist; neither does one of a version that is nowhere.
    row(
        D,
        "GET",
        "/release/next",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/next].",
        "service-asoj98o0/release",
    ),
    row(
        D,
        "GET",
        "/release/never",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/never].",
        "service-asoj98o0/release",
    ),
    row(
        "open.test",
        "GET",
        "/test/x",
        &routing::URI_UNKNOWN,
        "There is no api match uri[/x].",
        "service-open/-",
    ),
    row(
        "tls.test",
        "GET",
        "/release/x",
        &routing::HTTP_NOT_ALLOWED,
        "Not allow use HTTP protocol.",
        "service-tls/release",
    ),
    row(
        "https://plain.test",
        "GET",
        "/release/x",
        &routing::HTTPS_NOT_ALLOWED,
        "Not allow use HTTPS protocol.",
        "service-plain/release",
    ),
    // The scheme is decided before the API.
    row(
        "tls404.test",
        "GET",
        "/release/x",
        &routing::HTTP_UNKNOWN,
        "Not allow use HTTP protocol.",
        "service-tls-404/release",
    ),
    row(
        "https://plain404.test",
        "GET",
        "/release/x",
        &routing::HTTPS_UNKNOWN,
        "Not allow use HTTPS protocol.",
        "service-plain-404/release",
    ),
    // The environment before the scheme.
    row(
        "tls.test",
        "GET",
        "/x",
        &routing::ENVIRONMENT_UNKNOWN,
        "There is no api match default env_mapping[x].",
        "service-tls/-",
    ),
];

#[test]
fn what_leads_nowhere_is_refused() {
    check_refused(&read(SERVICES).expect("no mistakes"), REFUSED);
}

#[test]
fn a_status_says_how_a_scheme_is_refused() {
    let statuses = [
        &routing::HTTP_NOT_ALLOWED,
        &routing::HTTPS_NOT_ALLOWED,
        &routing::HTTP_UNKNOWN,
        &routing::HTTPS_UNKNOWN,
    ]
    .map(|entry| entry.status);
    assert_eq!(statuses, [426, 426, 404, 404]);
}

#[test]
fn hosts_and_paths_lead_to_environments() {
    let policy = read(SERVICES).expect("no mistakes");
    let rows = [
        // Host, path, and then API, environment, target.
        (D, "/release/user/1", "api-user release /1"),
        (D, "/test/user/1", "api-user test /x/1"),
        ("old.example.test", "/release/user", "api-user release /"),
        ("named.example.test", "/test/user", "api-user test /x"),
        ("named.example.test", "/release/user//1", "api-user release /1"),
        // The mapped path is cut, the longest wins, and only whole segments count.
        ("mapped.example.test", "/user/1", "api-user release /1"),
        ("mapped.example.test", "/try/user/1", "api-user test /x/1"),
        ("mapped.example.test", "/try/next", "Found no api."),
        ("mapped.example.test", "/try/next/x", "Found no api."),
        ("mapped.example.test", "/try/nextx", "api-next test /x"),
        ("mapped.example.test", "/tryuser", "There is no api match uri[/tryuser]."),
        ("mapped.example.test", "/try", "There is no api match uri[/]."),
        ("mapped.example.test", "/", "There is no api match uri[/]."),
        ("mapped.example.test", "/release/user", "There is no api match uri[/release/user]."),
        ("part.example.test", "/v1/user", "api-user release /"),
        ("open.test", "/prepub", "api-open prepub /"),
        ("https://open.test", "/prepub/x", "api-open prepub /x"),
        ("https://tls.test", "/release/x", "api-tls release /x"),
        ("plain.test", "/release/x", "api-plain release /x"),
    ];
    for (host, path, expect) in rows {
        let (scheme, host) = match host.strip_prefix("https://") {
            Some(host) => (Scheme::Https, host),
            None => (Scheme::Http, host),
        };
        let request = RouteRequest { host: Some(host.as_bytes()), scheme, path, method: "GET" };
        let found = match policy.route(&request) {
            Err(refusal) => refusal.text.into_owned(),
            Ok(found) => {
                let (id, environment) = (&found.api.id, found.environment.as_str());
                format!("{id} {environment} {}", found.target(path, None))
            }
        };
        assert_eq!(found, expect, "{host} {path}");
    }
}

#[test]
fn mistakes_of_hosts_versions_and_schemes_are_reported_at_once() {
    let text = r#"
services:
  - id: s.1
    account: a
    default_host: {region: "a b", suffix: example.test}
    domains:
      - {host: d.test, paths: {v1: release, /v2/: live, /v2: release, /: test}}
      - {host: d.test}
      - {paths: {}}
    environments: {release: v1, prod: v2}
    schemes: [http, ws, http]
    scheme_refusal: 403
    apis:
      - {id: i, path: /a, versions: [v1, v2], backend: {mock: {}}}
      - {id: i, path: /a, versions: [v2], backend: {mock: {}}}
  - id: t
    account: a
    apis: [{id: i, path: /a, versions: [v1], backend: {mock: {}}}]
"#;
    let mistakes = read(text).expect_err("mistakes");
    let mistakes: Vec<&str> =
        mistakes.lines().map(|line| line.strip_prefix("t.yaml:").unwrap_or(line)).collect();
    assert_eq!(
        mistakes,
        [
            "5: services[0].default_host: `s.1-a.a b.example.test` is not a host name, like `api.example.com`",
            "7: services[0].domains[0].paths.v1: `v1` is not a path that can be mapped, like `/v1`",
            "7: services[0].domains[0].paths./v2/: `live` is not an environment; known: release, prepub, test",
            "7: services[0].domains[0].paths./: the service is not published in `test`",
            "8: services[0].domains[1].host: the host `d.test` stands twice, first in line 7",
            "9: services[0].domains[2]: `host` is missing",
            "9: services[0].domains[2].paths: at least one of the paths is needed, like `/: release`",
            "10: services[0].environments.prod: `prod` is not an environment; known: release, prepub, test",
            "11: services[0].schemes: 3 schemes; at most 2 are accepted",
            "11: services[0].schemes[1]: `ws` is not a scheme; known: http, https",
            "11: services[0].schemes[2]: the scheme stands twice",
            "12: services[0].scheme_refusal: a scheme is refused with 426 or 404",
            "15: services[0].apis[1]: the API `i` stands twice, first in line 14",
            "15: services[0].apis[1]: GET, POST, PUT, DELETE, HEAD, OPTIONS, PATCH `/a` is answered by the API `i` in line 14 already",
            "16: services[1]: `hosts`, `default_host` or `domains` is missing",
            "18: services[1].apis[0]: the API `i` stands twice, first in line 14",
            "18: services[1].apis[0].versions: the environments of the service have no versions, as in `{release: v1}`",
        ]
    );
}
