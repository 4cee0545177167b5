//! Every shape of exchange: what the record says is what the raw sockets saw.

use std::time::Duration;

use record::{Fault, Net, Record};

use crate::backend::Backend;
use crate::client::{Answer, Client};
use crate::world::World;

/// One exchange on a connection of its own, then its record against both sockets.
fn check(answer: &'static str, request: &str, expected: (u16, &[u8])) -> (Record<'static>, Answer) {
    let backend = Backend::answering(answer);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer = client.call(request);
    assert_eq!((answer.status, answer.body.as_slice()), expected);
    let record = world.record(answer.id());
    equal(&record, &client, &backend);
    let status = expected.0;
    assert_eq!((record.rsp_st, record.ups_st.as_ref()), (status, status.to_string().as_str()));
    assert_eq!((record.fault, record.err_msg.as_ref()), (Fault::None, ""));
    assert_eq!(record.upip, backend.address.to_string());
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
    (record, answer)
}

/// The record counts what both sockets saw.
fn equal(record: &Record<'_>, client: &Client, backend: &Backend) {
    let seen = backend.seen()[0];
    assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
    assert_eq!((record.ups_req_len, record.ups_rsp_len), (seen.received, seen.sent));
    assert!(record.ups_conn_t.is_some() && record.ups_head_t.is_some());
    assert!(record.ups_rsp_t <= Some(record.req_t));
}

fn get(path: &str) -> String {
    format!("GET /release/b/{path} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

fn post(rest: &str) -> String {
    format!("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n{rest}")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_get_fills_the_whole_record() {
    let request = "GET /release/b/x?y=1&secret_key=zz HTTP/1.1\r\nHost: A.test:80\r\n\
                   User-Agent: t\r\nReferer: r\r\nX-Request-ID: mine\r\n\
                   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
    let (record, answer) = check(OK, request, (200, b"hello"));
    assert_eq!(record.req_id, answer.id());
    assert_eq!(
        record::arrival(&record.req_id).map(|at| at.0 / 60_000),
        Some(record.time.0 / 60_000)
    );
    assert_eq!((record.gateway.as_ref(), record.worker), ("gw-test", 0));
    assert_eq!((record.account.as_ref(), record.caller.as_ref()), ("1001", ""));
    assert_eq!((record.service_id.as_ref(), record.api_id.as_ref()), ("service-a", "api-b"));
    assert_eq!((record.env.as_ref(), record.region.as_ref()), ("release", "r1"));
    assert_eq!((record.net, record.ups_net), (Net::Private, Net::Private));
    assert_eq!((record.scheme.as_ref(), record.method.as_ref()), ("http", "GET"));
    assert_eq!((record.host.as_ref(), record.proto.as_ref()), ("A.test:80", "HTTP/1.1"));
    assert_eq!(record.uri, "/release/b/x");
    assert!(record.query.starts_with("y=1") && !record.query.contains("zz"), "{}", record.query);
    assert_eq!((record.ip.as_ref(), record.vip.as_ref()), ("127.0.0.1", "127.0.0.1"));
    assert_eq!((record.user_agent.as_ref(), record.referer.as_ref()), ("t", "r"));
    assert_eq!(record.client_req_id, "mine");
    assert_eq!(record.trace_id, "0af7651916cd43dd8448eb211c80319c");
}

#[test]
fn every_framing_of_an_answer_is_counted_exactly() {
    for status in [200, 201, 404, 500, 503] {
        let answer: &str = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\nhello").leak();
        check(answer, &get("x"), (status, b"hello"));
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let text: &str = format!("{chunked}2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n").leak();
    check(text, &get("x"), (200, b"hello"));
    check(format!("{chunked}0\r\n\r\n").leak(), &get("x"), (200, b""));
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &get("x"), (200, b""));
    check("HTTP/1.1 204 No Content\r\n\r\n", &get("x"), (204, b""));
    check("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", &get("x"), (304, b""));
    check(
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        &get("x"),
        (204, b""),
    );
    check(OK, "GET /release/b/x HTTP/1.0\r\nHost: a.test\r\n\r\n", (200, b"hello"));
    check(text, "GET /release/b/x HTTP/1.0\r\nHost: a.test\r\n\r\n", (200, b"hello"));
    check(OK, &get("x").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"), (200, b"hello"));
}

#[test]
fn a_head_has_the_length_and_no_body() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let (_, answer) = check(answer, &get("x").replace("GET", "HEAD"), (200, b""));
    assert_eq!(answer.header("content-length"), Some("5"));
}

#[test]
fn every_framing_of_a_request_is_counted_exactly() {
    check(OK, &post("Content-Length: 3\r\n\r\nabc"), (200, b"hello"));
    check(OK, &post("Content-Length: 0\r\n\r\n"), (200, b"hello"));
    check(OK, &post("\r\n"), (200, b"hello"));
    check(OK, &post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), (200, b"hello"));
    check(
        OK,
        &post("Transfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n02\r\nbc\r\n0\r\nX: y\r\n\r\n"),
        (200, b"hello"),
    );
    check(OK, &post("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), (200, b"hello"));
    check(
        OK,
        &post(&format!("Content-Length: 300000\r\n\r\n{}", "a".repeat(300_000))),
        (200, b"hello"),
    );
    check(OK, &post("transfer-encoding:\tCHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), (200, b"hello"));
    check(OK, &post("Content-Length: 003\r\n\r\nabc"), (200, b"hello"));
    let long = "v".repeat(60_000);
    check(OK, &post(&format!("X-Long: {long}\r\nX-Empty:\r\n\r\n")), (200, b"hello"));
    check(OK, &post(&format!("{}\r\n", "X: y\r\n".repeat(99))), (200, b"hello"));
    let get_post = |rest| post(rest).replace("POST", "GET");
    check(OK, &get_post("Content-Length: 3\r\n\r\nabc"), (200, b"hello"));
    check(
        OK,
        &get_post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        (200, b"hello"),
    );
    check(OK, &format!("\r\n{}", get("x")), (200, b"hello"));
    check(OK, "GET http://a.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n", (200, b"hello"));
}

#[test]
fn an_answer_that_ends_with_its_connection_is_whole() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send("HTTP/1.0 200 OK\r\n\r\nhello")
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer = client.call(&get("x"));
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
    assert!(answer.head.starts_with("HTTP/1.1 200"));
    let record = world.record(answer.id());
    equal(&record, &client, &backend);
}

#[test]
fn the_backend_gets_the_request_and_the_client_its_answer_unchanged() {
    let (heads, got) = std::sync::mpsc::sync_channel(1);
    let backend = Backend::start(move |mut peer| {
        let (head, body) = peer.request()?;
        heads.send((head, body)).expect("the test waits");
        peer.send(
            "HTTP/1.1 418 Short And Stout\r\nServer: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
             Connection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
             Content-Length: 2\r\n\r\nhi",
        )
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer = client.call(
        "POST /release/b/x%20y?q=%2f HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 9.9.9.9\r\n\
         Connection: X-Mine\r\nX-Mine: 1\r\nX-Api-RequestId: forged\r\nTE: trailers\r\n\
         Content-Type: a/b\r\nContent-Length: 3\r\n\r\nabc",
    );
    let (head, body) = got.recv().expect("the backend was called");
    assert!(head.starts_with("POST /base/x%20y?q=%2f HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, b"abc");
    let sent = |name| crate::client::header(&head, name);
    assert_eq!(sent("host"), Some(backend.address.to_string().as_str()));
    assert_eq!(sent("x-forwarded-for"), Some("9.9.9.9, 127.0.0.1"));
    assert_eq!((sent("x-real-ip"), sent("x-forwarded-proto")), (Some("127.0.0.1"), Some("http")));
    assert_eq!((sent("x-forwarded-host"), sent("content-type")), (Some("a.test"), Some("a/b")));
    assert_eq!(sent("x-api-requestid"), Some(answer.id()));
    assert_eq!((sent("x-mine"), sent("te"), sent("connection")), (None, None, None));
    assert!(answer.head.starts_with("HTTP/1.1 418 Short And Stout\r\n"), "{}", answer.head);
    assert_eq!(answer.head.matches("set-cookie").count(), 2);
    assert_eq!((answer.header("server"), answer.header("x-hop")), (Some("b"), None));
    assert_eq!((answer.header("keep-alive"), answer.header("date")), (None, None));
    assert_eq!(world.record(answer.id()).rsp_st, 418);
}

#[test]
fn pipelined_requests_are_answered_one_after_the_other() {
    let backend = Backend::start(|mut peer| {
        loop {
            let (head, _) = peer.request()?;
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()))?;
        }
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let requests: Vec<String> = vec![
        get("1"),
        post("Content-Length: 3\r\n\r\nabc"),
        get("2").replace("/b/", "/mock?"),
        post("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        get("a-longer-one"),
    ];
    client.send(requests.concat());
    let mut received = 0;
    for (index, request) in requests.iter().enumerate() {
        let answer = client.answer(false);
        let record = world.record(answer.id());
        assert_eq!(
            (record.req_len, record.rsp_len),
            (request.len() as u64, answer.bytes),
            "{index}"
        );
        received += answer.bytes;
    }
    assert_eq!(received, client.received);
    world.stop(Duration::from_secs(5));
    let seqs: Vec<u64> = world.finals().iter().map(|record| record.seq).collect();
    assert!(seqs.is_sorted() && seqs.len() == requests.len());
}

#[test]
fn a_hundred_pipelined_requests_stop_at_the_stash_and_go_on() {
    let backend = Backend::answering(OK);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let mut sender = client.socket.try_clone().expect("a socket can be shared");
    let all = get("x").repeat(500);
    let thread = std::thread::spawn(move || std::io::Write::write_all(&mut sender, all.as_bytes()));
    for _ in 0..500 {
        let answer = client.answer(false);
        assert_eq!(world.record(answer.id()).req_len, get("x").len() as u64);
    }
    thread.join().expect("the sender does not panic").expect("all is taken");
}

#[test]
fn a_client_that_waits_for_100_is_told_to_go_on() {
    let backend = Backend::answering(OK);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(post("Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
    assert_eq!(client.head().expect("a head comes"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    let answer = client.answer(false);
    let record = world.record(answer.id());
    equal(&record, &client, &backend);
    // And one whose body is not wanted is not.
    client.send("POST /release/none HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    let answer = client.answer(false);
    assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
    assert_eq!(world.record(answer.id()).rsp_len, answer.bytes);
}

#[test]
fn kept_connections_are_reused_and_counted_per_request() {
    let backend = Backend::answering(OK);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let (mut sum, mut seen_before) = ((0, 0), backend.seen().len());
    for round in 0..20 {
        let before = (client.sent, client.received);
        let answer = client.call(&get(&"x".repeat(round)));
        let record = world.record(answer.id());
        assert_eq!(record.req_len, client.sent - before.0);
        assert_eq!(record.rsp_len, client.received - before.1);
        sum = (sum.0 + record.ups_req_len, sum.1 + record.ups_rsp_len);
        seen_before = seen_before.max(backend.seen().len());
    }
    let seen = backend.seen();
    assert_eq!(seen.len(), 1, "one connection was enough");
    assert_eq!(sum, (seen[0].received, seen[0].sent));
    assert_eq!(seen[0].requests, 20);
}

#[test]
fn large_bodies_stream_both_ways() {
    const SIZE: usize = 5_000_000;
    let backend = Backend::start(|mut peer| {
        let (_, body) = peer.request()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()))?;
        peer.send(body)
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(post(&format!("Content-Length: {SIZE}\r\n\r\n")));
    let body: Vec<u8> = (0..SIZE).map(|n| u8::try_from(n % 251).expect("a byte")).collect();
    client.send(&body);
    let answer = client.answer(false);
    assert!(answer.body == body);
    let record = world.record(answer.id());
    equal(&record, &client, &backend);
}

/// Many requests of all framings in one stream of bytes, cut at random places.
#[test]
fn requests_are_told_apart_however_they_are_cut() {
    let kinds = [
        get("x"),
        get("longer").replace("/b/", "/mock?"),
        post("Content-Length: 3\r\n\r\nabc"),
        post("Content-Length: 20000\r\n\r\n") + &"b".repeat(20_000),
        post(
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n",
        ),
        post("Content-Length: 4\r\n\r\nGET ").replace("/b/x", "/none"),
        "\r\n".to_owned() + &get("y"),
    ];
    let backend = Backend::answering(OK);
    let mut world = World::start(backend.address);
    // A linear congruential generator: the same cuts in every run.
    let mut state = 20_240_117_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits fit") % below
    };
    let requests: Vec<&String> = (0..300).map(|_| &kinds[random(kinds.len())]).collect();
    let bytes: Vec<u8> = requests.iter().flat_map(|request| request.bytes()).collect();
    let mut client = Client::connect(world.address);
    let mut sender = client.socket.try_clone().expect("a socket can be shared");
    let thread = std::thread::spawn(move || {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let cut = [3, 40, 400, 30_000][random(4)];
            let (piece, more) = rest.split_at((1 + random(cut)).min(rest.len()));
            std::io::Write::write_all(&mut sender, piece).expect("all is taken");
            rest = more;
        }
    });
    for request in requests {
        let answer = client.answer(false);
        let record = world.record(answer.id());
        assert_eq!((record.req_len, record.rsp_len), (request.len() as u64, answer.bytes));
        assert_eq!(record.rsp_st, if request.contains("none") { 404 } else { 200 });
    }
    thread.join().expect("the sender does not panic");
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 300);
}
