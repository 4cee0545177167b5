//! Raw paths: what is strange in them is refused or passed on as it is, never repaired.

use super::classes::serving;
use super::*;

#[test]
fn strange_paths_have_their_answers() {
    let policy = serving(&["/a", "/a/", "=/e/x", "/v/{id}/end", "/r/[^/]+"]);
    let rows = [
        // The path below the environment, the API and what the backend gets; or the refusal.
        // Dot segments.
        ("/a/./b", "400 Path contains a dot segment."),
        ("/a/../b", "400 Path contains a dot segment."),
        ("/a/..", "400 Path contains a dot segment."),
        ("/a/%2e%2E/b", "400 Path contains a dot segment."),
        ("/a/.%2e", "400 Path contains a dot segment."),
        ("/a%2f..%2fb", "400 Path contains a dot segment."),
        ("/a/..;x/b", "400 Path contains a dot segment."),
        (r"/a/..\b", "400 Path contains a dot segment."),
        // `/a` is a prefix of these; what is left would be a dot segment for the backend.
        ("/a../b", "400 Path contains a dot segment."),
        ("/a.", "400 Path contains a dot segment."),
        ("/a%2e./b", "400 Path contains a dot segment."),
        ("/a..;/b", "400 Path contains a dot segment."),
        ("/a...", "/a /..."),
        ("/a.b", "/a /.b"),
        ("/a/.b", "/a/ /.b"),
        ("/a/%252e%252e/b", "/a/ /%252e%252e/b"),
        // Encoded slashes are no slashes, encoded letters no letters.
        ("/a/b%2Fc", "/a/ /b%2Fc"),
        ("/a%2Fb", "/a /%2Fb"),
        ("/%61/b", "404 There is no api match uri[/%61/b]."),
        ("/e%2Fx", "404 There is no api match uri[/e%2Fx]."),
        ("/r/x%2Fy", "/r/[^/]+ /"),
        ("/r/x/y", "404 There is no api match uri[/r/x/y]."),
        // A semicolon is a character like others.
        ("/a;v=1/b", "/a /;v=1/b"),
        ("/a/;x", "/a/ /;x"),
        ("/e;x/x", "404 There is no api match uri[/e;x/x]."),
        // Empty segments stay, but for those where base and rest are joined.
        ("/a//b", "/a/ /b"),
        ("/a/b//c", "/a/ /b//c"),
        ("/a/b/", "/a/ /b/"),
        ("//a", "404 There is no api match uri[//a]."),
        ("/e//x", "404 There is no api match uri[/e//x]."),
        ("/v///end", "/v/{id}/end /"),
        ("/v//end", "404 There is no api match uri[/v//end]."),
        // Bad percent signs.
        ("/a/%", "400 Path contains a bad percent sign."),
        ("/a/%4", "400 Path contains a bad percent sign."),
        ("/a/%zz", "400 Path contains a bad percent sign."),
        ("/a/%%41", "400 Path contains a bad percent sign."),
        ("/a/%41", "/a/ /%41"),
        ("/a/%00", "/a/ /%00"),
        ("/a/%C3%A4/ä", "/a/ /%C3%A4/ä"),
    ];
    for (uri, expect) in rows {
        let path = format!("/release{uri}");
        let host = Some(&b"h"[..]);
        let request = RouteRequest { host, scheme: Scheme::Http, path: &path, method: "GET" };
        let found = match policy.route(&request) {
            Ok(found) => format!("{} {}", found.api.path, found.target(&path, None)),
            Err(refusal) => format!("{} {}", refusal.entry.status, refusal.text),
        };
        assert_eq!(found, expect, "{uri}");
    }
}

proptest! {
    #[test]
    fn no_backend_sees_a_dot_segment_or_a_cut_escape(
        uri in "/(a|b|c/)?([.%/2eF;]|\\.\\.|%2e|%2F|x2|[a-c]){0,8}",
    ) {
        let text = "services: [{id: s, account: a, hosts: [h], apis: [\
            {id: a, path: /a, backend: {url: \"http://b/base\"}},\
            {id: b, path: \"/b{x}2{y}\", backend: {url: \"http://b/{x}{y}\"}},\
            {id: c, path: \"/c/{x}x{y}\", backend: {url: \"http://b/q/{y}/{x}\"}}]}]";
        let policy = read(text).expect("no mistakes");
        let path = format!("/release{uri}");
        let host = Some(&b"h"[..]);
        let request = RouteRequest { host, scheme: Scheme::Http, path: &path, method: "GET" };
        if let Ok(found) = policy.route(&request) {
            let target = found.target(&path, None);
            assert!(!has_dot_segment(&target) && !has_bad_percent(&target), "{path} {target}");
            assert!(target.starts_with('/') && !target.starts_with("//"), "{path} {target}");
        }
    }
}
