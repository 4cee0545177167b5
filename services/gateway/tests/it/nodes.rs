//! Several servers behind one API: shares, failures, recovery, and which requests are sent twice.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use gateway::metrics::Count;
use record::{Fault, Record};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::World;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
const POST: &str = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";

const EMPTY_POST: &str = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n";

/// A gateway before these nodes.
fn world(nodes: &[(SocketAddr, u32)], health: &str) -> World {
    let nodes: Vec<String> = nodes
        .iter()
        .map(|(address, weight)| format!("{{address: '{address}', weight: {weight}}}"))
        .collect();
    let nodes = nodes.join(", ");
    World::serving(&format!(
        "- {{id: api-b, path: /b/, backend: {{url: 'http://inner.test/base', nodes: [{nodes}], \
         health: {{{health}}}, timeouts: {{head: 300ms}}}}}}"
    ))
}

/// A port where nobody listens, and nobody else can while this lives.
pub struct Nobody {
    pub address: SocketAddr,
    _socket: OwnedFd,
}

impl Nobody {
    pub fn new() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
        let address = getsockname(&socket).expect("it is bound");
        let address = SocketAddr::try_from(address).expect("an address of the internet");
        Self { address, _socket: socket }
    }
}

/// Takes requests and breaks the connection.
fn breaking() -> Backend {
    Backend::start(|mut peer| peer.request().map(drop))
}

fn requests(backend: &Backend) -> u64 {
    backend.seen().iter().map(|seen| seen.requests).sum()
}

fn retries(world: &World) -> u64 {
    let running = world.running.as_ref().expect("the world runs");
    running.counters().iter().map(|counts| counts.get(Count::BackendRetries)).sum()
}

/// One request on a connection of its own; its status and its record, counted right.
fn call(world: &mut World, request: &str) -> (u16, Record<'static>) {
    let mut client = Client::connect(world.address);
    let answer = client.call(request);
    let record = world.record(answer.id());
    assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
    assert_eq!(record.rsp_st, answer.status);
    let tries = record.ups_st.split(", ").count();
    assert_eq!(record.upip.split(", ").count(), tries, "{record:?}");
    (answer.status, record)
}

#[test]
fn requests_are_shared_by_weight() {
    let backends = [Backend::answering(OK), Backend::answering(OK), Backend::answering(OK)];
    let weights = [5, 2, 0];
    let nodes: Vec<_> =
        backends.iter().zip(weights).map(|(backend, weight)| (backend.address, weight)).collect();
    let mut world = world(&nodes, "");
    let mut client = Client::connect(world.address);
    for _ in 0..70 {
        let answer = client.call(GET);
        assert_eq!(answer.status, 200);
        world.record(answer.id());
    }
    assert_eq!(backends.each_ref().map(requests), [50, 20, 0]);
    assert_eq!(backends[0].seen().len(), 1, "each has its kept connection");
}

#[test]
fn the_urls_host_is_named_and_not_connected_to() {
    let (heads, got) = std::sync::mpsc::sync_channel(1);
    let backend = Backend::start(move |mut peer| {
        heads.send(peer.request()?).expect("the test waits");
        peer.send(OK)
    });
    let mut world = world(&[(backend.address, 1)], "");
    assert_eq!(call(&mut world, GET).0, 200);
    let (head, _) = got.recv().expect("the node was called");
    assert!(head.starts_with("GET /base/x HTTP/1.1\r\n"), "{head}");
    assert_eq!(crate::client::header(&head, "host"), Some("inner.test"));
}

#[test]
fn a_node_that_does_not_accept_is_passed_over_whatever_the_request() {
    let (backend, nobody) = (Backend::answering(OK), Nobody::new());
    let dead = nobody.address;
    for request in [GET, POST] {
        let mut world = world(&[(dead, 1), (backend.address, 1)], "failures: 2, recovery: 1h");
        let mut tried = Vec::new();
        for _ in 0..8 {
            let (status, record) = call(&mut world, request);
            assert_eq!((status, record.fault), (200, Fault::None), "nothing was sent before");
            tried.push(record.ups_st.to_string());
        }
        // It is tried twice, then left out.
        assert_eq!(tried.iter().filter(|tries| *tries == "-, 200").count(), 2, "{tried:?}");
        assert_eq!(tried.iter().filter(|tries| *tries == "200").count(), 6, "{tried:?}");
        assert_eq!(retries(&world), 2);
        world.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_node_that_breaks_is_left_for_another_only_when_that_is_safe() {
    for (request, status, tries) in [
        (GET, 200, "502, 200"),
        (POST, 502, "502"),
        // Nor without a body: it may have been done.
        (EMPTY_POST, 502, "502"),
    ] {
        let (bad, good) = (breaking(), Backend::answering(OK));
        let mut world = world(&[(bad.address, 1), (good.address, 1)], "failures: 1, recovery: 1h");
        let (found, record) = call(&mut world, request);
        assert_eq!((found, record.ups_st.as_ref()), (status, tries));
        let fault = if status == 200 { Fault::None } else { Fault::Backend };
        assert_eq!(record.fault, fault);
        let received: u64 =
            [&bad, &good].iter().flat_map(|backend| backend.seen()).map(|seen| seen.received).sum();
        assert_eq!(record.ups_req_len, received, "both tries are counted");
        assert_eq!(requests(&bad), 1);
        // From now on it is left out.
        for _ in 0..5 {
            let (status, record) = call(&mut world, request);
            assert_eq!((status, record.ups_st.as_ref()), (200, "200"));
        }
        assert_eq!(requests(&bad), 1);
    }
}

#[test]
fn a_node_that_recovers_is_used_again() {
    // It breaks its first two connections, and answers from then on.
    let shaky = Backend::start(|mut peer| {
        loop {
            peer.request()?;
            if peer.number < 2 {
                return Ok(());
            }
            peer.send(OK)?;
        }
    });
    let good = Backend::answering(OK);
    let mut world = world(&[(shaky.address, 1), (good.address, 1)], "failures: 1, recovery: 20ms");
    let mut tries = 0;
    while requests(&shaky) < 10 {
        tries += 1;
        assert!(tries < 10_000, "the node is never tried again");
        assert_eq!(call(&mut world, GET).0, 200, "no client notices");
    }
    assert_eq!(retries(&world), 2);
    world.stop(Duration::from_secs(5));
}

#[test]
fn when_all_nodes_are_dead_the_answer_says_so_and_they_are_still_tried() {
    let nobodies = [Nobody::new(), Nobody::new()];
    let nodes = [(nobodies[0].address, 1), (nobodies[1].address, 1)];
    let mut world = world(&nodes, "failures: 1, recovery: 1h");
    for _ in 0..3 {
        let (status, record) = call(&mut world, GET);
        assert_eq!((status, record.err_msg.as_ref()), (502, "Bad Gateway."));
        assert_eq!((record.fault, record.phase.as_ref()), (Fault::Backend, "connecting"));
        assert_eq!(record.upip.split(", ").count(), 2, "each once: {}", record.upip);
    }
}

#[test]
fn a_late_head_is_not_waited_for_twice() {
    let silent = Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    });
    let good = Backend::answering(OK);
    let mut world = world(&[(silent.address, 100), (good.address, 1)], "failures: 1, recovery: 1h");
    let (status, record) = call(&mut world, GET);
    assert_eq!((status, record.ups_st.as_ref()), (504, "504"));
    // But it is left out afterwards.
    let (status, record) = call(&mut world, GET);
    assert_eq!((status, record.ups_st.as_ref()), (200, "200"));
}

#[test]
fn nodes_may_have_names_and_none_may_be_where_no_backend_may() {
    let good = Backend::answering(OK);
    let port = good.address.port();
    for (node, status, text) in [
        (format!("0x7f000001:{port}"), 200, ""),
        ("no-such-host.invalid:80".to_owned(), 503, "Apigw balancer error"),
        ("169.254.169.254:80".to_owned(), 500, "Internal Server Error."),
        ("0xa9fea9fe:80".to_owned(), 403, "Endpoint IP address is not allowed."),
    ] {
        let mut world = World::serving(&format!(
            "- {{id: api-b, path: /b/, \
             backend: {{url: 'http://inner.test', nodes: [{{address: '{node}'}}]}}}}"
        ));
        let (found, record) = call(&mut world, GET);
        assert_eq!((found, record.err_msg.as_ref()), (status, text), "{node}");
    }
}
