//! Cases of the key pair: each passes one check more than the one before, and fails the next.

use super::How::Get;
use super::{Case, How, case};

/// Near the clock of the usual gateway.
pub const DATE: &str = "X-Date: Tue, 17 Nov 2026 12:08:49 GMT";
/// Of a key that opens the API; the signature is wrong.
const SIGNED: &str =
    r#"Authorization: hmac id="AKIDpair", algorithm="hmac-sha1", headers="x-date", signature="x""#;
const SOURCE_SIGNED: &str = r#"Authorization: hmac id="AKIDpair", algorithm="hmac-sha1", headers="x-date source", signature="x""#;

pub const CASES: &[Case] = &[
    case("hmac-format", asked(&[])),
    case("hmac-parameters", asked(&[r#"Authorization: hmac id="AKIDpair", signature="x""#])),
    case(
        "hmac-id-or-signature-missing",
        asked(&[r#"Authorization: hmac id="AKIDpair", algorithm="hmac-sha1", headers="date""#]),
    ),
    Case {
        values: &[("xxx", "hmac-md5")],
        ..case(
            "hmac-algorithm",
            asked(&[
                r#"Authorization: hmac id="AKIDpair", algorithm="hmac-md5", headers="date", signature="x""#,
            ]),
        )
    },
    case("hmac-date-missing", asked(&[SIGNED])),
    case("hmac-x-date-invalid", asked(&["X-Date: today", SIGNED])),
    case("hmac-x-date-out-of-date", asked(&["X-Date: Tue, 17 Nov 2026 12:23:50 GMT", SIGNED])),
    Case {
        values: &[("xxx", "source")],
        ..case("hmac-header-missing", asked(&[DATE, SOURCE_SIGNED]))
    },
    case("hmac-header-multiple", asked(&["Source: a", "Source: b", DATE, SOURCE_SIGNED])),
    case(
        "hmac-key-unknown",
        asked(&[
            DATE,
            r#"Authorization: hmac id="AKIDnobody", algorithm="hmac-sha1", headers="x-date", signature="x""#,
        ]),
    ),
    case(
        "hmac-key-not-bound",
        asked(&[
            DATE,
            r#"Authorization: hmac id="AKIDother", algorithm="hmac-sha1", headers="x-date", signature="x""#,
        ]),
    ),
    case("hmac-mismatch", asked(&[DATE, SIGNED])),
];

/// Of the API that asks for a key pair.
const fn asked(lines: &'static [&'static str]) -> How {
    Get("/release/key", lines)
}
