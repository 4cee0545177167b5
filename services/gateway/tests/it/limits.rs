//! Limits: what is at one is served, what is one above it has its answer, and its record.

use std::time::{Duration, Instant};

use gateway::metrics::Count;
use record::Fault;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn small() -> Plan {
    let mut plan = Plan::default();
    let limits = &mut plan.config.limits;
    (limits.head, limits.uri, limits.headers, limits.body) = (4096, 1024, 20, 1000);
    plan
}

/// A request whose head has so many bytes.
fn head_of(bytes: usize) -> String {
    let bare = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX: \r\n\r\n";
    let filled = format!("X: {}\r\n\r\n", "a".repeat(bytes - bare.len()));
    bare.replace("X: \r\n\r\n", &filled)
}

fn uri_of(bytes: usize) -> String {
    let path = format!("/release/b/{}", "a".repeat(bytes - "/release/b/".len()));
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

fn headers_of(count: usize) -> String {
    let others = "X: y\r\n".repeat(count - 1);
    format!("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n{others}\r\n")
}

fn body_of(bytes: usize) -> String {
    let head = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n";
    format!("{head}Content-Length: {bytes}\r\n\r\n{}", "a".repeat(bytes))
}

/// In chunks, so that the limit is met on the way.
fn chunks_of(bytes: usize) -> String {
    let head = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let first = format!("1f4\r\n{}\r\n", "a".repeat(500));
    let rest = bytes - 500;
    format!("{head}{first}{rest:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(rest))
}

#[test]
fn what_is_at_a_limit_is_served_and_what_is_above_it_is_answered() {
    type Sized = fn(usize) -> String;
    let table: [(Sized, usize, u16, &str); 5] = [
        (head_of, 4096, 431, "Request head is too large."),
        (uri_of, 1024, 414, "Request URI is too long."),
        (headers_of, 20, 431, "Request head is too large."),
        (body_of, 1000, 413, "Request body is too large."),
        (chunks_of, 1000, 413, "Request body is too large."),
    ];
    let backend = Backend::answering(OK);
    let mut world = World::with(small(), policy(backend.address));
    for (request, limit, status, text) in table {
        let mut client = Client::connect(world.address);
        let good = request(limit);
        let answer = client.call(&good);
        assert_eq!((answer.status, answer.header("connection")), (200, None), "{text} {limit}");
        let record = world.record(answer.id());
        assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
        // The connection goes on; what is too much ends it.
        let before = client.received;
        let answer = client.call(&request(limit + 1));
        assert_eq!(answer.status, status);
        assert_eq!(answer.body, format!(r#"{{"message":"{text}"}}"#).into_bytes());
        if answer.header("connection").is_some() {
            assert_eq!(client.drain(), b"", "nothing follows");
        } else {
            // All of the chunks were here already: where the next request begins is known.
            assert_eq!((text, limit), ("Request body is too large.", 1000));
        }
        let record = world.record(answer.id());
        assert_eq!((record.rsp_st, record.ups_st.as_ref()), (status, ""));
        assert_eq!((record.err_msg.as_ref(), record.fault), (text, Fault::Client));
        assert_eq!(record.rsp_len, client.received - before);
        assert!(record.req_len <= request(limit + 1).len() as u64);
    }
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 2 * table.len());
}

#[test]
fn a_body_that_says_to_be_too_large_is_never_asked_for() {
    let backend = Backend::answering(OK);
    let mut world = World::with(small(), policy(backend.address));
    let mut client = Client::connect(world.address);
    let head = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n";
    client.send(format!("{head}Content-Length: 1001\r\n\r\n"));
    let head = client.head().expect("a head comes");
    assert!(head.starts_with("HTTP/1.1 413 "), "no `100 Continue` before it: {head}");
    world.final_number(1);
    assert_eq!(backend.seen().len(), 0, "no backend was called");
}

#[test]
fn a_connection_above_the_limit_is_told_so_and_closed() {
    let mut plan = Plan::default();
    plan.config.limits.connections = 1;
    let backend = Backend::answering(OK);
    let mut world = World::with(plan, policy(backend.address));
    let request = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
    let mut first = Client::connect(world.address);
    assert_eq!(first.call(request).status, 200);
    for _ in 0..3 {
        let mut second = Client::connect(world.address);
        let answer = second.call(request);
        assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(second.drain(), b"");
        let record = world.record(answer.id());
        assert_eq!((record.rsp_st, record.fault), (503, Fault::Gateway));
        assert_eq!(record.err_msg, "Gateway has too many connections.");
        assert_eq!((record.req_len, record.rsp_len), (second.sent, second.received));
        // The first is still served.
        assert_eq!(first.call(request).status, 200);
    }
    first.leave();
    // There is room once the gateway has seen that it left.
    let mut tries = 0;
    while Client::connect(world.address).call(request).status != 200 {
        tries += 1;
        assert!(tries < 10_000, "the place is not given back");
    }
    assert_eq!(backend.seen().iter().map(|seen| seen.requests).sum::<u64>(), 5);
    world.stop(Duration::from_secs(5));
}

#[test]
fn what_comes_above_the_crowd_waits_until_there_is_room() {
    let mut plan = Plan::default();
    plan.config.limits.connections = 1;
    let mut world = World::with(plan, policy(Backend::answering(OK).address));
    let request = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    // One is served, 64 may be told that there are too many; they say nothing yet.
    let mut crowd: Vec<Client> = (0..65).map(|_| Client::connect(world.address)).collect();
    let mut last = Client::connect(world.address);
    last.send(request);
    let counters = world.running.as_ref().expect("it runs").counters();
    let start = Instant::now();
    while counters[0].get(Count::Connections) < 65 {
        assert!(start.elapsed() < Duration::from_secs(20), "the crowd is not let in");
        std::thread::yield_now();
    }
    // It is not accepted while the first is served.
    for _ in 0..20 {
        assert_eq!(crowd[0].call(request).status, 200);
    }
    assert_eq!(counters[0].get(Count::Connections), 65);
    drop(crowd);
    let answer = last.answer(false);
    assert!([200, 503].contains(&answer.status), "by how many had left: {}", answer.status);
    world.record(answer.id());
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 21);
}
