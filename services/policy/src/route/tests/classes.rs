//! Which API of several answers a path.

use super::*;

/// A service whose APIs have these paths and answer all methods; an id is the number of its path.
/// Behind a path, after a blank, its methods may stand.
pub(super) fn serving(paths: &[&str]) -> Policy {
    try_serving(paths).expect("no mistakes")
}

fn try_serving(paths: &[&str]) -> Result<Policy, String> {
    let mut text = "services:\n  - id: s\n    account: a\n    hosts: [h]\n    apis:\n".to_owned();
    for (number, path) in paths.iter().enumerate() {
        let (path, methods) = match path.split_once(' ') {
            Some((path, methods)) => (path, format!("methods: [{methods}], ")),
            None => (*path, String::new()),
        };
        text += &format!(
            "      - {{id: \"{number}\", path: '{path}', {methods}backend: {{url: \"http://b\"}}}}\n"
        );
    }
    read(&text)
}

/// The path of the API that answers, or the status of the refusal.
pub(super) fn answers(policy: &Policy, method: &str, uri: &str) -> String {
    let path = format!("/release{uri}");
    let request = RouteRequest { host: Some(b"h"), scheme: Scheme::Http, path: &path, method };
    match policy.route(&request) {
        Ok(found) => found.api.path.clone(),
        Err(refusal) => refusal.entry.status.to_string(),
    }
}

#[test]
fn the_classes_have_the_order_of_the_seed() {
    // Whatever the order of the configuration.
    let mut paths = ["/user", "/user/{id}", "^~/user/a", "=/user/a/b"];
    for turn in 0..paths.len() {
        paths.rotate_left(1);
        let policy = serving(&paths);
        let rows = [
            ("/user/a/b", "=/user/a/b"),
            ("/user/a/b/", "^~/user/a"),
            ("/user/a", "^~/user/a"),
            ("/user/abc", "^~/user/a"),
            ("/user/b", "/user/{id}"),
            ("/user/b/c", "/user/{id}"),
            ("/user/", "/user"),
            ("/user", "/user"),
            ("/usertest", "/user"),
            ("/use", "404"),
            ("/User", "404"),
        ];
        for (uri, expect) in rows {
            assert_eq!(answers(&policy, "GET", uri), expect, "{uri}, turn {turn}");
        }
    }
}

#[test]
fn an_exact_path_answers_itself_alone() {
    let policy = serving(&["=/user", "=/a/"]);
    let rows = [
        ("/user", "=/user"),
        ("/user/", "404"),
        ("/usertest", "404"),
        ("/a/", "=/a/"),
        ("/a", "404"),
    ];
    for (uri, expect) in rows {
        assert_eq!(answers(&policy, "GET", uri), expect, "{uri}");
    }
}

#[test]
fn the_longest_of_several_prefixes_wins() {
    for sign in ["", "^~"] {
        let paths = ["/a", "/a/b/c", "/a/b", "/"].map(|path| format!("{sign}{path}"));
        let policy = serving(&paths.each_ref().map(String::as_str));
        let rows = [("/a/b/c/d", 1), ("/a/b/x", 2), ("/a/x", 0), ("/abc", 0), ("/x", 3), ("/", 3)];
        for (uri, expect) in rows {
            assert_eq!(answers(&policy, "GET", uri), paths[expect], "{uri}");
        }
    }
}

#[test]
fn the_first_of_several_patterns_wins() {
    let rows = [
        // The first that is defined, be it longer or shorter, begin it with a variable or not.
        (["/{a}", "/user/{id}"], "/user/1", "/{a}"),
        (["/user/{id}", "/{a}"], "/user/1", "/user/{id}"),
        (["/user/{id}", "/{a}"], "/other/1", "/{a}"),
        (["/user/[0-9]+", "/user/{id}"], "/user/1", "/user/[0-9]+"),
        (["/user/[0-9]+", "/user/{id}"], "/user/x", "/user/{id}"),
        (["/user/{id}", "/user/[0-9]+"], "/user/1", "/user/{id}"),
        (["/user/{id}/a", "/user/{id}"], "/user/1/a", "/user/{id}/a"),
        (["/user/{id}", "/user/{id}/a"], "/user/1/a", "/user/{id}"),
    ];
    for (paths, uri, expect) in rows {
        assert_eq!(answers(&serving(&paths), "GET", uri), expect, "{paths:?} {uri}");
    }
}

#[test]
fn a_regular_expression_matches_the_whole_path() {
    let rows = [
        ("/user/[0-9]+", "/user/12", true),
        ("/user/[0-9]+", "/user/12/", false),
        ("/user/[0-9]+", "/x/user/12", false),
        ("/user/[0-9]{2,3}", "/user/1", false),
        ("/user/[0-9]{2,3}", "/user/123", true),
        ("/(a|b)/.*", "/b/c/d", true),
        ("/(a|b)/.*", "/c/d", false),
        ("/a|/bc", "/bc", true),
        ("/a|/ab", "/ab", true),
        (r"/v1\.0", "/v1.0", true),
        (r"/v1\.0", "/v1x0", false),
        (r"/\d+$", "/7", true),
        ("^/a.c", "/abc", true),
        ("/a.c?", "/ab", true),
        ("(?x)/a # comment", "/a", false),
        ("/(?i)ab", "/AB", true),
    ];
    for (path, uri, expect) in rows {
        if !path.starts_with('/') {
            assert!(try_serving(&[path]).is_err(), "{path}");
            continue;
        }
        let expect = if expect { path } else { "404" };
        assert_eq!(answers(&serving(&[path]), "GET", uri), expect, "{path} {uri}");
    }
}

#[test]
fn the_path_decides_before_the_method() {
    let policy = serving(&[
        "=/a GET",
        "^~/b/ GET",
        "/b POST",
        "/c/{id} GET",
        "/c/{id} PUT, POST",
        "/c/{other} DELETE",
        "/a POST",
        "/c PATCH",
    ]);
    let rows = [
        ("GET", "/a", "=/a"),
        ("POST", "/a", "405"),
        ("POST", "/ab", "/a"),
        ("POST", "/b/x", "405"),
        ("POST", "/b", "/b"),
        ("GET", "/b", "405"),
        ("GET", "/c/1", "/c/{id}"),
        ("PUT", "/c/1", "/c/{id}"),
        // The same set of paths, but another path: the first one decides.
        ("DELETE", "/c/1", "405"),
        ("PATCH", "/c/1", "405"),
        ("PATCH", "/c", "/c"),
        ("GET", "/d", "404"),
        ("BREW", "/a", "404"),
        ("get", "/a", "404"),
    ];
    for (method, uri, expect) in rows {
        assert_eq!(answers(&policy, method, uri), expect, "{method} {uri}");
    }
}

#[test]
fn a_hundred_free_patterns_are_accepted_and_one_more_is_not() {
    let free: Vec<String> = (0..50)
        .map(|n| format!("/{{a}}/x{n}"))
        .chain((0..50).map(|n| format!("/r{n}/[0-9]+")))
        .collect();
    let mut paths: Vec<&str> = free.iter().map(String::as_str).collect();
    let plenty: Vec<String> = (0..500).map(|n| format!("/p{n}/x")).collect();
    paths.extend(plenty.iter().map(String::as_str));
    let policy = serving(&paths);
    assert_eq!(answers(&policy, "GET", "/r49/7"), "/r49/[0-9]+");
    assert_eq!(answers(&policy, "GET", "/q/x49"), "/{a}/x49");
    assert_eq!(answers(&policy, "GET", "/p499/x"), "/p499/x");

    paths.push("/{free}");
    assert_eq!(
        try_serving(&paths).expect_err("101 free patterns"),
        "t.yaml:2: services[0]: 101 paths are regular expressions or begin with a variable; at \
         most 100 are accepted: let them begin with a fixed text"
    );
}

#[test]
fn ten_thousand_apis_with_variables_are_told_apart_by_their_beginnings() {
    let paths: Vec<String> = (0..10_000).map(|n| format!("/p{n}/{{id}}/x")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let policy = serving(&paths);
    for n in [0, 1, 10, 1_000, 9_999] {
        assert_eq!(answers(&policy, "GET", &format!("/p{n}/7/x")), format!("/p{n}/{{id}}/x"));
    }
    assert_eq!(answers(&policy, "GET", "/p10000/7/x"), "404");
}

#[test]
fn a_thousand_paths_with_variables_may_share_a_beginning() {
    let paths: Vec<String> = (0..1_000)
        .map(|n| {
            if n % 2 == 0 { format!("/own/{{id}}/y{n}/{{x}}") } else { format!("/own/{{id}}/y{n}") }
        })
        .collect();
    let free = ["/{a}/y7", "/o[a-z]+/x/y9"];
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(free).collect();
    let policy = serving(&paths);
    let rows = [
        ("/own/7/y999", "/own/{id}/y999"),
        ("/own/7/y998/z", "/own/{id}/y998/{x}"),
        ("/own/7/y998", "404"),
        ("/own/x/y7", "/own/{id}/y7"),
        ("/own/x/y9", "/own/{id}/y9"),
        ("/oxn/x/y9", "/o[a-z]+/x/y9"),
        ("/oxn/x/y7", "/{a}/y7"),
        // Of two that match, the one that was defined first.
        ("/own/7/y2/y1", "/own/{id}/y1"),
        ("/own/7/y2/y3", "/own/{id}/y2/{x}"),
    ];
    for (uri, expect) in rows {
        assert_eq!(answers(&policy, "GET", uri), expect, "{uri}");
    }
}

#[test]
fn a_hundred_beginnings_may_lie_within_each_other() {
    let mut paths: Vec<String> = (1..=101).map(|n| format!("/{}{{v}}", "a".repeat(n))).collect();
    let serving = |paths: &[String]| {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        try_serving(&paths).map(|_| ())
    };
    assert_eq!(serving(&paths), Ok(()));
    paths.push(format!("/{}{{v}}", "a".repeat(102)));
    assert_eq!(
        serving(&paths).expect_err("101 shorter ones"),
        format!(
            "t.yaml:2: services[0]: paths with variables begin with `/{}` and with more than 100 \
             shorter texts that it begins with; at most 100 such beginnings are accepted",
            "a".repeat(102)
        )
    );
}

/// The seed's order, spelled out path by path.
fn naive<'p>(paths: &[&'p str], uri: &str) -> Option<&'p str> {
    let exact = |path: &&&str| path.strip_prefix('=') == Some(uri);
    let first = |path: &&&str| path.strip_prefix("^~").is_some_and(|path| uri.starts_with(path));
    // One variable, so that it takes what lies between.
    let pattern = |path: &&&str| {
        let (before, after) = path.split_once("{v}")?;
        let value = uri.strip_prefix(before)?.strip_suffix(after)?;
        (!value.is_empty()).then_some(())
    };
    let plain = |path: &&&str| path.starts_with('/') && uri.starts_with(**path);
    let longest = |path: &&&str| path.len();
    let found = paths.iter().find(exact);
    let found = found.or_else(|| paths.iter().filter(first).max_by_key(longest));
    let found = found.or_else(|| paths.iter().find(|path| pattern(path).is_some()));
    found.or_else(|| paths.iter().filter(plain).max_by_key(longest)).copied()
}

proptest! {
    #[test]
    fn the_compiled_paths_answer_as_a_linear_search(
        paths in prop::collection::btree_set("(=|\\^~)?/[ab/]{0,4}|/[ab/]{0,2}\\{v\\}[ab/]{0,2}", 1..14),
        turn in 0_usize..14,
        uri in "/[abc/]{0,7}",
    ) {
        let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let turn = turn % paths.len();
        paths.rotate_left(turn);
        let expect = naive(&paths, &uri).unwrap_or("404");
        assert_eq!(answers(&serving(&paths), "GET", &uri), expect, "{paths:?} {uri}");
    }
}
