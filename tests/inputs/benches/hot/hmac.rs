//! The check of a key pair as the gateway calls it: everything between a routed request and its
//! caller.

use std::hint::black_box;

use criterion::Criterion;
use http::{HeaderMap, HeaderName, HeaderValue};
use inputs::services::{HOST, guarded, request};
use policy::{AdmitRequest, Admitted, Match, Policy};
use record::Time;

use crate::cpu::Cpu;

/// Key pairs beside the one that signs.
const KEYS: u32 = 1_000;
const PATH: &str = "/release/orders/4711";
/// 2026-11-17T12:08:49Z, when it was signed.
const NOW: Time = Time(1_794_917_329_000);
const DATE: &str = "Tue, 17 Nov 2026 12:08:49 GMT";

/// Of `x-date: Tue, 17 Nov 2026 12:08:49 GMT\nsource: shop-backend`, made by Python's `hmac` module
/// with `secret 437`.
const SIGNED: [(&str, &str); 2] = [
    ("hmac-sha1", "AkEl6leMMJ23ommUZa7HVhqeQ8U="),
    ("hmac-sha256", "FOPOST0+uIC1GFS3Hrfhjj+tVAPSO4+6tRrg9plG0BI="),
];

pub fn benches(criterion: &mut Criterion<Cpu>) {
    let mut group = criterion.benchmark_group("hmac");
    let policy = guarded(KEYS);
    let matched = policy.route(&request(PATH)).expect("it is served");
    for (algorithm, signature) in SIGNED {
        let headers = headers(algorithm, signature);
        assert_eq!(caller(&policy, &matched, &headers), Some("buyer-437"), "{algorithm}");
        let mut forged = headers.clone();
        forged.insert("source", HeaderValue::from_static("shop-frontend"));
        assert_eq!(caller(&policy, &matched, &forged), None, "{algorithm}");
        group.bench_function(algorithm, |bencher| {
            bencher.iter(|| policy.admit(&matched, &asked(black_box(&headers))));
        });
    }
    group.finish();
}

/// What a client's library sends along.
fn headers(algorithm: &str, signature: &str) -> HeaderMap {
    let authorization = format!(
        r#"hmac id="AKID437", algorithm="{algorithm}", headers="x-date source", signature="{signature}""#
    );
    let lines = [
        ("host", HOST),
        ("user-agent", "python-requests/2.31.0"),
        ("accept-encoding", "gzip, deflate"),
        ("accept", "*/*"),
        ("connection", "keep-alive"),
        ("x-date", DATE),
        ("source", "shop-backend"),
        ("authorization", &authorization),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let line = |(name, value): (&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    lines.into_iter().map(line).collect()
}

fn asked(headers: &HeaderMap) -> AdmitRequest<'_> {
    AdmitRequest {
        scheme: "http",
        host: Some(HOST.as_bytes()),
        method: "GET",
        path: PATH,
        query: None,
        headers,
        form: b"",
        client: Some([192, 0, 2, 1].into()),
        now: NOW,
    }
}

/// The account of the key, if the request is let through.
fn caller<'p>(policy: &'p Policy, matched: &Match<'p>, headers: &HeaderMap) -> Option<&'p str> {
    match policy.admit(matched, &asked(headers)) {
        Ok(Admitted::Call(caller)) => Some(caller.account),
        Ok(Admitted::Preflight(_)) | Err(_) => None,
    }
}
