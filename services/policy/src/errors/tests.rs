use std::collections::BTreeSet;

use super::*;

/// The rows of the provider's table of errors (in its questions and answers, 2023-12-25; one row of
/// 503 came later), status and text, as printed there (`\$` for `$` undone). 0: no status.
const PUBLISHED: &[(u16, &str)] = &[
    (401, "HMAC apikey is invalid for API."),
    (
        401,
        "HMAC signature cannot be verified, a valid x-date header is required for HMAC Authentication.",
    ),
    (
        401,
        "HMAC signature cannot be verified, the x-date header is out of date for HMAC Authentication.",
    ),
    (401, "HMAC signature cannot be verified, a valid date or x-date header is required."),
    (401, "HMAC id or signature missing."),
    (401, "HMAC do not support multiple HTTP header."),
    (401, "HMAC signature cannot be verified, a valid xxx header is required."),
    (401, "HMAC algorithm xxx not supported."),
    (401, "HMAC authorization format error."),
    (401, "HMAC authorization headers is invalidate."),
    (401, "HMAC signature cannot be verified."),
    (401, "HMAC signature does not match."),
    (401, "Oauth call authentication server fail."),
    (401, "Oauth found no related Oauth api."),
    (401, "Oauth miss Oauth id_token."),
    (401, "Oauth signature cannot be verified, a validate authorization header is required."),
    (401, "Oauth authorization header format error."),
    (401, "Oauth found no authorization header."),
    (401, "Oauth found no id_token."),
    (401, "Oauth id_token verify error."),
    (403, "Found no validate usage plan."),
    (403, "Cannot identify the client IP address, unix domain sockets are not supported."),
    (403, "Endpoint IP address is not allowed."),
    (403, "Get xxx params fail."),
    (403, "need header Sec-WebSocket-Key."),
    (403, "need header Sec-WebSocket-Version."),
    (403, "header xxx is required."),
    (403, "path variable xxx is required."),
    (403, "querystring xxx is required."),
    (403, "req content type need application/x-www-form-urlencoded."),
    (403, "body param xxx is required."),
    (403, "Found no validate apiapp."),
    (404, "Not found micro service with key."),
    (404, "Not Found Host."),
    (404, "Get Host Fail."),
    (404, "Could not support method."),
    (404, "There is no api match host[$host]."),
    (404, "There is no api match env_mapping[$env_mapping]."),
    (404, "There is no api match default env_mapping[$env_mapping]."),
    (404, "There is no api match uri[$uri]."),
    (404, "Not allow use HTTPS protocol."),
    (404, "Not allow use HTTP protocol."),
    (404, "Found no api."),
    (405, "Method Not Allowed."),
    (426, "Not allow use HTTPS protocol."),
    (426, "Not allow use HTTP protocol."),
    (426, "Not allow use xxx protocol."),
    (429, "API rate limit exceeded."),
    (429, "API quota exceeded."),
    (429, "req is cross origin, api $uri need open cors flag on qcloud apigateway."),
    (481, "API config error."),
    (481, "TSF config error."),
    (481, "Get location of micro service info fail."),
    (481, "Only support the map_from like method.req.{path}.{}"),
    (481, "Found no valid cors config."),
    (481, "Oauth public key error."),
    (481, "Oauth id_token location forbidden."),
    (481, "Oauth found no oauth config."),
    (481, "Oauth found no public key."),
    (481, "Mock config error."),
    (499, "Client closed connection."),
    (500, "Error occurred during query params."),
    (500, "Internal Server Error."),
    (502, "Bad Gateway."),
    (503, "Apigw balancer error"),
    (504, "Gateway Time-out."),
    (0, "SSL_ERROR_SYSCALL"),
    (0, "OPENSSL_internal:TLSV1_ALERT_INTERNAL_ERROR"),
];

#[test]
fn published_texts_are_verbatim_and_all_others_are_marked_own() {
    let published: BTreeSet<(u16, &str)> = PUBLISHED.iter().copied().collect();
    let ours: BTreeSet<(u16, &str)> =
        catalog().filter(|entry| !entry.own).map(|entry| (entry.status, entry.text)).collect();
    let unknown: Vec<_> = ours.difference(&published).collect();
    assert_eq!(unknown, Vec::<&(u16, &str)>::new());
    let absent: Vec<_> = published.difference(&ours).collect();
    assert_eq!(absent, Vec::<&(u16, &str)>::new());
    for entry in catalog().filter(|entry| entry.own) {
        assert!(PUBLISHED.iter().all(|(_, text)| *text != entry.text), "{}", entry.id);
    }
}

fn placeholders(text: &str) -> BTreeSet<&'static str> {
    PLACEHOLDERS.into_iter().filter(|name| text.contains(name)).collect()
}

#[test]
fn both_languages_say_something_different_with_the_same_placeholders() {
    for entry in catalog() {
        for Words { en, zh } in [&entry.cause, &entry.remedy] {
            let id = entry.id;
            assert!(en.is_ascii() || en.contains('…'), "{id}: {en}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{id}: {zh}");
            assert!(en.ends_with('.') && zh.ends_with('。'), "{id}: {en} {zh}");
            assert_eq!(placeholders(en), placeholders(zh), "{id}");
            assert!(placeholders(en).is_subset(&placeholders(entry.text)), "{id}: {en}");
            assert_ne!(*en, entry.text, "{id}");
        }
        assert_ne!(entry.cause, entry.remedy, "{}", entry.id);
    }
}

#[test]
fn ids_and_texts_are_unique() {
    let entries: Vec<&Entry> = catalog().collect();
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id).collect();
    // Two texts stand in the provider's table with 404 and with 426.
    let texts: BTreeSet<(u16, &str)> = entries.iter().map(|e| (e.status, e.text)).collect();
    // Variants say what another entry says.
    let said = entries.len() - variants::ENTRIES.len();
    assert_eq!((ids.len(), texts.len()), (entries.len(), said));
    for entry in entries {
        assert_eq!(by_id(entry.id), Some(entry));
        assert!(entry.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", entry.id);
    }
    assert_eq!(by_id("no-such-id"), None);
}

#[test]
fn every_entry_is_raised_by_someone() {
    let mut raised = crate::route::tests::raised();
    raised.extend(crate::hmac::tests::raised());
    raised.extend(crate::admit::tests::raised());
    let ours = |entry: &&Entry| entry.raised_by == RaisedBy::Policy && entry.state == State::Now;
    let expect: BTreeSet<&str> = catalog().filter(ours).map(|entry| entry.id).collect();
    assert_eq!(raised, expect);
}

#[test]
fn status_and_fault_agree() {
    for entry in catalog() {
        if entry.answer().is_none() {
            assert_eq!((entry.fault, entry.form()), (Fault::None, None), "{}", entry.id);
            assert_eq!((entry.shown, entry.retry_after_s), (None, None), "{}", entry.id);
            continue;
        }
        let client = (400..=499).contains(&entry.status) && entry.status != 481;
        assert_eq!(entry.fault == Fault::Client, client, "{}", entry.id);
        assert_ne!(entry.fault, Fault::None, "{}", entry.id);
        assert!(client || matches!(entry.status, 481 | 500..=599), "{}", entry.id);
    }
    let again: Vec<&str> =
        catalog().filter(|entry| entry.retry_after_s.is_some()).map(|entry| entry.id).collect();
    assert_eq!(again, ["spool-full", "connections-full"]);
}

#[test]
fn values_are_filled_in_once() {
    let text = "There is no api match uri[$uri] host [$host]";
    let filled = fill(text, &[("$host", "$uri"), ("$uri", "xxx $host")]);
    assert_eq!(filled, "There is no api match uri[xxx $host] host [$uri]");
    assert!(matches!(fill("Bad Gateway.", &[("$host", "a")]), Cow::Borrowed("Bad Gateway.")));
    assert_eq!(fill(text, &[]), text);
}

#[test]
fn a_body_is_json_whatever_the_text() {
    assert_eq!(body("Bad Gateway."), r#"{"message":"Bad Gateway."}"#);
    assert_eq!(body("a\"b\\c\n\u{1}ä"), "{\"message\":\"a\\\"b\\\\c\\u000a\\u0001ä\"}");
}

/// The rows of the other dialect's page of error answers: code, status, name and message, details
/// left open.
const BLUEKING: &[(u32, u16, &str, &str)] = &[
    (1_640_001, 400, "INVALID_ARGS", r#"Parameters error [reason="…"]"#),
    (1_640_301, 403, "APP_NO_PERMISSION", "App has no permission to the resource"),
    (1_640_302, 403, "IP_NOT_ALLOWED", "Request rejected by ip restriction"),
    (1_640_401, 404, "API_NOT_FOUND", r#"API not found [method="…" path="…"]"#),
    (1_641_301, 413, "BODY_SIZE_LIMIT_EXCEED", "Request body size too large."),
    (1_641_401, 414, "URI_SIZE_LIMIT_EXCEED", "Request uri size too large."),
    (1_642_901, 429, "RATE_LIMIT_RESTRICTION", "API rate limit exceeded by stage global limit"),
    (1_642_902, 429, "RATE_LIMIT_RESTRICTION", "API rate limit exceeded by stage strategy"),
    (1_642_903, 429, "RATE_LIMIT_RESTRICTION", "API rate limit exceeded by resource strategy"),
    (1_642_904, 429, "CONCURRENCY_LIMIT_RESTRICTION", "Request concurrency exceeds"),
    (1_650_001, 500, "INTERNAL_SERVER_ERROR", "Internal Server Error"),
    (1_650_200, 502, "BAD_GATEWAY", r#"Bad Gateway [upstream_error="…"]"#),
    (
        1_650_201,
        502,
        "ERROR_REQUESTING_RESOURCE",
        r#"Request backend service failed [detail="…" err="…" status="…"]"#,
    ),
    (1_650_300, 503, "SERVICE_UNAVAILABLE", "Service Unavailable"),
    (
        1_650_401,
        504,
        "REQUEST_BACKEND_TIMEOUT",
        r#"Request backend service timeout [upstream_error="…"]"#,
    ),
    (
        1_650_801,
        508,
        "RECURSIVE_REQUEST_DETECTED",
        "Recursive request detected, please contact the api manager to check the resource configuration",
    ),
];

#[test]
fn every_entry_has_the_other_dialects_form() {
    for (code, ..) in BLUEKING {
        let found = catalog().any(|entry| entry.blueking.code == *code && !entry.blueking.own);
        assert!(found, "no entry has the form {code}");
    }
    for entry in catalog() {
        let Some(form) = entry.form() else {
            assert_eq!(entry.answer(), None, "{}: an answer has both forms", entry.id);
            continue;
        };
        let Form { code, code_name, status, message, own } = form;
        let row = BLUEKING.iter().find(|(known, ..)| *known == code);
        assert_eq!(code / 100 % 1000, u32::from(status), "{}", entry.id);
        assert_eq!(code / 100_000, 16, "{}", entry.id);
        match row {
            Some(row) => assert_eq!(*row, (code, status, code_name, message), "{}", entry.id),
            None => assert!(own, "{}", entry.id),
        }
        if own {
            assert!(row.is_none() || entry.status == 405, "{}", entry.id);
        }
    }
}

#[test]
fn entries_are_found_by_id_status_code_and_text() {
    let ids = |code: &str| by_code(code).iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids("balancer"), ["balancer"]);
    assert_eq!(ids("504"), ["gateway-timeout"]);
    assert_eq!(ids("1650201"), ["bad-gateway-head"]);
    // What is no answer has no number.
    assert_eq!(ids("0"), [""; 0]);
    assert_eq!(ids("tls-handshake-cut"), ["tls-handshake-cut"]);
    assert!(ids("1640001").contains(&"hmac-format"));
    assert!(ids("400").contains(&"hmac-format") && ids("400").contains(&"malformed"));
    assert_eq!(ids("nothing"), [""; 0]);
}
