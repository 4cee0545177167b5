//! Signed requests: who is let in is exactly who could sign.
//!
//! The first line is the target, the second the `Authorization` header, each further one a header.
//! `/app/…` asks for the key of an application, anything else for a key pair.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};
use policy::{AdmitRequest, Admitted, Policy, RouteRequest, Scheme, authorization_parts};
use record::Time;
use settings::{Document, Reference, Resolve, Sink};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

const CONFIG: &str = r#"
services:
  - id: service-signed
    account: "1"
    domains: [{host: signed.test, paths: {/: release}}]
    apis:
      - {id: api-pair, path: /, auth: key-pair, backend: {url: "http://127.0.0.1:1"}}
      - {id: api-app, path: /app/, auth: application, backend: {url: "http://127.0.0.1:1"}}
keys:
  - {secret_id: pair, secret: secret-of-the-pair, account: "2", services: [service-signed]}
  - {secret_id: app, kind: application, secret: secret-of-the-app, account: "3", services: [service-signed]}
"#;

/// Secret id and secret, as in the configuration.
const SECRETS: [(&str, &[u8]); 2] =
    [("pair", b"secret-of-the-pair"), ("app", b"secret-of-the-app")];

/// 2026-11-17T12:08:49Z, in milliseconds.
const NOW: Time = Time(1_794_917_329_000);

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let sink = Sink::new();
    let document = Document::parse("fuzz", CONFIG, &sink).expect("YAML");
    let fields = document.root(&sink).fields().expect("a mapping");
    let services = fields.required("services").expect("services");
    let policy = policy::read(&services, fields.optional("keys").as_ref(), &Nothing);
    assert!(sink.is_empty(), "{:?}", sink.finish(Some(())));
    policy.expect("a policy")
});

struct Nothing;

impl Resolve for Nothing {
    fn resolve(&self, _: Reference<'_>) -> Result<String, String> {
        Err("nothing is named".to_owned())
    }
}

/// How a signed request is answered.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Admitted,
    /// All was well but the signature.
    Mismatch,
    /// Something before it.
    Refused,
}

/// Who is let in has signed; what is signed anew is let in; with one sign changed it is not.
pub fn authorization(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let target = lines.next().and_then(|line| PathAndQuery::try_from(line).ok());
    let Some(target) = target.filter(|target| target.as_str().starts_with('/')) else {
        return false;
    };
    let Ok(sent) = HeaderValue::from_bytes(lines.next().unwrap_or_default()) else { return false };
    let mut headers: HeaderMap = lines.filter_map(header).collect();
    headers.append(AUTHORIZATION, sent.clone());

    let outcome = ask(&target, &headers);
    let parts = sent.to_str().ok().and_then(authorization_parts);
    if let Some(parts) = parts {
        reads_the_same(&sent, parts);
    }
    if outcome == Outcome::Refused {
        return false;
    }
    let [id, algorithm, names, signature] = parts.expect("what is verified was read");
    assert!(is_one_each(names, &headers), "{names:?} did not each come once");
    let right = sign(id, algorithm, names, &target, &headers);
    assert_eq!(outcome == Outcome::Admitted, signature == right, "{signature:?} for {right:?}");

    let mut with = |signature: &str| {
        // Headers that are signed may come twice with it: it is part of what they hold.
        let header = format!(
            r#"hmac id="{id}", algorithm="{algorithm}", headers="{names}", signature="{signature}""#
        );
        let header = HeaderValue::from_str(&header).expect("it was one");
        headers.insert(AUTHORIZATION, header);
        ask(&target, &headers)
    };
    if !names.to_ascii_lowercase().split_ascii_whitespace().any(|name| name == "authorization") {
        assert_eq!(with(&right), Outcome::Admitted);
        let at = bytes.len() % right.len();
        for sign in ['A', '/', '=', 'a'] {
            let mut changed = right.clone();
            changed.replace_range(at..=at, sign.encode_utf8(&mut [0; 4]));
            let expected = if changed == right { Outcome::Admitted } else { Outcome::Mismatch };
            assert_eq!(with(&changed), expected, "{changed:?} for {right:?}");
        }
        assert_eq!(with(&right[..at.max(1)]), Outcome::Mismatch, "cut at {at}");
    }
    true
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    // A second one of its name would take the credentials' place.
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    (name != AUTHORIZATION).then_some((name, value))
}

fn ask(target: &PathAndQuery, headers: &HeaderMap) -> Outcome {
    let host = Some(&b"signed.test"[..]);
    let (path, method) = (target.path(), "GET");
    let Ok(matched) = POLICY.route(&RouteRequest { host, scheme: Scheme::Http, path, method })
    else {
        return Outcome::Refused;
    };
    let (query, client) = (target.query(), None);
    let request = AdmitRequest {
        scheme: "http",
        host,
        method,
        path,
        query,
        headers,
        form: &[],
        client,
        now: NOW,
    };
    match POLICY.admit(&matched, &request) {
        Ok(Admitted::Call(caller)) => {
            assert_eq!(caller.secret_id, if is_app(path) { "app" } else { "pair" });
            Outcome::Admitted
        }
        Ok(Admitted::Preflight(_)) => panic!("CORS is off"),
        Err(refusal) => {
            let body: serde_json::Value =
                serde_json::from_str(&refusal.body()).expect("the body of a refusal");
            assert!(body["message"].is_string(), "{body}");
            if refusal.entry.id == "hmac-mismatch" { Outcome::Mismatch } else { Outcome::Refused }
        }
    }
}

fn is_app(path: &str) -> bool {
    path.starts_with("/app/")
}

/// The parts lie in the header itself, and say the same when they are written anew.
fn reads_the_same(sent: &HeaderValue, parts: [&str; 4]) {
    let within = sent.as_bytes().as_ptr_range();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let range = part.as_bytes().as_ptr_range();
        assert!(within.start <= range.start && range.end <= within.end, "{part:?} was copied");
    }
    let [id, algorithm, names, signature] = parts;
    let again = format!(
        r#"hmac signature="{signature}", id="{id}", headers="{names}", algorithm="{algorithm}""#
    );
    assert_eq!(authorization_parts(&again), Some(parts), "{again}");
    assert_eq!(authorization_parts(&format!(r#"{again}, id="{id}""#)), None, "an id twice");
}

fn is_one_each(names: &str, headers: &HeaderMap) -> bool {
    names.split_ascii_whitespace().all(|name| headers.get_all(name).iter().count() == 1)
}

/// The right signature, in Base64; made from the page of the protocol, not from the code.
fn sign(
    id: &str,
    algorithm: &str,
    names: &str,
    target: &PathAndQuery,
    headers: &HeaderMap,
) -> String {
    let (_, secret) = SECRETS.iter().find(|(known, _)| *known == id).expect("a known key");
    let value = |name: &str| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
    let mut names: Vec<_> = names.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    if is_app(target.path()) {
        names.sort();
    }
    let lines = names.iter().map(|name| [name.as_bytes(), b": ", value(name)].concat());
    let mut lines: Vec<Vec<u8>> = lines.collect();
    if is_app(target.path()) {
        lines.push(b"GET".to_vec());
        lines.extend(["accept", "content-type", "content-md5"].map(|name| value(name).to_vec()));
        lines.push(path_and_sorted(target).into_bytes());
    }
    let string = lines.join(&b'\n');
    let bytes = match algorithm {
        "hmac-sha1" => mac::<Hmac<Sha1>>(secret, &string),
        "hmac-sha256" => mac::<Hmac<Sha256>>(secret, &string),
        "hmac-sha384" => mac::<Hmac<Sha384>>(secret, &string),
        "hmac-sha512" => mac::<Hmac<Sha512>>(secret, &string),
        other => panic!("`{other}` is no algorithm"),
    };
    STANDARD.encode(bytes)
}

fn mac<M: Mac + KeyInit>(secret: &[u8], string: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("any length");
    mac.update(string);
    mac.finalize().into_bytes().to_vec()
}

/// Path, and parameters sorted by name; those of one name in their order.
fn path_and_sorted(target: &PathAndQuery) -> String {
    let mut sorted = String::new();
    let parameters = target.query().unwrap_or_default().split('&').filter(|p| !p.is_empty());
    let mut left: Vec<(&str, &str)> =
        parameters.map(|p| p.split_once('=').unwrap_or((p, ""))).collect();
    let mut seen = HashSet::new();
    while let Some(least) = left.iter().map(|(name, _)| *name).min() {
        assert!(seen.insert(least), "a name twice");
        for (name, value) in left.iter().filter(|(name, _)| *name == least) {
            sorted.push(if sorted.is_empty() { '?' } else { '&' });
            sorted.push_str(name);
            if !value.is_empty() {
                sorted.push('=');
                sorted.push_str(value);
            }
        }
        left.retain(|(name, _)| *name != least);
    }
    format!("{}{sorted}", target.path())
}
