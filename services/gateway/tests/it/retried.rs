//! A second try: when it is made, and what the record says of both.

use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use record::Fault;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// A backend whose first connection answers one request, takes a second, and closes.
fn breaks_on_reuse() -> Backend {
    Backend::start(|mut peer| {
        peer.request()?;
        peer.send(OK)?;
        peer.request()?;
        if peer.number > 0 { peer.send(OK) } else { Ok(()) }
    })
}

#[test]
fn a_kept_connection_that_breaks_under_a_get_is_replaced_once() {
    let backend = breaks_on_reuse();
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.call(GET);
    let answer = client.call(GET);
    assert_eq!(answer.status, 200);
    let record = world.record(answer.id());
    assert_eq!((record.rsp_st, record.ups_st.as_ref()), (200, "502, 200"));
    assert_eq!((record.fault, record.err_msg.as_ref()), (Fault::None, ""));
    let address = backend.address;
    assert_eq!(record.upip, format!("{address}, {address}"));
    let seen = backend.seen();
    let first = world.finals()[0].clone();
    let received: u64 = seen.iter().map(|seen| seen.received).sum();
    assert_eq!(first.ups_req_len + record.ups_req_len, received, "both tries are counted");
}

#[test]
fn a_post_that_may_have_been_done_is_not_repeated() {
    let mut world = World::start(breaks_on_reuse().address);
    let mut client = Client::connect(world.address);
    client.call(GET);
    let post = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\na";
    let answer = client.call(post);
    assert_eq!(answer.status, 502);
    let record = world.record(answer.id());
    assert_eq!((record.ups_st.as_ref(), record.phase.as_ref()), ("502", "waiting"));
}

#[test]
fn a_fresh_connection_that_breaks_is_not_repeated() {
    let mut world = World::start(Backend::start(|mut peer| peer.request().map(drop)).address);
    let answer = Client::connect(world.address).call(GET);
    assert_eq!(answer.status, 502);
    assert_eq!(world.record(answer.id()).ups_st, "502");
}

#[test]
fn a_kept_connection_that_was_closed_is_no_try_at_all() {
    let (close, closes) = sync_channel::<()>(0);
    let closes = Arc::new(Mutex::new(closes));
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        peer.send(OK)?;
        if peer.number == 0 {
            // The test lets the first connection go.
            let _gone = closes.lock().expect("no test panics here").recv();
            return Ok(());
        }
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.call(GET);
    close.send(()).expect("the backend waits");
    // Whether the gateway has seen the close when the next request comes is a race: either no
    // try is made on it, or one that is repeated. The client never notices.
    let answer = client.call(GET);
    assert_eq!(answer.status, 200);
    let record = world.record(answer.id());
    assert!(["200", "502, 200", "-, 200"].contains(&record.ups_st.as_ref()), "{}", record.ups_st);
}

#[test]
fn an_answer_before_the_request_is_whole_closes_both_connections() {
    let backend = Backend::start(|mut peer| {
        peer.head()?;
        peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")?;
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    for _ in 0..3 {
        let mut client = Client::connect(world.address);
        client
            .send("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\nabc");
        let answer = client.answer(false);
        assert_eq!((answer.status, answer.header("connection")), (403, Some("close")));
        assert_eq!(world.record(answer.id()).ups_st, "403");
        assert_eq!(client.drain(), b"");
    }
    assert_eq!(backend.seen().len(), 3);
}

#[test]
fn an_answer_is_heard_though_the_backend_takes_no_more() {
    let backend = Backend::start(|mut peer| {
        peer.head()?;
        // It closes on what it did not read, which resets the connection.
        peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    });
    let mut world = World::start(backend.address);
    let body = "a".repeat(3_000_000);
    for _ in 0..20 {
        let mut client = Client::connect(world.address);
        let head = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3000000\r\n\r\n";
        client.send(head);
        let sending = client.socket.try_clone().expect("a descriptor is free");
        let answer = std::thread::scope(|scope| {
            // The gateway closes the connection when the answer is out.
            scope.spawn(|| (&sending).write_all(body.as_bytes()));
            client.answer(false)
        });
        assert_eq!((answer.status, answer.body.as_slice()), (403, &b"no"[..]));
        let record = world.record(answer.id());
        assert_eq!((record.ups_st.as_ref(), record.fault), ("403", Fault::None));
    }
}

#[test]
fn an_answer_that_begins_early_and_ends_after_the_request_leaves_a_connection_that_is_kept() {
    let backend = Backend::start(|mut peer| {
        loop {
            let head = peer.head()?;
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
            let end = if head.contains("chunked") { "0\r\nx: y\r\n\r\n" } else { "end" };
            let mut body = peer.unread();
            while !body.ends_with(end.as_bytes()) {
                peer.more()?;
                body.append(&mut peer.unread());
            }
            peer.send("hello")?;
        }
    });
    let mut world = World::start(backend.address);
    let length = ("Content-Length: 6", "abc", "end");
    let chunked = ("Transfer-Encoding: chunked", "3\r\nabc\r\n", "0\r\nx: y\r\n\r\n");
    let mut told = (0, 0);
    for (number, (framing, first, rest)) in [length, chunked, length].into_iter().enumerate() {
        let mut client = Client::connect(world.address);
        client.send(format!("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n"));
        client.send(first);
        let head = client.head().expect("the head comes before the request is whole");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        client.send(rest);
        assert_eq!(client.take(5).expect("the rest comes"), b"hello");
        let record = world.final_number(number + 1);
        assert_eq!((record.ups_st.as_ref(), record.fault), ("200", Fault::None));
        assert_eq!(record.req_len, client.sent);
        told = (told.0 + record.ups_req_len, told.1 + record.ups_rsp_len);
        let seen = backend.seen();
        assert_eq!(seen.len(), 1, "the connection is kept");
        assert_eq!(told, (seen[0].received, seen[0].sent));
    }
}

#[test]
fn a_name_is_tried_at_each_of_its_addresses() {
    let backend = Backend::answering(OK);
    let mut world = World::start(backend.address);
    let answer = Client::connect(world.address).call(&GET.replace("/b/", "/named/"));
    assert_eq!(answer.status, 200);
    let record = world.record(answer.id());
    // `localhost` may have an IPv6 address first, where nobody listens.
    let expected = ["200", "-, 200"];
    assert!(expected.contains(&record.ups_st.as_ref()), "{}", record.ups_st);
    assert!(record.upip.ends_with(&backend.address.to_string()));
    assert_eq!(record.upip.split(", ").count(), record.ups_st.split(", ").count());
}

#[test]
fn connections_to_a_backend_have_a_limit_with_an_answer() {
    let backend = Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    });
    let mut plan = Plan::default();
    plan.config.limits.backend_connections = 1;
    let mut world = World::with(plan, policy(backend.address));
    let mut first = Client::connect(world.address);
    first.send(GET);
    backend.until(|seen| seen.len() == 1 && seen[0].received > 0);
    let answer = Client::connect(world.address).call(GET);
    assert_eq!(answer.status, 503);
    let record = world.record(answer.id());
    assert_eq!((record.ups_st.as_ref(), record.fault), ("", Fault::Gateway));
    assert_eq!(record.phase, "connecting");
    // The place is given back when the first is over.
    first.leave();
    world.final_number(2);
    let mut third = Client::connect(world.address);
    third.send(GET);
    backend.until(|seen| seen.len() == 2 && seen[1].received > 0);
}
