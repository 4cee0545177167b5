use std::collections::BTreeSet;

use super::*;

/// The rows of the provider's table that the catalog holds, status and text, as printed there
/// (`\$` for `$` undone).
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
    (403, "Endpoint IP address is not allowed."),
    (404, "Not Found Host."),
    (404, "Get Host Fail."),
    (404, "Could not support method."),
    (404, "There is no api match host[$host]."),
    (404, "There is no api match default env_mapping[$env_mapping]."),
    (404, "There is no api match uri[$uri]."),
    (404, "Found no api."),
    (405, "Method Not Allowed."),
    (499, "Client closed connection."),
    (500, "Internal Server Error."),
    (502, "Bad Gateway."),
    (503, "Apigw balancer error"),
    (504, "Gateway Time-out."),
];

#[test]
fn published_texts_are_verbatim_and_all_others_are_marked_own() {
    let published: BTreeSet<(u16, &str)> = PUBLISHED.iter().copied().collect();
    let ours: BTreeSet<(u16, &str)> =
        catalog().filter(|entry| !entry.own).map(|entry| (entry.status, entry.text)).collect();
    assert_eq!(ours, published);
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
    let texts: BTreeSet<&str> = entries.iter().map(|entry| entry.text).collect();
    assert_eq!((ids.len(), texts.len()), (entries.len(), entries.len()));
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
    let ours = |entry: &&Entry| entry.raised_by == RaisedBy::Policy;
    let expect: BTreeSet<&str> = catalog().filter(ours).map(|entry| entry.id).collect();
    assert_eq!(raised, expect);
}

#[test]
fn status_and_fault_agree() {
    for entry in catalog() {
        let client = (400..=499).contains(&entry.status);
        assert_eq!(entry.fault == Fault::Client, client, "{}", entry.id);
        assert_ne!(entry.fault, Fault::None, "{}", entry.id);
        assert!(client || (500..=599).contains(&entry.status), "{}", entry.id);
    }
    let again: Vec<&str> =
        catalog().filter(|entry| entry.retry_after_s.is_some()).map(|entry| entry.id).collect();
    assert_eq!(again, ["spool-full"]);
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
