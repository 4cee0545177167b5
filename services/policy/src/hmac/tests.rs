use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue};

use super::*;
use crate::testing::example;
use crate::{Admitted, RouteRequest};

/// 2026-11-17T12:08:49Z, in milliseconds.
pub(crate) const NOW: Time = Time(1_794_917_329_000);
const X_DATE: (&str, &str) = ("x-date", "Tue, 17 Nov 2026 12:08:49 GMT");
const SOURCE: (&str, &str) = ("Source", "demo");

// Signatures of `x-date: Tue, 17 Nov 2026 12:08:49 GMT` and `source: demo`, each made by
// `printf 'x-date: …\nsource: demo' | openssl dgst -sha1 -hmac SECRET -binary | base64`.
const SIGNED: &str = r#"hmac id="AKIDweather", algorithm="hmac-sha1", headers="x-date source", signature="NO0u46vc1qdugNi1l9SmNoeT8b8=""#;
const SIGNED_512: &str = r#"hmac id="AKIDweather", algorithm="hmac-sha512", headers="x-date source", signature="CLGtI/DM28X4MQA5V29U8/WUDAJ3U7ASeEcppkjODNJ0rCGXqNNiYooWam1PwlS/zrfN8Gh+pm+GGNBT6X9Akg==""#;
const SIGNED_NARROW: &str = r#"hmac id="AKIDnarrow", algorithm="hmac-sha1", headers="x-date source", signature="8V05RjMg7fWv8/Nv9JvP+9jMDq0=""#;
/// In the other order, and listed in upper case.
const SIGNED_TURNED: &str = r#"hmac id="AKIDweather", algorithm="hmac-sha1", headers="Source X-DATE", signature="hilZn0QznNCWV+novVRgnhD5mUY=""#;
/// `date: Mon, 01 Jan 2001 00:00:00 GMT` and `source: demo`.
const SIGNED_OLD: &str = r#"hmac id="AKIDweather", algorithm="hmac-sha1", headers="date source", signature="35gXV4fKm/s01fiLZN9Y1eUcGk4=""#;
const OLD_DATE: (&str, &str) = ("date", "Mon, 01 Jan 2001 00:00:00 GMT");

/// Sends headers to an API; gives the caller's account and id, or the text of the refusal.
fn check(path: &str, headers: &[(&str, &str)]) -> Result<String, (&'static str, String)> {
    let policy = example();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = name.parse::<HeaderName>().expect("a header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    let host = Some(&b"weather.example.test"[..]);
    let matched = policy
        .route(&RouteRequest { host, scheme: crate::Scheme::Http, path, method: "GET" })
        .expect("a match");
    let request = crate::admit::tests::request(path, &map);
    match policy.admit(&matched, &request) {
        Ok(Admitted::Preflight(_)) => panic!("a GET is no preflight"),
        Ok(Admitted::Call(caller)) => {
            let Caller { account, secret_id, plan_id, order_id, goods_id } = caller;
            Ok([account, secret_id, plan_id, order_id, goods_id].join(" "))
        }
        Err(refusal) => {
            assert_eq!(refusal.service.map(|service| &*service.id), Some("service-weather"));
            assert_eq!(refusal.environment, Some(matched.environment));
            assert_eq!(refusal.api.map(|api| &api.id), Some(&matched.api.id));
            Err((refusal.entry.id, refusal.text.into_owned()))
        }
    }
}

const FORECAST: &str = "/release/forecast/1";
const WEATHER: &str = "1250000002 AKIDweather plan-1 order-7 goods-3";

#[test]
fn a_signed_request_names_its_caller() {
    let signed =
        |authorization| check(FORECAST, &[("authorization", authorization), X_DATE, SOURCE]);
    assert_eq!(signed(SIGNED), Ok(WEATHER.to_owned()));
    assert_eq!(signed(SIGNED_512), Ok(WEATHER.to_owned()));
    assert_eq!(signed(SIGNED_TURNED), Ok(WEATHER.to_owned()));
    let narrow =
        check("/release/forecast/now", &[("authorization", SIGNED_NARROW), X_DATE, SOURCE]);
    assert_eq!(narrow, Ok("1250000004 AKIDnarrow   ".to_owned()));
}

/// A name longer than one piece of the lower-casing buffer; made like the others, of
/// `x-long-header-name-of-more-than-32-bytes: v`.
#[test]
fn a_long_name_is_signed_in_lower_case() {
    const NAME: &str = "X-Long-Header-Name-Of-More-Than-32-Bytes";
    let signed = format!(
        r#"hmac id="AKIDweather", algorithm="hmac-sha1", headers="{NAME}", signature="Rgs8eLbftXz8a22zBrrCuqZW+4c=""#
    );
    let caller = check(FORECAST, &[("authorization", &signed), OLD_DATE, (NAME, "v")]);
    assert_eq!(caller, Ok(WEATHER.to_owned()));
}

#[test]
fn an_api_without_credentials_looks_at_none() {
    assert_eq!(check("/release/hello", &[("authorization", "junk")]), Ok("    ".to_owned()));
}

#[test]
fn date_alone_is_not_checked_for_age() {
    let old = check(FORECAST, &[("authorization", SIGNED_OLD), OLD_DATE, SOURCE]);
    assert_eq!(old, Ok(WEATHER.to_owned()));
}

type Row = (&'static Entry, &'static str, fn() -> Vec<(&'static str, String)>);

/// A request that differs from a good one in what `edit` does to its `Authorization` header.
fn edited(edit: impl FnOnce(&str) -> String) -> Vec<(&'static str, String)> {
    vec![("authorization", edit(SIGNED)), text(X_DATE), text(SOURCE)]
}

fn text((name, value): (&'static str, &str)) -> (&'static str, String) {
    (name, value.to_owned())
}

/// A good request with another `x-date`.
fn dated(date: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", SIGNED.to_owned()), ("x-date", date.to_owned()), text(SOURCE)]
}

const ROWS: &[Row] = &[
    (&credentials::HMAC_FORMAT, "HMAC authorization format error.", || vec![text(X_DATE)]),
    (&credentials::HMAC_FORMAT, "HMAC authorization format error.", || {
        edited(|_| "Basic dTpw".to_owned())
    }),
    (&credentials::HMAC_FORMAT, "HMAC authorization format error.", || {
        edited(|good| good.replace("id=", "id"))
    }),
    (&credentials::HMAC_FORMAT, "HMAC authorization format error.", || {
        edited(|good| good.replace("AKIDweather", "AKIDä"))
    }),
    (&credentials::HMAC_PARAMETERS, "HMAC authorization headers is invalidate.", || {
        edited(|good| good.replace(r#"algorithm="hmac-sha1", "#, ""))
    }),
    (&credentials::HMAC_PARAMETERS, "HMAC authorization headers is invalidate.", || {
        edited(|good| good.replace("x-date source", " "))
    }),
    (&credentials::HMAC_ID_OR_SIGNATURE_MISSING, "HMAC id or signature missing.", || {
        edited(|good| good.replace("AKIDweather", ""))
    }),
    (&credentials::HMAC_ID_OR_SIGNATURE_MISSING, "HMAC id or signature missing.", || {
        edited(|good| good.split(", signature").next().expect("a part").to_owned())
    }),
    (&credentials::HMAC_ALGORITHM, "HMAC algorithm hmac-md5 not supported.", || {
        edited(|good| good.replace("hmac-sha1", "hmac-md5"))
    }),
    (
        &credentials::HMAC_DATE_MISSING,
        "HMAC signature cannot be verified, a valid date or x-date header is required.",
        || vec![("authorization", SIGNED.to_owned()), text(SOURCE)],
    ),
    (
        &credentials::HMAC_X_DATE_INVALID,
        "HMAC signature cannot be verified, a valid x-date header is required for HMAC Authentication.",
        || dated("2026-11-17T12:08:49Z"),
    ),
    // The day of the week is wrong.
    (
        &credentials::HMAC_X_DATE_INVALID,
        "HMAC signature cannot be verified, a valid x-date header is required for HMAC Authentication.",
        || dated("Wed, 17 Nov 2026 12:08:49 GMT"),
    ),
    (
        &credentials::HMAC_X_DATE_OUT_OF_DATE,
        "HMAC signature cannot be verified, the x-date header is out of date for HMAC Authentication.",
        || dated("Tue, 17 Nov 2026 11:53:48 GMT"),
    ),
    (
        &credentials::HMAC_X_DATE_OUT_OF_DATE,
        "HMAC signature cannot be verified, the x-date header is out of date for HMAC Authentication.",
        || dated("Tue, 17 Nov 2026 12:23:50 GMT"),
    ),
    // 900 seconds to either side are near enough: the signature is what is wrong then.
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        dated("Tue, 17 Nov 2026 11:53:49 GMT")
    }),
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        dated("Tue, 17 Nov 2026 12:23:49 GMT")
    }),
    (
        &credentials::HMAC_HEADER_MISSING,
        "HMAC signature cannot be verified, a valid source header is required.",
        || vec![("authorization", SIGNED.to_owned()), text(X_DATE)],
    ),
    // What can not be the name of a header did not come either.
    (
        &credentials::HMAC_HEADER_MISSING,
        "HMAC signature cannot be verified, a valid so(urce header is required.",
        || edited(|good| good.replace("source", "so(urce")),
    ),
    (&credentials::HMAC_HEADER_MULTIPLE, "HMAC do not support multiple HTTP header.", || {
        vec![("authorization", SIGNED.to_owned()), text(X_DATE), text(SOURCE), text(SOURCE)]
    }),
    (&credentials::HMAC_HEADER_MULTIPLE, "HMAC do not support multiple HTTP header.", || {
        vec![("authorization", SIGNED.to_owned()), text(X_DATE), text(X_DATE), text(SOURCE)]
    }),
    (&credentials::HMAC_HEADER_MULTIPLE, "HMAC do not support multiple HTTP header.", || {
        let signed = ("authorization", SIGNED.to_owned());
        vec![signed.clone(), signed, text(X_DATE), text(SOURCE)]
    }),
    (&credentials::HMAC_KEY_UNKNOWN, "HMAC signature cannot be verified.", || {
        edited(|good| good.replace("AKIDweather", "AKIDnobody"))
    }),
    // Known, but of another service.
    (&credentials::HMAC_KEY_UNKNOWN, "HMAC signature cannot be verified.", || {
        edited(|good| good.replace("AKIDweather", "AKIDroot"))
    }),
    (&credentials::HMAC_KEY_NOT_BOUND, "HMAC apikey is invalid for API.", || {
        edited(|_| SIGNED_NARROW.to_owned())
    }),
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        edited(|good| good.replace("NO0u", "NO0v"))
    }),
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        edited(|good| good.replace("NO0u", "N*0u"))
    }),
    // With a newline at the end, and with the names as they were sent.
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        edited(|good| good.replace("NO0u46vc1qdugNi1l9SmNoeT8b8=", "+YRK0wbw6UcsBHVd/6A5faZ7dTg="))
    }),
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        edited(|good| good.replace("NO0u46vc1qdugNi1l9SmNoeT8b8=", "VmASPRQkfDqxaljW+Gf6bCCb9ow="))
    }),
    // The right signature of the other algorithm.
    (&credentials::HMAC_MISMATCH, "HMAC signature does not match.", || {
        edited(|good| good.replace("hmac-sha1", "hmac-sha512"))
    }),
];

/// Ids of the entries that the table above raises, for the catalog's own test.
pub(crate) fn raised() -> BTreeSet<&'static str> {
    ROWS.iter().map(|(entry, ..)| entry.id).collect()
}

#[test]
fn each_refusal_has_its_own_text() {
    for (row, (entry, text, headers)) in ROWS.iter().enumerate() {
        let headers = headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let refused = check(FORECAST, &headers);
        assert_eq!(refused, Err((entry.id, (*text).to_owned())), "row {row}: {headers:?}");
    }
}

#[test]
fn checks_answer_in_the_documented_order() {
    // Each request has the fault of its row and of all rows below.
    let none: &[(&str, &str)] = &[];
    let wrong =
        r#"hmac id="AKIDnobody", algorithm="hmac-md5", headers="x-date source", signature="x""#;
    let known =
        r#"hmac id="AKIDnobody", algorithm="hmac-sha1", headers="x-date source", signature="x""#;
    let old = ("x-date", "Mon, 16 Nov 2026 12:08:49 GMT");
    let narrow = SIGNED_NARROW.replace("8V05", "9V05");
    let rows: [(&[(&str, &str)], &str); 11] = [
        (none, "hmac-format"),
        (&[("authorization", r#"hmac x="""#)], "hmac-parameters"),
        (
            &[("authorization", r#"hmac algorithm="a", headers="b""#)],
            "hmac-id-or-signature-missing",
        ),
        (&[("authorization", wrong)], "hmac-algorithm"),
        (&[("authorization", known)], "hmac-date-missing"),
        (&[("authorization", known), ("x-date", "now")], "hmac-x-date-invalid"),
        (&[("authorization", known), old], "hmac-x-date-out-of-date"),
        (&[("authorization", known), X_DATE], "hmac-header-missing"),
        (&[("authorization", known), X_DATE, SOURCE], "hmac-key-unknown"),
        (&[("authorization", &narrow), X_DATE, SOURCE], "hmac-key-not-bound"),
        (&[("authorization", SIGNED_512), X_DATE, ("source", "other")], "hmac-mismatch"),
    ];
    for (headers, expect) in rows {
        assert_eq!(check(FORECAST, headers).map_err(|(id, _)| id), Err(expect));
    }
}
