//! What the gateway answers by itself: framing, limits, routes, mocks.

use std::time::Duration;

use record::{Fault, Record};

use crate::backend::Backend;
use crate::client::{Answer, Client};
use crate::world::{Plan, World, policy};

/// One request to a gateway without a backend; its answer and its record.
fn check(world: &mut World, request: &str) -> (Answer, Record<'static>) {
    let mut client = Client::connect(world.address);
    let answer = client.call(request);
    let record = world.record(answer.id());
    assert_eq!(record.rsp_len, answer.bytes);
    assert_eq!((record.rsp_st, record.ups_st.as_ref()), (answer.status, ""));
    if answer.header("connection") == Some("close") {
        assert_eq!(client.drain(), b"");
    } else {
        assert_eq!(record.req_len, client.sent);
    }
    (answer, record)
}

fn idle() -> Backend {
    Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    })
}

#[test]
fn every_shape_of_smuggling_gets_400_and_a_closed_connection() {
    let backend = idle();
    let mut world = World::start(backend.address);
    let post = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n";
    for (shape, text) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Both Content-Length"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "Content-Length is repeated"),
        ("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "Content-Length is repeated"),
        ("Content-Length: 3,3\r\n\r\nabc", "Content-Length is repeated"),
        ("Content-Length: -3\r\n\r\nabc", "Content-Length is not a number"),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding is not supported"),
        ("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "Request can not be parsed"),
        ("Host: a.test\r\n\r\n", "Host is repeated"),
        ("X: a\n\r\n", "Line of the head ends without CR"),
        ("X: a\r\n b\r\n\r\n", "Header line is folded"),
        ("X: a\0b\r\n\r\n", "Request can not be parsed"),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Chunk of the body is malformed"),
        ("Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", "Chunk of the body is malformed"),
        ("Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n", "Chunk of the body is malformed"),
    ] {
        let (answer, record) = check(&mut world, &format!("{post}{shape}"));
        assert_eq!((answer.status, answer.header("connection")), (400, Some("close")), "{shape:?}");
        assert!(record.err_msg.starts_with(text), "{shape:?}: {}", record.err_msg);
        assert_eq!((record.fault, record.phase.as_ref()), (Fault::Client, ""), "{shape:?}");
        assert_eq!((record.method.as_ref(), record.host.as_ref()), ("POST", "a.test"), "{shape:?}");
        assert_eq!(record.uri, "/release/b/x", "{shape:?}");
        assert!(record.req_len > 0);
    }
    let (answer, record) =
        check(&mut world, "GET http://b.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        (answer.status, record.err_msg.starts_with("Host of the request line")),
        (400, true)
    );
    let requests = backend.seen().iter().map(|seen| seen.requests).sum::<u64>();
    assert_eq!(requests, 0, "no backend got a whole request");
}

#[test]
fn what_follows_a_refused_request_is_no_request() {
    let mut world = World::start(idle().address);
    let mut client = Client::connect(world.address);
    client.send("POST /release/mock HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(client.answer(false).status, 400);
    assert_eq!(client.drain(), b"");
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn limits_of_size_are_answered() {
    let mut plan = Plan::default();
    (plan.config.limits.head, plan.config.limits.uri) = (4096, 1024);
    (plan.config.limits.headers, plan.config.limits.body) = (20, 1000);
    let backend = idle();
    let mut world = World::with(plan, policy(backend.address));
    let a_test = "HTTP/1.1\r\nHost: a.test\r\n";
    let long = "a".repeat(2000);
    let (answer, record) = check(&mut world, &format!("GET /release/{long} {a_test}\r\n"));
    assert_eq!((answer.status, record.fault), (414, Fault::Client));
    let (answer, _) = check(&mut world, &format!("GET / {a_test}X: {long}{long}{long}\r\n\r\n"));
    assert_eq!(answer.status, 431);
    let (answer, _) = check(&mut world, &format!("GET / {a_test}{}\r\n", "X: y\r\n".repeat(21)));
    assert_eq!(answer.status, 431);
    let body = "a".repeat(1001);
    let post = format!("POST /release/b/x {a_test}");
    let (answer, record) = check(&mut world, &format!("{post}Content-Length: 1001\r\n\r\n"));
    assert_eq!((answer.status, record.err_msg.as_ref()), (413, "Request body is too large."));
    let chunks = format!("{post}Transfer-Encoding: chunked\r\n\r\n3e9\r\n{body}\r\n0\r\n\r\n");
    let mut client = Client::connect(world.address);
    let answer = client.call(&chunks);
    assert_eq!(answer.status, 413);
    let record = world.record(answer.id());
    assert_eq!((record.ups_st.as_ref(), record.fault), ("", Fault::Client));
}

#[test]
fn the_gateways_own_answers_keep_the_connection() {
    let mut world = World::start(idle().address);
    let mut client = Client::connect(world.address);
    for (method, path, rest, status, body) in [
        ("GET", "/release/mock", "\r\n", 200, "hello"),
        ("HEAD", "/release/mock", "\r\n", 200, ""),
        ("GET", "/release/empty", "\r\n", 204, ""),
        ("POST", "/release/mock", "Content-Length: 3\r\n\r\nabc", 200, "hello"),
        (
            "POST",
            "/release/none",
            "Content-Length: 3\r\n\r\nabc",
            404,
            r#"{"message":"There is no api match uri[/none] host [a.test]"}"#,
        ),
        (
            "POST",
            "/release/none",
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            404,
            r#"{"message":"There is no api match uri[/none] host [a.test]"}"#,
        ),
        ("GET", "/release/key", "\r\n", 401, r#"{"message":"HMAC authorization format error."}"#),
        ("GET", "/release/mock", "\r\n", 200, "hello"),
    ] {
        let before = (client.sent, client.received);
        let answer = client.call(&format!("{method} {path} HTTP/1.1\r\nHost: a.test\r\n{rest}"));
        assert_eq!((answer.status, str::from_utf8(&answer.body)), (status, Ok(body)), "{path}");
        assert_eq!(answer.header("connection"), None, "{method} {path}");
        let record = world.record(answer.id());
        assert_eq!((record.rsp_st, record.ups_st.as_ref()), (status, ""));
        assert_eq!(record.req_len, client.sent - before.0);
        assert_eq!(record.rsp_len, client.received - before.1);
    }
}

#[test]
fn unknown_hosts_are_billed_to_the_operator() {
    let mut world = World::start(idle().address);
    let (answer, record) = check(&mut world, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
    assert_eq!(answer.status, 404);
    assert_eq!((record.account.as_ref(), record.service_id.as_ref()), ("operator", ""));
    let (answer, record) = check(&mut world, "GET / HTTP/1.1\r\n\r\n");
    assert_eq!((answer.status, record.err_msg.as_ref()), (404, "Not Found Host."));
}

#[test]
fn trailers_that_only_hyper_finds_fault_with_are_the_clients() {
    let mut world = World::start(Backend::answering("HTTP/1.1 204 No Content\r\n\r\n").address);
    let request =
        "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let request = format!("{request}{}\r\n", "A: b\r\n".repeat(500));
    let mut client = Client::connect(world.address);
    let answer = client.call(&request);
    let record = world.record(answer.id());
    assert_eq!((answer.status, record.fault), (400, Fault::Client), "{record:?}");
    assert_eq!((record.ups_st.as_ref(), record.req_len), ("", client.sent));
}

#[test]
fn a_name_that_does_not_resolve_gives_503() {
    let api = "- {id: api-nowhere, path: /, backend: {url: 'http://no-such-host.invalid'}}";
    let mut world = World::serving(api);
    let (answer, record) = check(&mut world, "GET /release/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.body, br#"{"message":"Apigw balancer error"}"#);
    assert_eq!((answer.status, record.err_msg.as_ref()), (503, "Apigw balancer error"));
    assert_eq!((record.fault, record.phase.as_ref()), (Fault::Backend, "resolving"));
}
