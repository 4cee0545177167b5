//! The document and the routes.

use super::*;

/// Where the committed document lies.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/openapi.json");

/// Set to write the document instead of comparing it.
const WRITE: &str = "TOLLGATE_WRITE_SCHEMAS";

#[test]
fn the_committed_document_is_this_api() {
    let text = openapi().to_pretty_json().expect("JSON") + "\n";
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(DOCUMENT, &text).expect("written");
    }
    let committed = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(committed == text, "schemas/openapi.json differs: look at it, then set {WRITE}=1");
}

#[test]
fn every_route_is_listed() {
    let routes: Vec<_> = routes().into_iter().map(|(m, path)| format!("{m} {path}")).collect();
    assert_eq!(
        routes,
        [
            "GET /healthz",
            "GET /readyz",
            "GET /v1/bills/{hour}",
            "GET /v1/errors",
            "GET /v1/errors/{code}",
            "GET /v1/logs",
            "GET /v1/logs/{req_id}",
            "GET /v1/logs/{req_id}/explain",
            "GET /v1/marketplace/orders/{id}/calls",
            "GET /v1/proofs/{hour}",
            "GET /v1/usage",
        ]
    );
}

#[test]
fn every_route_but_health_asks_for_a_token() {
    for (path, item) in openapi().paths.paths {
        let get = item.get.expect("all are GET");
        assert_eq!(get.security.is_some(), path.starts_with("/v1/"), "{path}");
        assert_eq!(get.responses.responses.contains_key("401"), path.starts_with("/v1/"), "{path}");
    }
}
