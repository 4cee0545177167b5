//! The gateways of the walk.

use std::net::SocketAddr;
use std::time::Duration;

use gateway::{Networks, ProxyProtocol};
use record::Time;

use crate::backend::Backend;
use crate::world::{Plan, World, policy, policy_of};

/// 2026-11-17T12:08:49Z: the usual gateway's clock stands there, so that dates can be written out.
const NOW: Time = Time(1_794_917_329_000);

/// How long the hasty gateway waits for clients.
const SHORT: Duration = Duration::from_millis(100);

/// Limits of the usual gateway, in bytes.
pub const HEAD: usize = 4096;
pub const URI: usize = 1024;
pub const BODY: u64 = 1000;

/// Small limits, a proxy that is trusted on this machine, and an API for each refusal.
pub fn usual() -> World {
    let mut plan = Plan::default();
    let limits = &mut plan.config.limits;
    (limits.head, limits.uri, limits.body) = (HEAD, URI, BODY);
    let trusted = "127.0.0.0/8".parse().expect("a network");
    plan.config.trusted_proxies = Networks::new(vec![trusted]);
    World::clocked(plan, policy_of(&services(idle().address)), || NOW)
}

/// Does not wait for clients.
pub fn hasty() -> World {
    let mut plan = Plan::default();
    (plan.config.timeouts.head, plan.config.timeouts.body) = (SHORT, SHORT);
    World::with(plan, policy(idle().address))
}

/// Behind a balancer that does not always say who the client is.
pub fn balanced() -> World {
    let mut plan = Plan::default();
    plan.config.proxy_protocol = ProxyProtocol::Required;
    World::clocked(plan, policy_of(&services(idle().address)), || NOW)
}

/// A backend that answers nothing.
pub fn idle() -> Backend {
    Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    })
}

/// What the usual gateway serves; `a.test` has all that is not about hosts.
fn services(backend: SocketAddr) -> String {
    format!(
        r#"
services:
  - id: service-a
    account: "1001"
    hosts: [a.test]
    environments: [release]
    apis:
      - {{id: api-b, path: /b/, backend: {{url: "http://{backend}"}}}}
      - {{id: api-get, path: /get, methods: [GET], backend: {{mock: {{}}}}}}
      - {{id: api-arrears, path: /arrears, suspended: {{reason: arrears}}, backend: {{mock: {{}}}}}}
      - {{id: api-compliance, path: /compliance, suspended: {{reason: compliance}}, backend: {{mock: {{}}}}}}
      - {{id: api-header, path: /header, parameters: [{{in: header, name: X-Tenant}}], backend: {{mock: {{}}}}}}
      - {{id: api-query, path: /query, parameters: [{{in: query, name: city}}], backend: {{mock: {{}}}}}}
      - {{id: api-path, path: /path, parameters: [{{in: path, name: id}}], backend: {{mock: {{}}}}}}
      - {{id: api-form, path: /form, parameters: [{{in: form, name: name}}], backend: {{mock: {{}}}}}}
      - {{id: api-deny, path: /deny, addresses: {{deny: [127.0.0.0/8]}}, backend: {{mock: {{}}}}}}
      - {{id: api-key, path: /key, auth: key-pair, backend: {{mock: {{}}}}}}
      - {{id: api-app, path: /app, auth: application, backend: {{mock: {{}}}}}}
      - {{id: api-faulty-cors, path: /faulty-cors, cors: {{origins: [shop.test]}}, backend: {{mock: {{}}}}}}
      - {{id: api-faulty-key, path: /faulty-key, auth: magic, backend: {{mock: {{}}}}}}
      - {{id: api-faulty-mock, path: /faulty-mock, backend: {{mock: {{status: 99}}}}}}
      - {{id: api-metadata, path: /metadata, backend: {{url: "http://0xa9fea9fe"}}}}
      - {{id: api-literal, path: /literal, backend: {{url: "http://169.254.169.254"}}}}
      - {{id: api-nowhere, path: /nowhere, backend: {{url: "http://no-such-host.invalid"}}}}
      - {{id: api-late, path: /late, backend: {{url: "http://{backend}", timeouts: {{head: 100ms}}}}}}
  - {{id: service-empty, account: "1001", hosts: [empty.test]}}
  - id: service-mapped
    account: "1001"
    domains: [{{host: mapped.test, paths: {{/v1: release}}}}]
    apis: [{{id: api-mapped, path: /, backend: {{mock: {{}}}}}}]
  - {{id: service-tls, account: "1001", hosts: [tls.test], schemes: [https]}}
  - {{id: service-plain, account: "1001", hosts: [plain.test], schemes: [http]}}
  - {{id: service-tls-404, account: "1001", hosts: [tls404.test], schemes: [https], scheme_refusal: 404}}
  - {{id: service-plain-404, account: "1001", hosts: [plain404.test], schemes: [http], scheme_refusal: 404}}
keys:
  - {{secret_id: AKIDpair, secret: pair-secret, account: "2002", services: [service-a]}}
  - {{secret_id: AKIDother, secret: pair-secret, account: "2002", services: [service-a], apis: [api-get]}}
  - {{secret_id: APPother, kind: application, secret: app-secret, account: "2003", services: [service-a], apis: [api-get]}}
"#
    )
}
