//! Path variables, and what of them and of constants goes to the backend.

use super::*;

/// A service with one API: its path and its backend.
fn one(path: &str, backend: &str) -> Result<Policy, String> {
    read(&format!(
        "services: [{{id: s, account: a, hosts: [h], apis: [{{id: i, path: '{path}', \
         backend: {{{backend}}}}}]}}]"
    ))
}

fn found<'p>(policy: &'p Policy, path: &str) -> Match<'p> {
    let request = RouteRequest { host: Some(b"h"), scheme: Scheme::Http, path, method: "GET" };
    policy.route(&request).expect(path)
}

#[test]
fn variables_are_greedy_across_slashes() {
    let rows: [(&str, &str, &[&str]); 12] = [
        // Path of the API, request, values; the first three are the seed's.
        ("/{PathA}/{PathB}/detail", "/middleware/apigw/detail", &["middleware", "apigw"]),
        (
            "/{PathA}/product/{PathB}",
            "/middleware/product/apigw/detail",
            &["middleware", "apigw/detail"],
        ),
        ("/{PathA}/{PathB}", "/middleware/apigw/detail", &["middleware/apigw", "detail"]),
        ("/{PathA}", "/middleware/apigw/detail", &["middleware/apigw/detail"]),
        ("/{PathA}/x/{PathB}", "/a/x/b/x/c", &["a/x/b", "c"]),
        // Each takes one byte at least.
        ("/{PathA}/{PathB}", "/a//", &["a", "/"]),
        ("/{PathA}/{PathB}", "/a/b/", &["a", "b/"]),
        ("/{PathA}/{PathB}/{PathC}", "/a/b/c/d/e", &["a/b/c", "d", "e"]),
        ("/v{PathA}-{PathB}.json", "/v1-2-3.json", &["1-2", "3"]),
        ("/{PathA}aa{PathB}", "/xaaay", &["xa", "y"]),
        // Raw, and no escape is cut in two.
        ("/{PathA}2{PathB}", "/a%2fb2c%20d", &["a%2fb", "c%20d"]),
        ("/{PathA}", "/%E4;x", &["%E4;x"]),
    ];
    for (path, request, values) in rows {
        let policy = one(path, "mock: {}").expect("no mistakes");
        let request = format!("/release{request}");
        let found = found(&policy, &request);
        let names = ["PathA", "PathB", "PathC"];
        let got: Vec<&str> =
            names.iter().filter_map(|name| found.variable(&request, name)).collect();
        assert_eq!(got, values, "{path} {request}");
        assert_eq!(found.variable(&request, "PathD"), None);
    }
}

#[test]
fn a_path_without_a_value_for_each_variable_does_not_match() {
    let rows = [
        ("/{a}", "/"),
        ("/{a}/{b}", "/x"),
        ("/{a}/{b}", "//x"),
        ("/{a}/{b}", "/x/"),
        ("/{a}/detail", "//detail"),
        ("/{a}/detail", "/detail"),
        ("/{a}x", "/x"),
        ("/{a}2{b}", "/a%2fb"),
        ("/{a}f", "/a%2f"),
        ("/ab{a}ba", "/aba"),
    ];
    for (path, request) in rows {
        let policy = one(path, "mock: {}").expect("no mistakes");
        let request = format!("/release{request}");
        let route =
            RouteRequest { host: Some(b"h"), scheme: Scheme::Http, path: &request, method: "GET" };
        assert_eq!(policy.route(&route).expect_err(path).entry.id, "uri-unknown", "{path}");
    }
}

#[test]
fn exact_paths_and_patterns_use_the_backend_path_as_written() {
    let rows = [
        ("=/a", "", "/a", "/"),
        ("=/a", "/", "/a", "/"),
        ("=/a", "/tencent/", "/a", "/tencent/"),
        ("^~/a", "/tencent/", "/a/b", "/tencent/b"),
        ("^~/a/", "", "/a/b", "/b"),
        ("/a/{id}", "", "/a/7", "/"),
        ("/a/{id}", "/tencent", "/a/7", "/tencent"),
        ("/a/[0-9]+", "/tencent/", "/a/7", "/tencent/"),
        ("/a/{id}", "/b/{id}/c", "/a/7/8", "/b/7/8/c"),
        ("/{a}/to/{b}", "/{b}/from/{a}", "/x/to/y%2F", "/y%2F/from/x"),
        ("/{a}", "/{a}", "//evil.test/x", "/evil.test/x"),
        ("/{a}/{b}", "/{a}{b}", "/x/y", "/xy"),
        ("/{a}", "/x{a}", "/b", "/xb"),
    ];
    for (path, base, request, expect) in rows {
        let policy = one(path, &format!("url: \"http://b{base}\"")).expect("no mistakes");
        let request = format!("/release{request}");
        let target = found(&policy, &request).target(&request, Some("q"));
        assert_eq!(target, format!("{expect}?q"), "{path} {base} {request}");
    }
}

#[test]
fn variables_that_make_a_dot_segment_are_refused() {
    let rows = [
        ("/f/x{a}", "/{a}", "/f/x.."),
        ("/f/x{a}", "/{a}/y", "/f/x%2e."),
        ("/f/{a}x{b}", "/{a}{b}", "/f/.x."),
        ("/f/{a}x{b}", "/.{b}/{a}", "/f/ax./c"),
    ];
    for (path, base, request) in rows {
        let policy = one(path, &format!("url: \"http://b{base}\"")).expect("no mistakes");
        let request = format!("/release{request}");
        let route =
            RouteRequest { host: Some(b"h"), scheme: Scheme::Http, path: &request, method: "GET" };
        let refusal = policy.route(&route).expect_err(path);
        assert_eq!(refusal.entry.id, "path-dot-segment", "{path}");
    }
}

#[test]
fn constants_and_variables_stand_in_the_query() {
    let query = "query: {source: 'a b&c', user: 'u-{id}', 'x y': ''}";
    let policy = one("/u/{id}", &format!("url: \"http://b/x\", {query}")).expect("no mistakes");
    let ours = |id: &str| format!("source=a%20b%26c&user=u-{id}&x%20y=");
    let rows = [
        ("/u/7", None, format!("/x?{}", ours("7"))),
        ("/u/7", Some(""), format!("/x?{}", ours("7"))),
        ("/u/7", Some("a=1&b"), format!("/x?a=1&b&{}", ours("7"))),
        // What the client sends under a name of ours is dropped, however it is written.
        ("/u/7", Some("source=evil&a=1"), format!("/x?a=1&{}", ours("7"))),
        ("/u/7", Some("a=1&%73ource=evil&source"), format!("/x?a=1&{}", ours("7"))),
        ("/u/7", Some("x+y=1&x%20y=2&Source=3"), format!("/x?Source=3&{}", ours("7"))),
        ("/u/7", Some("%7=1&sourc%=2"), format!("/x?%7=1&sourc%=2&{}", ours("7"))),
        // A value ends where the configuration ends it.
        ("/u/a&source=b;c+d", None, format!("/x?{}", ours("a%26source%3Db%3Bc%2Bd"))),
        ("/u/a%26b/c", None, format!("/x?{}", ours("a%26b%2Fc"))),
    ];
    for (request, query, expect) in rows {
        let request = format!("/release{request}");
        assert_eq!(found(&policy, &request).target(&request, query), expect, "{request} {query:?}");
    }
}

#[test]
fn constants_and_variables_stand_in_headers() {
    let headers = "headers: {X-Source: gateway, x-user: 'id={id}', x-json: '{\"a\": 1}'}";
    let policy = one("/u/{id}", &format!("url: \"http://b/x\", {headers}")).expect("no mistakes");
    let path = "/release/u/7%0d%0aEvil:%201";
    let found = found(&policy, path);
    let headers: Vec<(String, String)> = found
        .headers(path)
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let expect =
        [("x-source", "gateway"), ("x-user", "id=7%0d%0aEvil:%201"), ("x-json", r#"{"a": 1}"#)];
    assert_eq!(headers, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn mistakes_in_what_is_placed_are_reported_at_once() {
    let backend = "url: \"http://b/{nil}\", query: {a: '{nix}', b: \"x\\ny\"}, \
                   headers: {Host: x, 'a b': c, x-a: b, X-A: c, x-b: ' c'}";
    let mistakes = one("/u/{id}", backend).expect_err("mistakes");
    let mistakes: Vec<&str> =
        mistakes.lines().map(|line| line.split_once(".backend").expect("a place").1).collect();
    assert_eq!(
        mistakes,
        [
            ".url: the path of the API has no variable `nil`",
            ".query.a: the path of the API has no variable `nix`",
            ".query.b: a placed text is one line of ASCII, without blanks around it",
            ".headers.Host: the gateway sets `host` itself",
            ".headers.a b: `a b` is not the name of a header",
            ".headers.X-A: the header stands twice",
            ".headers.x-b: a placed text is one line of ASCII, without blanks around it",
        ]
    );
    let plain = one("/u/", "url: \"http://b/{id}\"").expect_err("no variables");
    assert!(plain.ends_with("the path of the API has no variable `id`"), "{plain}");
    let mock = one("/u/", "mock: {}, query: {a: b}").expect_err("a mock sends nothing");
    assert!(mock.contains("unknown key"), "{mock}");
}
