//! Who leaves in which phase, and what the record says then.

// A `-` in a record is the absent value, so it is read back as an empty text.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Duration;

use record::{Fault, Record};

use crate::backend::{Backend, Peer};
use crate::client::Client;
use crate::world::World;

const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";

/// Status, ups_st, fault, phase.
fn says<'r>(record: &'r Record<'_>) -> (u16, &'r str, Fault, &'r str) {
    (record.rsp_st, &record.ups_st, record.fault, &record.phase)
}

/// A client that sends `bytes`, waits until the backend has seen `received` bytes or more, and
/// leaves; the only final record there is.
fn client_leaves(bytes: &str, until: impl Fn(u64) -> bool) -> (Record<'static>, World) {
    let backend = Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(bytes);
    backend.until(|seen| until(seen.iter().map(|seen| seen.received).sum()));
    let sent = client.sent;
    client.leave();
    let record = world.final_number(1);
    assert_eq!((record.req_len, record.rsp_len), (sent, 0));
    let seen = backend.seen().iter().map(|seen| seen.received).sum::<u64>();
    assert_eq!((record.ups_req_len, record.ups_rsp_len), (seen, 0));
    assert_eq!(record.err_msg, "Client closed connection.");
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
    (record, world)
}

#[test]
fn a_client_that_leaves_before_its_answer_gets_499() {
    let (record, _) = client_leaves("GET /release/b/x HT", |_| true);
    assert_eq!(says(&record), (499, "", Fault::Client, ""));
    assert_eq!((record.method.as_ref(), record.account.as_ref()), ("GET", "operator"));
    let (record, _) = client_leaves(GET, |received| received > 0);
    assert_eq!(says(&record), (499, "", Fault::Client, ""));
    assert_eq!(record.account, "1001");
    let half = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc";
    let (record, _) = client_leaves(half, |received| received > 200);
    assert_eq!(says(&record), (499, "", Fault::Client, ""));
    let chunk =
        "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na";
    let (record, _) = client_leaves(chunk, |received| received > 0);
    assert_eq!(says(&record), (499, "", Fault::Client, ""));
}

#[test]
fn a_client_that_sent_nothing_has_no_record() {
    let mut world = World::start(Backend::answering("").address);
    Client::connect(world.address).leave();
    let mut client = Client::connect(world.address);
    let answer = client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    world.record(answer.id());
    drop(client);
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn a_client_that_leaves_within_its_answer_keeps_the_status() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send(HALF)?;
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(GET);
    let head = client.head().expect("a head comes");
    assert!(head.starts_with("HTTP/1.1 200"));
    client.take(5).expect("half of the body comes");
    let (sent, received) = (client.sent, client.received);
    client.leave();
    let record = world.final_number(1);
    assert_eq!(says(&record), (200, "200", Fault::Client, ""));
    assert_eq!((record.req_len, record.rsp_len), (sent, received));
    let seen = backend.seen()[0];
    assert_eq!((record.ups_req_len, record.ups_rsp_len), (seen.received, seen.sent));
}

/// One request to a backend with this script; the answer as far as it came, and its record.
fn backend_leaves(
    request: &str,
    script: impl Fn(Peer) -> std::io::Result<()> + Send + Sync + 'static,
) -> (Option<crate::client::Answer>, Record<'static>) {
    let backend = Backend::start(script);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(request);
    let answer = client.try_answer(false).ok();
    let record = world.final_number(1);
    if let Some(answer) = &answer {
        assert_eq!(record.req_id, answer.id());
    } else {
        client.drain();
    }
    assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
    let seen = backend.seen();
    let sum = |count: fn(&crate::backend::Seen) -> u64| seen.iter().map(count).sum::<u64>();
    assert_eq!(record.ups_rsp_len, sum(|seen| seen.sent));
    let unread = seen.iter().all(|seen| seen.received == 0);
    if !unread {
        assert_eq!(record.ups_req_len, sum(|seen| seen.received));
    }
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
    (answer, record)
}

#[test]
fn a_backend_that_leaves_before_its_head_gives_502() {
    let dead = "GET /release/dead HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let (answer, record) = backend_leaves(dead, |_| Ok(()));
    let answer = answer.expect("the gateway answers");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (502, &br#"{"message":"Bad Gateway."}"#[..])
    );
    assert_eq!(says(&record), (502, "", Fault::Backend, "connecting"));
    assert_eq!((record.err_msg.as_ref(), record.upip.as_ref()), ("Bad Gateway.", "127.0.0.1:1"));
    assert_eq!((record.ups_conn_t, record.ups_rsp_t), (None, None));

    let (answer, record) = backend_leaves(GET, |mut peer| peer.request().map(drop));
    assert_eq!(answer.expect("the gateway answers").status, 502);
    assert_eq!(says(&record), (502, "502", Fault::Backend, "waiting"));
    assert!(record.ups_rsp_t.is_some() && record.ups_head_t.is_none());

    let (answer, record) = backend_leaves(GET, |mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nConte")
    });
    assert_eq!(answer.expect("the gateway answers").status, 502);
    assert_eq!(says(&record), (502, "502", Fault::Backend, "waiting"));

    let (answer, record) = backend_leaves(GET, |mut peer| {
        peer.request()?;
        peer.send("this is not HTTP\r\n\r\n")
    });
    assert_eq!(answer.expect("the gateway answers").status, 502);
    assert_eq!(says(&record), (502, "502", Fault::Backend, "waiting"));

    let (answer, record) = backend_leaves(GET, |mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    });
    assert_eq!(answer.expect("the gateway answers").status, 502);
    assert_eq!((record.rsp_st, record.fault), (502, Fault::Backend));
}

#[test]
fn a_backend_that_closes_at_once_is_at_fault_whether_it_was_reached_or_not() {
    // Whether the kernel took the head before the close came is a race; the record says which.
    let (answer, record) = backend_leaves(GET, |_| Ok(()));
    assert_eq!(answer.expect("the gateway answers").status, 502);
    assert_eq!((record.rsp_st, record.fault), (502, Fault::Backend));
    let expected = if record.ups_req_len == 0 { "" } else { "502" };
    assert_eq!(record.ups_st, expected);
}

#[test]
fn a_backend_that_leaves_within_its_body_cuts_the_answer() {
    for half in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        HALF,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ] {
        let (answer, record) = backend_leaves(GET, move |mut peer| {
            peer.request()?;
            peer.send(half)
        });
        assert!(answer.is_none(), "{half:?} is not whole");
        assert_eq!(says(&record), (200, "200", Fault::Backend, "receiving"), "{half:?}");
        assert!(record.rsp_len > 0, "what came was handed over");
    }
}

#[test]
fn a_client_that_can_not_count_sees_a_reset() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send("GET /release/b/x HTTP/1.0\r\nHost: a.test\r\n\r\n");
    let mut all = Vec::new();
    let ended = std::io::Read::read_to_end(&mut client.socket, &mut all);
    assert_eq!(ended.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
    assert_eq!(says(&world.final_number(1)), (200, "200", Fault::Backend, "receiving"));
}

#[test]
fn nothing_stays_open_behind_an_answer_that_began_before_its_request_was_whole() {
    let (tell, told) = std::sync::mpsc::sync_channel::<()>(2);
    let backend = Backend::start(move |mut peer| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")?;
        peer.drain();
        // The test may be over.
        let _gone = tell.send(());
        Ok(())
    });
    let mut world = World::start(backend.address);
    let address = world.address;
    let begin = || {
        let mut client = Client::connect(address);
        client.send("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc");
        client.head().expect("the head comes before the request is whole");
        client.take(3).expect("and so does a part of the body");
        client
    };
    let closed = |client: &mut Client| {
        let end = client.socket.read(&mut [0]);
        let late = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        assert!(!end.is_err_and(|error| late(&error)), "the client's connection is open");
        told.recv_timeout(Duration::from_secs(20)).expect("the backend's connection is closed");
    };
    let mut leaves = begin();
    leaves.socket.shutdown(Shutdown::Write).expect("it is open");
    closed(&mut leaves);
    let mut is_cut = begin();
    world.stop(Duration::from_millis(50));
    closed(&mut is_cut);
    let finals = world.finals();
    let faults = finals.iter().map(|record| (record.rsp_st, record.fault, &*record.ups_st));
    assert_eq!(
        faults.collect::<Vec<_>>(),
        [(200, Fault::Client, "200"), (200, Fault::Gateway, "200")]
    );
}
