//! Limits: what is at one is served, what is one above it has its answer, and its record.

use std::time::Duration;

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
fn connections_above_the_limit_wait_until_there_is_room() {
    let mut plan = Plan::default();
    plan.config.limits.connections = 1;
    let mut world = World::with(plan, policy(Backend::answering(OK).address));
    let request = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let mut first = Client::connect(world.address);
    first.call(request);
    let mut second = Client::connect(world.address);
    second.send(request);
    // The first is still served; the second when the first has left.
    first.call(request);
    world.final_number(2);
    first.leave();
    let answer = second.answer(false);
    assert_eq!(answer.status, 200);
    world.record(answer.id());
}
