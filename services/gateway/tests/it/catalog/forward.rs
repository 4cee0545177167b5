//! Cases of the way to the backend and back, and of the gateway itself.

use std::time::Duration;

use record::{Life, Record};

use super::How::{Alone, Send};
use super::{Case, Raised, case, send, worlds};
use crate::backend::Backend;
use crate::client::Client;
use crate::nodes::Nobody;
use crate::world::{Plan, World, policy, policy_of, service};

const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
const MOCK: &str = "GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n";

pub const CASES: &[Case] = &[
    case("client-closed", Alone(a_client_leaves)),
    case("endpoint-refused", Send("GET /release/metadata HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("query-unbuildable", Alone(a_target_grows_too_long)),
    case("internal", Send("GET /release/literal HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    // No try reached a backend, then one did.
    case("bad-gateway", Alone(nobody_listens)),
    Case { ups_st: "502", ..case("bad-gateway", Alone(the_backend_breaks)) },
    case("balancer", Send("GET /release/nowhere HTTP/1.1\r\nHost: a.test\r\n\r\n")),
    case("spool-full", Alone(the_spool_is_full)),
    case("connections-full", Alone(all_connections_are_taken)),
    case("stopping", Alone(the_gateway_stops)),
    Case {
        ups_st: "504",
        ..case("gateway-timeout", Send("GET /release/late HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    },
];

/// The only request of a world.
fn only(mut world: World, request: &str) -> Raised {
    let raised = send(&mut world, request);
    world.stop(Duration::from_secs(5));
    raised
}

fn a_client_leaves() -> Raised {
    let backend = worlds::idle();
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(GET);
    backend.until(|seen| seen.iter().any(|seen| seen.received > 0));
    client.leave();
    let record = world.final_number(1);
    world.stop(Duration::from_secs(5));
    Raised { answer: None, record: Some(record) }
}

/// What the API adds makes the target longer than any request line can be.
fn a_target_grows_too_long() -> Raised {
    let (backend, base) = (worlds::idle(), "b".repeat(1500));
    let apis =
        format!("- {{id: api-q, path: /q, backend: {{url: 'http://{}/{base}'}}}}", backend.address);
    let mut plan = Plan::default();
    (plan.config.limits.uri, plan.config.limits.head) = (65_000, 80_000);
    let world = World::with(plan, policy_of(&service(&apis)));
    let query = "q".repeat(64_500);
    only(world, &format!("GET /release/q?{query} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
}

fn nobody_listens() -> Raised {
    let nobody = Nobody::new();
    only(World::start(nobody.address), GET)
}

fn the_backend_breaks() -> Raised {
    let backend = Backend::start(|mut peer| peer.request().map(drop));
    let request = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
    only(World::start(backend.address), request)
}

/// It has no record, but is counted.
fn the_spool_is_full() -> Raised {
    let mut plan = Plan { size: 2 << 20, ..Plan::default() };
    plan.config.record.max = 8192;
    plan.config.record.heartbeat = Duration::from_millis(50);
    let mut world = World::with(plan, policy(worlds::idle().address));
    let mut client = Client::connect(world.address);
    let mut recorded = 0;
    let answer = loop {
        let answer = client.call(MOCK);
        if answer.status != 200 {
            break answer;
        }
        recorded += 1;
        assert!(recorded < 10_000, "the spool has a limit");
    };
    let refused =
        |record: &Record<'_>| record.life.as_deref().map_or(0, |life: &Life| life.refused);
    world.until(|world| world.records.iter().map(refused).sum::<u64>() == 1);
    assert_eq!(world.finals().len(), recorded, "each answer has its record, the refusal none");
    Raised { answer: Some(answer), record: None }
}

fn all_connections_are_taken() -> Raised {
    let mut plan = Plan::default();
    plan.config.limits.connections = 1;
    let mut world = World::with(plan, policy(worlds::idle().address));
    let mut first = Client::connect(world.address);
    assert_eq!(first.call(MOCK).status, 200);
    let raised = send(&mut world, MOCK);
    drop(first);
    world.stop(Duration::from_secs(5));
    raised
}

/// Its answer comes when the deadline is over, and the backend has said nothing.
fn the_gateway_stops() -> Raised {
    let backend = worlds::idle();
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(GET);
    backend.until(|seen| seen.iter().any(|seen| seen.received > 0));
    world.stop(Duration::from_millis(50));
    let answer = client.answer(false);
    let record = world.record(answer.id());
    Raised { answer: Some(answer), record: Some(record) }
}
