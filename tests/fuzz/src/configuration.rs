//! The configuration: mistakes have a place, and what is good serves any request.

use http::HeaderMap;
use http::uri::PathAndQuery;
use policy::{AdmitRequest, Policy, RouteRequest, Scheme};
use record::Time;
use settings::Mistakes;
use tollgate::fuzz::{SECRET, read};

/// Hosts and paths of the text itself that are asked for, so that it does not take long.
const ASKED_MAX: usize = 12;

/// Paths that are asked for in each configuration.
const PATHS: [&str; 8] = [
    "/",
    "/release",
    "/release/",
    "/test/a",
    "/release/a/b?c=d&source=%20",
    "//",
    "/a/..",
    "/%2f%",
];

/// The longest text that is tried: nothing is looked for in what only size makes.
const TEXT_MAX: usize = 64 * 1024;

/// A text is a configuration, or each of its mistakes has its line; a configuration answers any
/// request.
pub fn configuration(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    if text.len() > TEXT_MAX {
        return false;
    }
    match read(text) {
        Ok((policy, faults)) => {
            have_places(&faults, text);
            serve(&policy, text);
            true
        }
        Err(mistakes) => {
            assert!(!mistakes.list.is_empty());
            have_places(&mistakes, text);
            false
        }
    }
}

fn have_places(mistakes: &Mistakes, text: &str) {
    let last = text.split('\n').count();
    for mistake in &mistakes.list {
        assert!((1..=last).contains(&mistake.line), "of {last} lines: {mistake}");
        assert!(!mistake.text.is_empty() && mistake.file == "tollgate.yaml", "{mistake}");
    }
    assert!(!mistakes.to_string().contains(SECRET), "{mistakes}");
}

/// Asks each host that the text may mean for each path that it may mean.
fn serve(policy: &Policy, text: &str) {
    let signs = |sign: char| !sign.is_alphanumeric() && !".-:".contains(sign);
    let hosts = text.split(signs).filter(|word| word.contains('.')).take(ASKED_MAX);
    let hosts: Vec<&str> = hosts.collect();
    let paths = text.split([' ', '\n', '"', ',', '\'']).filter(|word| word.starts_with('/'));
    for path in PATHS.into_iter().chain(paths.take(ASKED_MAX)) {
        let Ok(target) = PathAndQuery::try_from(path) else { continue };
        for (number, host) in hosts.iter().enumerate() {
            for method in ["GET", "POST", "OPTIONS"] {
                let scheme = if number % 3 == 0 { Scheme::Https } else { Scheme::Http };
                ask(policy, host.as_bytes(), scheme, method, &target);
            }
        }
    }
}

fn ask(policy: &Policy, host: &[u8], scheme: Scheme, method: &str, target: &PathAndQuery) {
    let (path, query, host) = (target.path(), target.query(), Some(host));
    let matched = match policy.route(&RouteRequest { host, scheme, path, method }) {
        Ok(matched) => matched,
        Err(refusal) => return is_json(&refusal.body()),
    };
    let forwarded = matched.target(path, query);
    assert!(forwarded.starts_with('/') && !forwarded.starts_with("//"), "{forwarded:?}");
    assert!(PathAndQuery::try_from(forwarded.as_str()).is_ok(), "{forwarded:?} is no target");
    let placed = matched.headers(path).count();
    assert!(placed < usize::from(u16::MAX), "{placed} headers");
    let headers = HeaderMap::new();
    let request = AdmitRequest {
        scheme: "http",
        host,
        method,
        path,
        query,
        headers: &headers,
        form: &[],
        client: None,
        now: Time(1_794_917_329_000),
    };
    if let Err(refusal) = policy.admit(&matched, &request) {
        is_json(&refusal.body());
    }
}

fn is_json(body: &str) {
    let body: serde_json::Value = serde_json::from_str(body).expect("the body of a refusal");
    assert!(body["message"].is_string(), "{body}");
}
