//! Slow clients, and backends that never accept: which limit ends it, and whose fault it is.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use record::{Fault, Record};
use socket2::{Domain, Socket, Type};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy};

/// Status, ups_st, fault, phase.
fn says<'r>(record: &'r Record<'_>) -> (u16, &'r str, Fault, &'r str) {
    (record.rsp_st, &record.ups_st, record.fault, &record.phase)
}

#[test]
fn a_client_that_is_late_with_its_body_is_not_the_backends_fault() {
    let backend = Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    // The whole call may take 600 ms; the limit for pieces of a body is a minute.
    let answer = client
        .call("POST /release/total/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert_eq!(says(&world.record(answer.id())), (408, "", Fault::Client, ""));
}

#[test]
fn a_client_that_is_late_with_reading_is_cut_when_the_call_took_too_long() {
    // Made beforehand: a busy machine takes long for it, and then the backend would be the late one.
    let body = vec![b'a'; 100_000_000];
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
        peer.send(&body)
    });
    let mut world = World::start(backend.address);
    let start = Instant::now();
    let mut client = Client::connect(world.address);
    client.send("GET /release/total/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let record = world.final_number(1);
    assert_eq!(says(&record), (200, "200", Fault::Client, ""));
    assert!(start.elapsed() >= Duration::from_millis(600));
    client.drain();
    assert_eq!(record.rsp_len, client.received);
}

/// A backend that answers with its head at once, and with the rest when it has the whole request.
fn eager() -> Backend {
    Backend::start(|mut peer| {
        peer.head()?;
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
        peer.take(8)?;
        peer.send("hello")
    })
}

const EIGHT: &str = "POST /release/fast/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\n";

#[test]
fn a_backend_that_waits_for_the_request_is_not_late() {
    let mut world = World::start(eager().address);
    let mut client = Client::connect(world.address);
    client.send(EIGHT);
    client.head().expect("the head comes at once");
    client.socket.set_read_timeout(Some(Duration::from_millis(150))).expect("an option can be set");
    for _ in 0..8 {
        // In all longer than the backend may be silent. Nothing comes: it only waits.
        assert!(client.take(1).is_err());
        client.send("a");
    }
    client.socket.set_read_timeout(None).expect("an option can be set");
    assert_eq!(client.take(5).expect("the rest comes"), b"hello");
    assert_eq!(says(&world.final_number(1)), (200, "200", Fault::None, ""));
}

#[test]
fn a_client_that_stops_sending_within_its_answer_is_at_fault() {
    let mut plan = Plan::default();
    plan.config.timeouts.body = Duration::from_millis(200);
    let mut world = World::with(plan, policy(eager().address));
    let mut client = Client::connect(world.address);
    client.send(EIGHT);
    client.send("abc");
    assert!(client.try_answer(false).is_err());
    assert_eq!(says(&world.final_number(1)), (200, "200", Fault::Client, ""));
    // And when the whole call took too long.
    let mut world = World::start(eager().address);
    let mut client = Client::connect(world.address);
    client.send(EIGHT.replace("fast", "total"));
    client.send("abc");
    assert!(client.try_answer(false).is_err());
    assert_eq!(says(&world.final_number(1)), (200, "200", Fault::Client, ""));
}

/// A port that answers no connection any more, while what is returned lives.
fn deaf() -> (SocketAddr, TcpListener, Vec<Socket>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be made");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port is free");
    socket.listen(0).expect("it listens");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("a listener has an address");
    // Its queue takes one or two; the next ones are not answered.
    let fillers = (0..8).map(|_| {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket can be made");
        filler.set_nonblocking(true).expect("an option can be set");
        // It is under way, which is all that is wanted.
        let _under_way = filler.connect(&address.into());
        filler
    });
    let fillers = fillers.collect();
    (address, listener, fillers)
}

#[test]
fn a_client_that_leaves_while_the_backend_connects_gets_499() {
    let (address, _listener, _fillers) = deaf();
    let mut world = World::serving(&format!(
        r#"
- {{id: api-x, path: /x, backend: {{url: "http://{address}", timeouts: {{connect: 300ms}}}}}}
- {{id: api-y, path: /y, backend: {{url: "http://{address}", timeouts: {{connect: 20s}}}}}}
"#
    ));
    let mut client = Client::connect(world.address);
    let answer = client.call("GET /release/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.status, 504);
    let record = world.record(answer.id());
    assert_eq!(says(&record), (504, "", Fault::Backend, "connecting"));
    assert_eq!((record.ups_conn_t, record.ups_rsp_t), (None, None));
    client.send("GET /release/y HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.leave();
    let record = world.final_number(2);
    assert_eq!((says(&record), record.api_id.as_ref()), ((499, "", Fault::Client, ""), "api-y"));
    assert_eq!(record.upip, address.to_string());
    world.stop(Duration::from_secs(5));
}
