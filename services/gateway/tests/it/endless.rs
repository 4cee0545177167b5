//! Backends that never stop speaking: the limits of time hold although there is always something to
//! read. And one that does not speak HTTP: it is not waited for.

use std::io;

use record::Fault;

use crate::backend::{Backend, Peer};
use crate::client::Client;
use crate::world::World;

/// A backend that says `first`, and then one thing again and again.
fn endless(first: &'static str, again: &'static str) -> Backend {
    Backend::start(move |mut peer: Peer| -> io::Result<()> {
        peer.request()?;
        peer.send(first)?;
        let piece = again.repeat((1 << 20) / again.len());
        loop {
            peer.send(&piece)?;
        }
    })
}

#[test]
fn one_early_head_after_the_other_is_no_answer_in_time() {
    let mut world = World::start(endless("", "HTTP/1.1 100 Continue\r\n\r\n").address);
    let answer =
        Client::connect(world.address).call("GET /release/fast/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.status, 504);
    let record = world.record(answer.id());
    assert_eq!((record.ups_st.as_ref(), record.fault), ("504", Fault::Backend));
    assert_eq!(record.phase, "waiting");
}

#[test]
fn an_answer_without_an_end_is_cut_when_the_call_took_too_long() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000\r\n\r\n";
    let mut world = World::start(endless(head, "a").address);
    let mut client = Client::connect(world.address);
    client.send("GET /release/total/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.head().expect("a head comes");
    let mut received = 0;
    let mut piece = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut client.socket, &mut piece) {
            Ok(0) | Err(_) => break,
            Ok(bytes) => received += bytes,
        }
        assert!(received < 64 << 30, "the answer has no end");
    }
    let record = world.final_number(1);
    assert_eq!((record.rsp_st, record.ups_st.as_ref()), (200, "200"));
    assert_eq!((record.fault, record.phase.as_ref()), (Fault::Backend, "receiving"));
}

#[test]
fn what_does_not_begin_as_an_answer_is_not_waited_for() {
    // It says no line, and leaves the connection open.
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send("\u{15}\u{3}\u{1}")?;
        peer.drain();
        Ok(())
    });
    // The limit for heads is longer than the client waits.
    let mut world = World::serving(&format!(
        r#"- {{id: api-x, path: /x, backend: {{url: "http://{}", timeouts: {{head: 60s}}}}}}"#,
        backend.address
    ));
    let answer =
        Client::connect(world.address).call("GET /release/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert_eq!(world.record(answer.id()).ups_st, "502");
}
