//! APIs with faulty settings: each answers 481 with its text, and nobody else notices.

use std::sync::Arc;

use record::Fault;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy_of, service};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// One API with each fault, one that is suspended beside its fault, and a good one.
fn policy(backend: &Backend, magic: &str) -> policy::Policy {
    let address = backend.address;
    policy_of(&service(&format!(
        r#"
- id: api-key
  path: /key
  auth: {magic}
  backend: {{url: "http://{address}"}}
- id: api-cors
  path: /cors
  cors: {{origins: [shop.test]}}
  parameters: [{{in: form, name: a}}]
  backend: {{url: "http://{address}"}}
- id: api-mock
  path: /mock
  cors: true
  parameters: [{{in: query, name: city}}]
  backend: {{mock: {{status: 204, body: hello}}}}
- id: api-late
  path: /late
  suspended: {{reason: arrears}}
  backend: {{mock: {{status: 700}}}}
- id: api-good
  path: /good
  backend: {{url: "http://{address}"}}
"#
    )))
}

#[test]
fn each_fault_has_its_answer_and_its_record_and_the_rest_serves() {
    let backend = Backend::answering(OK);
    let mut world = World::with(Plan::default(), policy(&backend, "magic"));
    let asks = "Origin: https://shop.test\r\nAccess-Control-Request-Method: GET\r\n\r\n";
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=1";
    for (line, rest, status, text) in [
        ("GET /release/key", "\r\n", 481, "API config error."),
        ("GET /release/key", "Authorization: x\r\n\r\n", 481, "API config error."),
        ("HEAD /release/key", "\r\n", 481, "API config error."),
        ("POST /release/cors", form, 481, "Found no valid cors config."),
        ("OPTIONS /release/cors", asks, 481, "Found no valid cors config."),
        ("GET /release/mock", "\r\n", 481, "Mock config error."),
        ("OPTIONS /release/mock", asks, 481, "Mock config error."),
        ("GET /release/late", "\r\n", 403, "Service is suspended for arrears."),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: a.test\r\n{rest}");
        let (answer, record) = world.call(&request);
        assert_eq!(answer.status, status, "{request}");
        let body = if line.starts_with("HEAD") { "" } else { text };
        assert!(String::from_utf8_lossy(&answer.body).contains(body), "{request}");
        assert_eq!(record.err_msg, text, "{request}");
        let fault = if status == 481 { Fault::Gateway } else { Fault::Client };
        assert_eq!((record.fault, record.ups_st.as_ref()), (fault, ""), "{request}");
        let api = format!("api-{}", line.rsplit('/').next().expect("a path"));
        assert_eq!((record.service_id.as_ref(), record.api_id.as_ref()), ("service-a", &*api));
        assert_eq!(record.caller, "");
        let origin = answer.header("access-control-allow-origin");
        assert_eq!(origin, (rest == asks && api == "api-mock").then_some("*"), "{request}");
    }
    assert_eq!(backend.seen().len(), 0, "no backend was called");
    let (answer, record) = world.call("GET /release/good HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!((answer.status, record.fault), (200, Fault::None));
}

#[test]
fn a_mended_api_serves_again_without_a_restart() {
    let backend = Backend::answering(OK);
    let mut world = World::with(Plan::default(), policy(&backend, "magic"));
    let get = "GET /release/key HTTP/1.1\r\nHost: a.test\r\n\r\n";
    assert_eq!(world.call(get).0.status, 481);
    world.load(Arc::new(policy(&backend, "none")));
    // A worker follows at its next turn.
    let mut client = Client::connect(world.address);
    world.patient("the worker does not follow", |_| client.call(get).status == 200);
    let (answer, _) = world.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.status, 481, "the others are as faulty as before");
}
