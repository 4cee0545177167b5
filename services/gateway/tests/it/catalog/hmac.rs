//! Cases of the key pair: each passes one check more than the one before, and fails the next.

use super::How::Send;
use super::{Case, case};

pub const CASES: &[Case] = &[
    case("hmac-format", Send("GET /release/key HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case(
        "hmac-parameters",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             Authorization: hmac id=\"AKIDpair\", signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-id-or-signature-missing",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", headers=\"date\"\r\n\r\n",
        ),
    ),
    Case {
        values: &[("xxx", "hmac-md5")],
        ..case(
            "hmac-algorithm",
            Send(
                "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
                 Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-md5\", headers=\"date\", \
                 signature=\"x\"\r\n\r\n",
            ),
        )
    },
    case(
        "hmac-date-missing",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", headers=\"date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-x-date-invalid",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\nX-Date: today\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-x-date-out-of-date",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             X-Date: Tue, 17 Nov 2026 12:23:50 GMT\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    Case {
        values: &[("xxx", "source")],
        ..case(
            "hmac-header-missing",
            Send(
                "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
                 X-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
                 Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", \
                 headers=\"x-date source\", signature=\"x\"\r\n\r\n",
            ),
        )
    },
    case(
        "hmac-header-multiple",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\nSource: a\r\nSource: b\r\n\
             X-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", \
             headers=\"x-date source\", signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-key-unknown",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             X-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
             Authorization: hmac id=\"AKIDnobody\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-key-not-bound",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             X-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
             Authorization: hmac id=\"AKIDother\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
    case(
        "hmac-mismatch",
        Send(
            "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\
             X-Date: Tue, 17 Nov 2026 12:08:49 GMT\r\n\
             Authorization: hmac id=\"AKIDpair\", algorithm=\"hmac-sha1\", headers=\"x-date\", \
             signature=\"x\"\r\n\r\n",
        ),
    ),
];
