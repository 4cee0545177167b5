//! What passes between both sides beside a request and its answer: early heads, trailers, traces,
//! large heads; and the addresses that nothing passes to.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use record::Fault;

use crate::backend::Backend;
use crate::client::{Client, header};
use crate::world::{Plan, World, policy_of, service};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[test]
fn what_a_backend_says_early_comes_early() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: X\r\n\r\n";
    let sent = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n";
    for (early, expected) in [
        (hints.to_owned(), vec![sent]),
        (format!("{hints}{hints}"), vec![sent, sent]),
        (
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n{hints}"),
            vec!["HTTP/1.1 102 Processing\r\n\r\n", sent],
        ),
    ] {
        for piece in [usize::MAX, 1] {
            let (go, goes) = sync_channel::<()>(1);
            let (goes, early) = (Mutex::new(goes), early.clone());
            let backend = Backend::start(move |mut peer| {
                loop {
                    peer.request()?;
                    for bytes in early.as_bytes().chunks(piece.min(early.len())) {
                        peer.send(bytes)?;
                    }
                    // The answer follows when the client has what came before it.
                    goes.lock().expect("no test panics here").recv().expect("the test goes on");
                    peer.send(OK)?;
                }
            });
            let mut world = World::start(backend.address);
            let mut client = Client::connect(world.address);
            for _ in 0..2 {
                let sent = || backend.seen().iter().map(|seen| seen.sent).sum::<u64>();
                let before = (client.received, sent());
                client.send(GET);
                for head in &expected {
                    assert_eq!(&client.head().expect("an early head comes"), head);
                }
                go.send(()).expect("the backend waits");
                let answer = client.answer(false);
                assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
                let record = world.record(answer.id());
                assert_eq!((record.rsp_st, record.ups_st.as_ref()), (200, "200"));
                assert_eq!(record.rsp_len, client.received - before.0, "early heads are counted");
                assert_eq!(record.ups_rsp_len, sent() - before.1);
            }
        }
    }
}

#[test]
fn an_old_client_hears_nothing_early() {
    let backend = Backend::answering(
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    );
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(GET.replace("1.1", "1.0"));
    let head = client.head().expect("the answer comes");
    assert!(head.contains(" 200 OK\r\n"), "{head}");
    client.drain();
    assert_eq!(world.final_number(1).rsp_len, client.received);
}

/// A backend that tells all bytes of its first request, once they are `whole`.
fn telling(whole: fn(&str) -> bool) -> (Backend, Receiver<String>) {
    let (tell, told) = sync_channel(10);
    let backend = Backend::start(move |mut peer| {
        let mut text = String::new();
        while !whole(&text) {
            peer.more()?;
            text.push_str(&String::from_utf8_lossy(&peer.unread()));
        }
        tell.send(text).expect("the test waits");
        peer.send(OK)
    });
    (backend, told)
}

#[test]
fn trailers_of_a_request_reach_the_backend_but_for_forged_ones() {
    let whole = |text: &str| text.contains("\r\n0\r\n") && text.ends_with("\r\n\r\n");
    let (backend, told) = telling(whole);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let forged = "X-Real-IP: 9.9.9.9\r\nX_Forwarded_For: 9.9.9.9\r\nX-Api-RequestId: 9.9.9.9\r\n\
                  Authorization: 9.9.9.9\r\nContent-Type: 9.9.9.9\r\n";
    let answer = client.call(&format!(
        "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\
         Trailer: X-Sum, X-Real-IP, X_Forwarded_For, X-Api-RequestId\r\n\r\n\
         3\r\nabc\r\n0\r\nX-Sum: 6\r\n{forged}\r\n"
    ));
    let text = told.recv().expect("the backend was called").to_lowercase();
    assert!(text.ends_with("3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n"), "{text}");
    assert!(!text.contains("9.9.9.9"), "{text}");
    assert_eq!(answer.status, 200);
    let record = world.record(answer.id());
    assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
    assert_eq!(record.ups_req_len, text.len() as u64);
}

#[test]
fn trailers_of_an_answer_reach_a_client_that_takes_them() {
    let backend = Backend::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    let mut world = World::start(backend.address);
    for (request, expected) in
        [(GET.replace("\r\n\r\n", "\r\nTE: trailers\r\n\r\n"), true), (GET.to_owned(), false)]
    {
        let mut client = Client::connect(world.address);
        client.send(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        let head = client.head().expect("the answer comes");
        let body = String::from_utf8(client.drain()).expect("the body is text");
        assert_eq!(body.to_lowercase().contains("\r\nx-sum: 1\r\n\r\n"), expected, "{body}");
        let id = header(&head, "x-api-requestid").expect("every answer has its id").to_owned();
        assert_eq!(world.record(&id).rsp_len, client.received);
    }
}

#[test]
fn every_request_that_is_forwarded_has_a_trace() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    for (sent, kept) in [
        (format!("traceparent: {good}\r\ntracestate: a=b\r\n"), true),
        (format!("Traceparent: {good}\r\ntraceparent: {good}\r\ntracestate: a=b\r\n"), false),
        ("traceparent: 00-0-0-00\r\ntracestate: a=b\r\n".to_owned(), false),
        ("tracestate: a=b\r\n".to_owned(), false),
        (String::new(), false),
    ] {
        let (backend, told) = telling(|text| text.ends_with("\r\n\r\n"));
        let mut world = World::start(backend.address);
        let request = GET.replace("\r\n\r\n", &format!("\r\n{sent}\r\n"));
        let answer = Client::connect(world.address).call(&request);
        let head = told.recv().expect("the backend was called");
        let record = world.record(answer.id());
        let trace = header(&head, "traceparent").expect("every request has a trace");
        if kept {
            assert_eq!((trace, header(&head, "tracestate")), (good, Some("a=b")));
            assert_eq!(record.trace_id, &good[3..35]);
        } else {
            assert_eq!(&trace[3..35], answer.id(), "the request id is the trace id");
            assert_eq!(header(&head, "tracestate"), None, "{sent}");
            assert_eq!(record.trace_id, answer.id());
        }
        assert_eq!(head.to_lowercase().matches("\r\ntraceparent:").count(), 1, "{head}");
    }
}

#[test]
fn large_heads_of_answers_come_whole() {
    let long = format!("X-Long: {}\r\n", "v".repeat(60_000));
    let many = "X: y\r\n".repeat(98);
    for (headers, status) in
        [(long.clone(), 200), (many.clone(), 200), (many.repeat(2), 502), (long.repeat(2), 502)]
    {
        let answer: &str =
            format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{headers}\r\nhello").leak();
        let backend = Backend::answering(answer);
        let mut world = World::start(backend.address);
        let mut client = Client::connect(world.address);
        let got = client.call(GET);
        assert_eq!(got.status, status, "{} bytes of headers", headers.len());
        let record = world.record(got.id());
        assert_eq!((record.rsp_len, record.rsp_st), (client.received, status));
        assert_eq!(record.fault, if status == 200 { Fault::None } else { Fault::Backend });
        if status == 200 {
            assert!(got.head.len() >= headers.len());
        }
    }
}

#[test]
fn old_backends_are_understood() {
    for answer in [
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    ] {
        for version in ["1.1", "1.0"] {
            let backend = Backend::start(move |mut peer| {
                peer.request()?;
                peer.send(answer)
            });
            let mut world = World::start(backend.address);
            for _ in 0..2 {
                let mut client = Client::connect(world.address);
                let got = client.call(&GET.replace("1.1", version));
                assert_eq!((got.status, got.body.as_slice()), (200, &b"hello"[..]), "{answer}");
                let record = world.record(got.id());
                assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
                assert_eq!(record.ups_rsp_len, answer.len() as u64, "{answer} {version}");
            }
            world.stop(Duration::from_secs(5));
            assert_eq!(world.finals().len(), 2);
        }
    }
}

#[test]
fn nothing_is_forwarded_to_where_no_backend_may_be() {
    // A free port, which the gateway then takes.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let own = free.expect("a port is free");
    let backend = Backend::answering(OK);
    let (port, own_port) = (backend.address.port(), own.port());
    let named = "Endpoint IP address is not allowed.";
    let literal = "Internal Server Error.";
    for (backend, status, text) in [
        (r#"{url: "http://169.254.169.254/latest"}"#.to_owned(), 500, literal),
        (r#"{url: "http://[fe80::1]"}"#.to_owned(), 500, literal),
        (r#"{url: "http://[::ffff:169.254.169.254]"}"#.to_owned(), 500, literal),
        (format!(r#"{{url: "http://0.0.0.0:{port}"}}"#), 500, literal),
        (format!(r#"{{url: "http://{own}/release"}}"#), 500, literal),
        // A name for the system, though it looks like an address: 169.254.169.254.
        (r#"{url: "http://0xa9fea9fe"}"#.to_owned(), 403, named),
        (format!(r#"{{url: "http://0x7f000001:{own_port}"}}"#), 403, named),
        (format!(r#"{{url: "http://localhost:{port}", net: public}}"#), 403, named),
        (format!(r#"{{url: "http://127.0.0.1:{port}", net: public}}"#), 200, ""),
    ] {
        let mut plan = Plan::default();
        plan.config.listen = own;
        let apis = format!("- {{id: api-b, path: /b/, backend: {backend}}}");
        let mut world = World::with(plan, policy_of(&service(&apis)));
        let mut client = Client::connect(world.address);
        let answer = client.call(GET);
        assert_eq!(answer.status, status, "{backend}");
        let record = world.record(answer.id());
        assert_eq!((record.rsp_st, record.err_msg.as_ref()), (status, text), "{backend}");
        assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
        if status != 200 {
            let fault = if status == 403 { Fault::Client } else { Fault::Gateway };
            assert_eq!((record.fault, record.phase.as_ref()), (fault, "resolving"));
            assert_eq!((record.ups_st.as_ref(), record.upip.as_ref()), ("", ""), "{backend}");
        }
        world.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_body_comes_back_while_it_is_sent() {
    const PIECES: usize = 3000;
    let backend = Backend::start(|mut peer| {
        let head = peer.head()?;
        let framing = head.lines().find(|line| {
            line.starts_with("content-length") || line.starts_with("transfer-encoding")
        });
        let framing = framing.unwrap_or_default();
        peer.send(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{framing}\r\n\r\n"))?;
        loop {
            let bytes = peer.unread();
            peer.send(bytes)?;
            peer.more()?;
        }
    });
    let mut world = World::start(backend.address);
    // From one byte to more than a read or a write takes.
    let piece = |number: usize| vec![b'a' + (number % 26) as u8; 1 + number * number * 7 % 9001];
    let body: Vec<u8> = (0..PIECES).flat_map(piece).collect();
    let length = format!("Content-Length: {}", body.len());
    for (framing, chunked) in [(length.as_str(), false), ("Transfer-Encoding: chunked", true)] {
        let mut client = Client::connect(world.address);
        client.send(format!("PUT /release/b/x HTTP/1.1\r\nHost: a.test\r\n{framing}\r\n\r\n"));
        let mut sending = client.socket.try_clone().expect("a descriptor is free");
        let patience = Some(Duration::from_secs(20));
        sending.set_write_timeout(patience).expect("a timeout can be set");
        let answer = std::thread::scope(|scope| {
            scope.spawn(move || {
                for piece in (0..PIECES).map(piece) {
                    let length = piece.len();
                    let text = if chunked {
                        [format!("{length:x}\r\n").as_bytes(), &piece, b"\r\n"].concat()
                    } else {
                        piece
                    };
                    sending.write_all(&text).expect("the gateway takes it");
                }
                let end: &[u8] = if chunked { b"0\r\n\r\n" } else { b"" };
                sending.write_all(end).expect("the gateway takes it");
            });
            client.answer(false)
        });
        assert_eq!(answer.status, 200);
        assert!(answer.body == body, "{} bytes of {}", answer.body.len(), body.len());
        assert_eq!(world.record(answer.id()).ups_st, "200");
    }
}
