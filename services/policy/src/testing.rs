//! One configuration that the tests of this crate share, and how to read one.

use settings::{Document, Reference, Resolve, Sink};

use crate::Policy;

/// Two services with APIs, one without; three keys.
pub(crate) const EXAMPLE: &str = r#"
services:
  - id: service-weather
    account: "1250000001"
    hosts: [weather.example.test, Wetter.example.test]
    environments: [release, test]
    apis:
      - id: api-forecast
        path: /forecast/
        methods: [GET, POST]
        auth: key-pair
        backend: {url: "http://127.0.0.1:9001/base"}
      - id: api-now
        path: /forecast/now
        methods: [GET]
        auth: key-pair
        backend: {url: "http://127.0.0.1:9001/now/", net: private, timeouts: {head: 1s}}
      - id: api-now-write
        path: /forecast/now
        methods: [PUT, DELETE]
        backend: {url: "http://backend.example.test"}
      - id: api-hello
        path: /hello
        backend: {mock: {status: 203, headers: {Content-Type: text/plain}, body: "hello"}}
  - id: service-root
    account: "1250000003"
    hosts: [root.example.test]
    apis:
      - id: api-root
        path: /
        backend: {url: "http://[::1]:9002"}
  - id: service-empty
    account: "1250000003"
    hosts: [empty.example.test]
keys:
  - secret_id: AKIDweather
    secret: ${env:WEATHER}
    account: "1250000002"
    plan: plan-1
    order: order-7
    goods: goods-3
    services: [service-weather]
  - secret_id: AKIDnarrow
    secret: narrow-secret
    account: "1250000004"
    services: [service-root, service-weather]
    apis: [api-hello, api-root, api-now]
  - secret_id: AKIDroot
    secret: root-secret
    account: "1250000005"
    services: [service-root]
"#;

/// Knows one secret.
struct Known;

impl Resolve for Known {
    fn resolve(&self, reference: Reference<'_>) -> Result<String, String> {
        match reference {
            Reference::Env("WEATHER") => Ok("weather-secret".to_owned()),
            Reference::Env(name) => Err(format!("environment variable {name} is not set")),
            Reference::File(path) => Err(format!("no file {path}")),
        }
    }
}

/// Reads both sections of a text; gives the policy, or the mistakes, one line each.
pub(crate) fn read(text: &str) -> Result<Policy, String> {
    match read_but_faults(text)? {
        (policy, faults) if faults.is_empty() => Ok(policy),
        (_, faults) => Err(faults),
    }
}

/// The same; faults leave the rest good.
pub(crate) fn read_but_faults(text: &str) -> Result<(Policy, String), String> {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink);
    let policy = document.as_ref().and_then(|document| {
        let fields = document.root(&sink).fields()?;
        let (services, keys) = (fields.required("services")?, fields.optional("keys"));
        fields.close();
        crate::read(&services, keys.as_ref(), &Known)
    });
    match sink.finish_but_faults(policy) {
        Ok((policy, faults)) => Ok((policy, faults.to_string())),
        Err(mistakes) => Err(mistakes.to_string()),
    }
}

/// The policy of [`EXAMPLE`].
pub(crate) fn example() -> Policy {
    read(EXAMPLE).expect("the example has no mistakes")
}
