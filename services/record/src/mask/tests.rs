//! What is hidden, and what is not.

use std::borrow::Cow;

use proptest::prelude::*;

use super::mask_query;

fn check(query: &str, masked: &str) {
    assert_eq!(mask_query(query), masked, "{query}");
}

/// Keys of presigned addresses, of both dialects' credentials, and common ones.
const SECRET_KEYS: [&str; 42] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Goog-Credential",
    "access_token",
    "id_token",
    "refresh_token",
    "token",
    "accessToken",
    "signature",
    "secret",
    "SecretKey",
    "client_secret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "app_secret",
    "bk_app_secret",
    "bk_token",
    "bk_ticket",
    "bk_signature",
    "sign",
    "apikey",
    "api_key",
    "api-key",
    "x-api-key",
    "key",
    "auth",
    "Authorization",
    "jwt",
    "otp",
    "session_id",
    "JSESSIONID",
    "PHPSESSID",
    "client_assertion",
    "private_key",
    "X-Auth-Token",
];

#[test]
fn values_of_secret_keys_are_hidden_and_their_keys_stay() {
    for key in SECRET_KEYS {
        check(&format!("a=1&{key}=s3cr3t&b=2"), &format!("a=1&{key}=REDACTED&b=2"));
    }
}

#[test]
fn other_queries_stay_as_they_are() {
    for query in [
        "",
        "a=1&b=2",
        "city=%E6%B7%B1&q=a+b",
        "keyword=x&author=y&passage=3&design=1&signal=2&monkey=z&keys=1",
        "SecretId=AKID&secret_id=AKID&bk_app_code=shop",
        "token",
        "token=",
        "&&=&a==b==",
        "%&%z=1&%e",
        "redirect=https%3A%2F%2Fexample.com%2F%3Fa%3D1",
    ] {
        assert!(matches!(mask_query(query), Cow::Borrowed(same) if same == query), "{query}");
    }
}

#[test]
fn a_secret_key_is_known_however_it_is_written() {
    check("TOKEN=s", "TOKEN=REDACTED");
    check("%74oken=s", "%74oken=REDACTED");
    check("access%5Ftoken=s", "access%5Ftoken=REDACTED");
    check("user[password]=s", "user[password]=REDACTED");
    check("user%5Bpassword%5D=s", "user%5Bpassword%5D=REDACTED");
    check("oauth.key=s", "oauth.key=REDACTED");
    check("+token=s", "+token=REDACTED");
    check("a=1;token=s;t", "a=1;token=REDACTED");
    check("token=a;b=c", "token=REDACTED");
    check("token=a=b==", "token=REDACTED");
    let long = "x-".repeat(100);
    check(&format!("{long}token=s"), &format!("{long}token=REDACTED"));
    check("token=s&token=t", "token=REDACTED&token=REDACTED");
}

#[test]
fn a_value_with_a_secret_inside_is_hidden_whole() {
    check("to=https%3A%2F%2Fx%2F%3Ftoken%3Ds&b=2", "to=REDACTED&b=2");
    check("to=https://x/?token=s", "to=REDACTED");
    check("to=a%26sig%3Ds", "to=REDACTED");
    check("token%3Ds", "REDACTED");
}

/// The key in other letters: each one as it is, in the other case, or percent-encoded.
fn disguised() -> impl Strategy<Value = String> {
    let key = prop::sample::select(&SECRET_KEYS[..]);
    (key, prop::collection::vec(0..4_u8, 32)).prop_map(|(key, ways)| {
        key.chars()
            .zip(ways)
            .map(|(sign, way)| match way {
                0 => sign.to_ascii_uppercase().to_string(),
                1 => sign.to_ascii_lowercase().to_string(),
                2 => format!("%{:02x}", u32::from(sign)),
                _ => sign.to_string(),
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn no_secret_survives(
        before in "[a-z=&;%+0-9.]{0,20}",
        key in disguised(),
        secret in "[A-Z]{12}[ -%'-~]{0,8}",
        after in "(&[a-z=&;%+0-9.]{0,20})?",
    ) {
        let query = format!("{before}&{key}={secret}{after}");
        let masked = mask_query(&query);
        prop_assert!(!masked.contains(&secret[..12]), "{masked}");
        prop_assert!(masked.contains(&format!("{key}=REDACTED")), "{masked}");
        prop_assert_eq!(mask_query(&masked), Cow::Borrowed(&*masked));
    }

    #[test]
    fn no_query_makes_it_panic(query in "\\PC{0,40}|[%=&;a-f0-9token]{0,40}") {
        let masked = mask_query(&query);
        prop_assert_eq!(mask_query(&masked), Cow::Borrowed(&*masked));
    }
}
