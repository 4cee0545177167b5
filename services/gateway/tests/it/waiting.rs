//! Each limit of time, small.

use std::time::Duration;

use gateway::Timeouts;
use record::{Fault, Record};

use crate::backend::{Backend, Peer};
use crate::client::Client;
use crate::world::{Plan, World, policy};

const SHORT: Duration = Duration::from_millis(100);

/// Status, ups_st, fault, phase.
fn says<'r>(record: &'r Record<'_>) -> (u16, &'r str, Fault, &'r str) {
    (record.rsp_st, &record.ups_st, record.fault, &record.phase)
}

/// A world whose waits are long, but for those that `shorten` shortens.
fn world(
    script: impl Fn(Peer) -> std::io::Result<()> + Send + Sync + 'static,
    shorten: impl FnOnce(&mut Timeouts),
) -> World {
    let mut plan = Plan::default();
    shorten(&mut plan.config.timeouts);
    World::with(plan, policy(Backend::start(script).address))
}

fn silent(mut peer: Peer) -> std::io::Result<()> {
    peer.drain();
    Ok(())
}

/// With them the connections are looked at so often that a backend's limit needs no timer.
fn often(timeouts: &mut Timeouts) {
    timeouts.backend_idle = SHORT;
}

#[test]
fn a_backend_that_is_late_with_its_head_gives_504() {
    late_with_its_head(world(silent, |_| {}));
    late_with_its_head(world(silent, often));
}

fn late_with_its_head(mut world: World) {
    let mut client = Client::connect(world.address);
    let answer = client.call("GET /release/fast/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (504, &br#"{"message":"Gateway Time-out."}"#[..])
    );
    let record = world.record(answer.id());
    assert_eq!(says(&record), (504, "504", Fault::Backend, "waiting"));
    assert!(record.req_t.0 >= 500 && record.ups_rsp_t.is_some_and(|total| total.0 >= 500));
    let answer = client.call("GET /release/total/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(says(&world.record(answer.id())), (504, "504", Fault::Backend, "waiting"));
}

#[test]
fn a_backend_that_takes_no_more_gives_504_while_sending() {
    takes_no_more(|_| {});
    takes_no_more(often);
}

fn takes_no_more(shorten: fn(&mut Timeouts)) {
    let script = |mut peer: Peer| {
        peer.head()?;
        // Takes nothing more, and does not leave either.
        loop {
            std::thread::park();
        }
    };
    let mut world = world(script, shorten);
    let mut client = Client::connect(world.address);
    client
        .send("POST /release/fast/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 30000000\r\n\r\n");
    let mut sender = client.socket.try_clone().expect("a socket can be shared");
    let piece = vec![b'a'; 30_000_000];
    // How much of it the gateway still takes is up to the kernel's buffers.
    let thread = std::thread::spawn(move || std::io::Write::write_all(&mut sender, &piece).is_ok());
    let answer = client.answer(false);
    assert_eq!(answer.status, 504);
    assert_eq!(says(&world.record(answer.id())), (504, "504", Fault::Backend, "sending"));
    client.drain();
    drop(client);
    thread.join().expect("the sender does not panic");
}

#[test]
fn a_backend_that_stalls_within_its_body_cuts_the_answer() {
    for path in ["fast", "total"] {
        let mut world = world(
            |mut peer| {
                peer.request()?;
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")?;
                peer.drain();
                Ok(())
            },
            |_| {},
        );
        let mut client = Client::connect(world.address);
        client.send(format!("GET /release/{path}/x HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        assert!(client.try_answer(false).is_err());
        let record = world.final_number(1);
        assert_eq!(says(&record), (200, "200", Fault::Backend, "receiving"), "{path}");
        assert_eq!(record.rsp_len, client.received);
    }
}

#[test]
fn a_client_that_is_late_with_its_request_gets_408() {
    let mut world = world(silent, |timeouts| (timeouts.head, timeouts.body) = (SHORT, SHORT));
    for (request, text) in [
        ("GET /release/b/x HTTP/1.1\r\nHost: a.te", "Request head timed out."),
        (
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc",
            "Request body timed out.",
        ),
        (
            "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Request body timed out.",
        ),
    ] {
        let mut client = Client::connect(world.address);
        let answer = client.call(request);
        assert_eq!(
            (answer.status, answer.header("connection")),
            (408, Some("close")),
            "{request:?}"
        );
        let record = world.record(answer.id());
        assert_eq!(says(&record), (408, "", Fault::Client, ""), "{request:?}");
        assert_eq!((record.err_msg.as_ref(), record.req_len), (text, client.sent), "{request:?}");
        assert_eq!(client.drain(), b"");
    }
}

#[test]
fn an_idle_client_is_closed_without_a_record() {
    let mut world = world(silent, |timeouts| timeouts.idle = SHORT * 5);
    let mut client = Client::connect(world.address);
    assert_eq!(client.drain(), b"");
    let mut client = Client::connect(world.address);
    let answer = client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    world.record(answer.id());
    assert_eq!(client.drain(), b"");
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let mut world = world(
        |mut peer| {
            peer.request()?;
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
            peer.send(vec![b'a'; 100_000_000])
        },
        |timeouts| timeouts.write = SHORT,
    );
    let mut client = Client::connect(world.address);
    client.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let record = world.final_number(1);
    assert_eq!(says(&record), (200, "200", Fault::Client, ""));
    client.drain();
    assert_eq!(record.rsp_len, client.received);
}
