//! Clients behind balancers and proxies: the record names the client, and only trusted ones are
//! believed.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use gateway::metrics::Count;
use gateway::{Networks, ProxyProtocol};
use record::Net;

use crate::backend::Backend;
use crate::client::{Client, header};
use crate::world::{Plan, World, policy, policy_of};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\nX-Real-IP: 7.7.7.7\r\n\r\n";
/// The header of version 2, from 8.8.4.4:4660 to 5.6.7.8:443.
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x08\x08\x04\x04\x05\x06\x07\x08\x12\x34\x01\xbb";

/// The balancer does not know its client; it has none, and only looks whether the gateway is well.
const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn behind_a_balancer() -> Plan {
    let mut plan = Plan::default();
    plan.config.proxy_protocol = ProxyProtocol::Required;
    plan
}

/// Both: the balancer speaks for a proxy.
fn trusting() -> Plan {
    let mut plan = behind_a_proxy();
    plan.config.proxy_protocol = ProxyProtocol::Required;
    plan
}

fn behind_a_proxy() -> Plan {
    let mut plan = Plan::default();
    let trusted = ["127.0.0.0/8", "10.0.0.0/8"].map(|text| text.parse().expect("a network"));
    plan.config.trusted_proxies = Networks::new(trusted.to_vec());
    plan
}

/// A backend that tells the heads that it gets.
fn telling() -> (Backend, Receiver<String>) {
    let (heads, got) = sync_channel(100);
    let backend = Backend::start(move |mut peer| {
        loop {
            let (head, _) = peer.request()?;
            heads.send(head).expect("the test waits");
            peer.send(OK)?;
        }
    });
    (backend, got)
}

fn refused(world: &World) -> u64 {
    let running = world.running.as_ref().expect("the world runs");
    running.counters().iter().map(|counts| counts.get(Count::ProxyRefused)).sum()
}

#[test]
fn the_client_is_whom_the_balancer_names() {
    let v1 = "PROXY TCP4 9.9.9.9 5.6.7.8 4660 443\r\n";
    for (preface, ip, vip, net) in [
        (v1.as_bytes(), "9.9.9.9", "5.6.7.8", Net::Public),
        (V2, "8.8.4.4", "5.6.7.8", Net::Public),
        // Whoever is not known is not free.
        (UNKNOWN, "", "127.0.0.1", Net::Public),
        (LOCAL, "", "127.0.0.1", Net::Public),
    ] {
        let (backend, heads) = telling();
        let mut world = World::with(behind_a_balancer(), policy(backend.address));
        // In one piece with the request, and byte by byte.
        for piece in [usize::MAX, 1] {
            let mut client = Client::connect(world.address);
            let bytes = [preface, GET.as_bytes()].concat();
            bytes.chunks(piece.min(bytes.len())).for_each(|bytes| client.send(bytes));
            let answer = client.answer(false);
            assert_eq!(answer.status, 200);
            let record = world.record(answer.id());
            assert_eq!((record.ip.as_ref(), record.vip.as_ref(), record.net), (ip, vip, net));
            assert_eq!(record.req_len, GET.len() as u64, "the preface is no part of a request");
            assert_eq!(record.rsp_len, client.received);
            let head = heads.recv().expect("the backend was called");
            // The balancer is the hop before the gateway, but it is not the client.
            let (hop, real) = if ip.is_empty() { ("127.0.0.1", None) } else { (ip, Some(ip)) };
            assert_eq!(header(&head, "x-forwarded-for"), Some(hop));
            assert_eq!(header(&head, "x-real-ip"), real);
            // It is the same for all requests of the connection.
            let answer = client.call(GET);
            assert_eq!(world.record(answer.id()).ip, ip);
            heads.recv().expect("the backend was called");
        }
        world.stop(Duration::from_secs(5));
        assert_eq!(world.finals().len(), 4);
    }
}

#[test]
fn a_client_that_is_not_named_is_refused_only_where_addresses_count() {
    let lists = "\
        services:\n\
        - id: service-a\n  account: \"1001\"\n  hosts: [a.test]\n  apis:\n\
       \x20 - {id: api-open, path: /open, backend: {mock: {}}}\n\
       \x20 - {id: api-deny, path: /deny, addresses: {deny: [9.9.9.9]}, backend: {mock: {}}}\n\
       \x20 - {id: api-allow, path: /allow, addresses: {allow: [127.0.0.1]}, backend: {mock: {}}}\n\
        - id: service-b\n  account: \"1001\"\n  hosts: [b.test]\n\
       \x20 addresses: {deny: [9.9.9.9]}\n\
       \x20 apis: [{id: api-b, path: /, backend: {mock: {}}}]\n";
    let text = "Cannot identify the client IP address, unix domain sockets are not supported.";
    let (unknown, other) = ("", "X-Forwarded-For: 8.8.4.4\r\n");
    let named_too: &[u8] = b"PROXY TCP4 10.0.0.7 5.6.7.8 4660 443\r\n";
    for (plan, prefaces, named, ip, deny, allow) in [
        (behind_a_balancer(), [UNKNOWN, LOCAL], unknown, "", 403, 403),
        (behind_a_balancer(), [UNKNOWN, LOCAL], other, "", 403, 403),
        // Who speaks for nobody passes on what the client wrote, trusted or not.
        (trusting(), [UNKNOWN, LOCAL], other, "", 403, 403),
        (trusting(), [named_too, named_too], other, "8.8.4.4", 200, 403),
    ] {
        let mut world = World::with(plan, policy_of(lists));
        for preface in prefaces {
            let mut client = Client::connect(world.address);
            client.send(preface);
            for (host, path, status) in
                [("a", "open", 200), ("a", "deny", deny), ("a", "allow", allow), ("b", "x", deny)]
            {
                let answer = client.call(&format!(
                    "GET /release/{path} HTTP/1.1\r\nHost: {host}.test\r\n{named}\r\n"
                ));
                assert_eq!(answer.status, status, "{host} {path} {named}");
                let record = world.record(answer.id());
                assert_eq!((record.rsp_st, record.ip.as_ref()), (status, ip), "{host} {path}");
                let unknown = status == 403 && ip.is_empty();
                assert_eq!(record.err_msg == text, unknown, "{host} {path}: {}", record.err_msg);
            }
        }
    }
}

#[test]
fn headers_are_not_believed_of_a_balancer_that_names_nobody() {
    let told = "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test";
    let request = GET.replace("\r\n\r\n", &format!("\r\n{told}\r\n\r\n"));
    let (backend, heads) = telling();
    let mut world = World::with(trusting(), policy(backend.address));
    for preface in [UNKNOWN, LOCAL] {
        let mut client = Client::connect(world.address);
        client.send(preface);
        let answer = client.call(&request);
        let head = heads.recv().expect("the backend was called");
        assert_eq!(header(&head, "x-forwarded-for"), Some("10.0.0.9, 127.0.0.1"));
        assert_eq!(header(&head, "x-forwarded-proto"), Some("http"));
        assert_eq!(header(&head, "x-forwarded-host"), Some("a.test"));
        assert_eq!(header(&head, "x-real-ip"), None);
        let record = world.record(answer.id());
        let got = (record.ip.as_ref(), record.scheme.as_ref(), record.net);
        assert_eq!(got, ("", "http", Net::Public));
    }
}

#[test]
fn a_connection_without_a_good_preface_is_closed_and_counted() {
    let mut plan = behind_a_balancer();
    plan.config.timeouts.head = Duration::from_millis(50);
    let backend = Backend::answering(OK);
    let mut world = World::with(plan, policy(backend.address));
    let half = format!("PROXY TCP4 9.9.9.9 5.6.7.8 4660 {GET}");
    // The last two are never whole.
    for bytes in [GET, &half, "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP4", "\r\n\r\n\0"] {
        let before = refused(&world);
        let mut client = Client::connect(world.address);
        client.send(bytes);
        assert_eq!(client.drain(), b"", "{bytes:?}");
        assert_eq!(refused(&world), before + 1, "{bytes:?}");
    }
    // Nor does one that says nothing at all stay.
    assert_eq!(Client::connect(world.address).drain(), b"");
    assert_eq!(refused(&world), 5);
    world.stop(Duration::from_secs(5));
    assert_eq!((world.finals().len(), backend.seen().len()), (0, 0), "no request, no record");
}

#[test]
fn a_preface_is_no_request_where_none_is_expected() {
    let mut world = World::start(Backend::answering(OK).address);
    let mut client = Client::connect(world.address);
    let answer = client.call(&format!("PROXY TCP4 9.9.9.9 5.6.7.8 4660 443\r\n{GET}"));
    assert_eq!((answer.status, answer.header("connection")), (400, Some("close")));
    assert_eq!(world.record(answer.id()).ip, "127.0.0.1");
}

#[test]
fn a_trusted_proxy_names_the_client() {
    let with = |headers: &str| GET.replace("\r\n\r\n", &format!("\r\n{headers}\r\n\r\n"));
    let proto = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test";
    for (plan, headers, ip, forwarded, scheme, host) in [
        (
            behind_a_proxy(),
            format!("X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.2\r\n{proto}"),
            "9.9.9.9",
            "6.6.6.6, 9.9.9.9, 10.0.0.2, 127.0.0.1",
            "https",
            "b.test",
        ),
        (behind_a_proxy(), "X: y".into(), "127.0.0.1", "127.0.0.1", "http", "a.test"),
        (
            Plan::default(),
            format!("X-Forwarded-For: 9.9.9.9\r\n{proto}"),
            "127.0.0.1",
            "9.9.9.9, 127.0.0.1",
            "http",
            "a.test",
        ),
    ] {
        let (backend, heads) = telling();
        let mut world = World::with(plan, policy(backend.address));
        let answer = Client::connect(world.address).call(&with(&headers));
        let head = heads.recv().expect("the backend was called");
        assert_eq!(header(&head, "x-forwarded-for"), Some(forwarded));
        assert_eq!((header(&head, "x-real-ip"), header(&head, "host").is_some()), (Some(ip), true));
        assert_eq!(header(&head, "x-forwarded-proto"), Some(scheme));
        assert_eq!(header(&head, "x-forwarded-host"), Some(host));
        let record = world.record(answer.id());
        assert_eq!((record.ip.as_ref(), record.scheme.as_ref()), (ip, scheme));
        let net = if ip == "127.0.0.1" { Net::Private } else { Net::Public };
        assert_eq!(record.net, net, "traffic of a client behind a proxy is not free");
    }
}
