//! What nothing can raise yet, and what is missing for each.

use std::collections::BTreeMap;

use policy::errors::{self, State};

/// Entries that no request can get yet, with what has to exist first. No line is ever added: an
/// entry whose cause exists is raised by a case, and its line here goes.
const LATER: &[(&str, &str)] = &[
    ("bad-gateway-head", "blueking"),
    ("concurrency", "concurrency"),
    ("microservice-location", "service_discovery"),
    ("microservice-map", "service_discovery"),
    ("microservice-unknown", "service_discovery"),
    ("oauth-format", "oauth"),
    ("oauth-header-empty", "oauth"),
    ("oauth-header-missing", "oauth"),
    ("oauth-key-faulty", "oauth"),
    ("oauth-location", "oauth"),
    ("oauth-no-api", "oauth"),
    ("oauth-no-config", "oauth"),
    ("oauth-no-key", "oauth"),
    ("oauth-parameter-missing", "oauth"),
    ("oauth-server", "oauth"),
    ("oauth-token-missing", "oauth"),
    ("oauth-verify", "oauth"),
    ("plan-missing", "plans"),
    ("protocol-not-allowed", "websocket"),
    ("quota", "quota"),
    ("rate-limit", "rate_limits"),
    ("rate-limit-api", "blueking"),
    ("rate-limit-environment", "blueking"),
    ("recursive", "blueking"),
    ("tls-handshake-cut", "tls"),
    ("tls-handshake-refused", "tls"),
    ("tsf-config", "service_discovery"),
    ("websocket-key", "websocket"),
    ("websocket-version", "websocket"),
];

/// What may be missing. Everything else exists, or comes with the entry that needs it.
const MISSING: [&str; 11] = [
    "blueking",
    "concurrency",
    "http2",
    "ledger",
    "oauth",
    "plans",
    "quota",
    "rate_limits",
    "service_discovery",
    "tls",
    "websocket",
];

#[test]
fn the_list_of_what_comes_later_only_gets_shorter() {
    let listed: BTreeMap<&str, &str> = LATER.iter().copied().collect();
    assert_eq!(listed.len(), LATER.len(), "no id stands there twice");
    for (id, missing) in &listed {
        assert!(MISSING.contains(missing), "`{id}` waits for `{missing}`, which nothing may");
        let entry = errors::by_id(id);
        let state = entry.map(|entry| entry.state);
        assert!(
            state.is_some_and(|state| state != State::Now),
            "`{id}` does not come later any more: take its line out of the list"
        );
    }
    for entry in errors::catalog() {
        let Some(missing) = entry.state.missing() else { continue };
        assert_eq!(
            listed.get(entry.id),
            Some(&missing),
            "`{}` is said to come later: raise it; nothing is added to the list",
            entry.id
        );
    }
}
