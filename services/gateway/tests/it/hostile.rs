//! Shapes that proxies get wrong: what is forwarded, what is believed, who has left.

use std::io::Write;
use std::net::Shutdown;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use record::{Fault, Record};

use crate::backend::Backend;
use crate::client::{Answer, Client, header};
use crate::world::{Plan, World, policy, policy_of, service};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// The head and the body that the backend gets for `request`.
fn forwarded(request: &str) -> (String, Vec<u8>, Answer, Record<'static>) {
    let (heads, got) = sync_channel(1);
    let backend = Backend::start(move |mut peer| {
        heads.send(peer.request()?).expect("the test waits");
        peer.send(OK)
    });
    let mut world = World::start(backend.address);
    let answer = Client::connect(world.address).call(request);
    let (head, body) = got.recv().expect("the backend was called");
    let record = world.record(answer.id());
    (head, body, answer, record)
}

/// The answer that a client gets when the backend answers `answer` to `request`.
fn answered(answer: &'static str, request: &str) -> (Answer, Record<'static>) {
    let backend = Backend::answering(answer);
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer = client.call(request);
    let record = world.record(answer.id());
    assert_eq!(record.rsp_len, answer.bytes);
    (answer, record)
}

#[test]
fn a_client_that_leaves_right_after_its_head_has_a_whole_record() {
    let (asks, asked) = sync_channel(1);
    let (answer, answers) = sync_channel(1);
    let answers = Mutex::new(answers);
    let backend = Backend::start(move |mut peer| {
        loop {
            let (head, _) = peer.request()?;
            if head.starts_with("GET /hold") {
                asks.send(()).expect("the test waits");
                answers.lock().expect("no test panics here").recv().expect("the test answers");
                peer.send(OK)?;
            }
        }
    });
    let apis = format!(
        r#"
- {{id: api-k, path: /k, auth: key-pair, backend: {{url: "http://{0}"}}}}
- {{id: api-hold, path: /hold, backend: {{url: "http://{0}/hold"}}}}
"#,
        backend.address
    );
    let keys = r#"
keys:
  - {secret_id: AKID, secret: secret, account: "2002", order: o-1, services: [service-a]}
"#;
    let head = "GET /release/k HTTP/1.1\r\nHost: a.test\r\nDate: Thu, 22 Jun 2017 17:15:21 GMT\r\n\
                Authorization: hmac id=\"AKID\", algorithm=\"hmac-sha1\", headers=\"date\", \
                signature=\"0zyJChtfdg5o1LvSOiJE7tQukjw=\"\r\n\r\n";
    let mut world = World::with(Plan::default(), policy_of(&(service(&apis) + keys)));
    let mut client = Client::connect(world.address);
    client.send("GET /release/hold HTTP/1.1\r\nHost: a.test\r\n\r\n");
    asked.recv().expect("the backend is asked");
    // The gateway has all of the next request, and knows that the client left, before it looks
    // at it.
    client.send(head);
    client.socket.shutdown(Shutdown::Write).expect("the gateway is there");
    answer.send(()).expect("the backend waits");
    assert_eq!(client.answer(false).status, 200);
    let record = world.final_number(2);
    assert_eq!((record.rsp_st, record.fault), (499, Fault::Client));
    assert_eq!((record.method.as_ref(), record.uri.as_ref()), ("GET", "/release/k"));
    assert_eq!((record.api_id.as_ref(), record.account.as_ref()), ("api-k", "1001"));
    assert_eq!((record.caller.as_ref(), record.order_id.as_ref()), ("2002", "o-1"));
}

#[test]
fn a_reset_is_noticed_behind_a_pipelined_request() {
    let backend = Backend::start(|mut peer| {
        peer.drain();
        Ok(())
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    client.send(GET.repeat(2));
    backend.until(|seen| seen.iter().any(|seen| seen.received > 0));
    let socket = socket2::SockRef::from(&client.socket);
    socket.set_linger(Some(Duration::ZERO)).expect("an option can be set");
    drop(client);
    // Well before the backend is late.
    let record = world.final_number(1);
    assert_eq!((record.rsp_st, record.ups_st.as_ref(), record.fault), (499, "", Fault::Client));
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn an_answer_with_two_lengths_is_not_cut() {
    let te_cl = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let (answer, _) = answered(te_cl, GET);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
    let te_cl = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let (answer, _) = answered(te_cl, GET);
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
}

#[test]
fn an_answer_with_its_length_twice_has_it_once() {
    for head in ["Content-Length: 5, 5", "Content-Length: 5\r\nContent-Length: 5"] {
        let text: &str = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nhello").leak();
        let (answer, _) = answered(text, GET);
        assert_eq!(
            (answer.header("content-length"), answer.body.as_slice()),
            (Some("5"), &b"hello"[..])
        );
        let text: &str = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").leak();
        let (answer, _) = answered(text, &GET.replace("GET", "HEAD"));
        assert_eq!(answer.header("content-length"), Some("5"), "{head}");
    }
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n";
    let (answer, _) = answered(text, GET);
    assert_eq!(answer.header("content-length"), Some("0"));
}

#[test]
fn an_answer_in_a_coding_that_is_lost_on_the_way_is_refused() {
    for coding in ["gzip", "gzip, chunked", "chunked, chunked"] {
        let text: &str = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        )
        .leak();
        let (answer, record) = answered(text, GET);
        assert_eq!((answer.status, record.ups_st.as_ref()), (502, "200"), "{coding}");
        assert_eq!(record.fault, Fault::Backend, "{coding}");
    }
}

#[test]
fn a_name_that_hyper_does_not_take_is_refused_before() {
    let mut plan = Plan::default();
    plan.config.limits.head = 1 << 20;
    let mut world = World::with(plan, policy(Backend::answering(OK).address));
    for (length, status) in [(65_535, 200), (65_536, 431)] {
        let mut client = Client::connect(world.address);
        let name = "a".repeat(length);
        let request = format!("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n{name}: b\r\n\r\n");
        let answer = client.call(&request);
        assert_eq!(answer.status, status, "{length}");
        assert_eq!(world.record(answer.id()).rsp_st, status);
    }
}

#[test]
fn every_way_to_give_a_length_wrong_in_an_answer_is_a_bad_gateway() {
    for head in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: 18446744073709551615",
        "Content-Length: 0x5",
    ] {
        let text: &str = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nhello").leak();
        let (answer, record) = answered(text, GET);
        assert_eq!((answer.status, record.ups_st.as_ref()), (502, "502"), "{head}");
        assert_eq!((record.fault, record.phase.as_ref()), (Fault::Backend, "waiting"), "{head}");
    }
}

#[test]
fn a_get_with_chunks_is_forwarded_with_them() {
    for method in ["GET", "HEAD", "DELETE"] {
        let (head, body, _, record) = forwarded(&format!(
            "{method} /release/b/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ));
        assert_eq!(header(&head, "transfer-encoding"), Some("chunked"), "{method}");
        assert_eq!(body, b"abc", "{method}");
        assert_eq!(record.rsp_st, 200);
    }
}

#[test]
fn a_client_that_still_sends_can_read_its_answer() {
    let mut world = World::start(Backend::answering(OK).address);
    let mut client = Client::connect(world.address);
    let head = "POST /release/none HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n";
    let answer = client.call(head);
    assert_eq!(answer.status, 404);
    world.record(answer.id());
    assert_eq!(client.drain(), b"", "the gateway has closed its side");
    for _ in 0..100 {
        client.socket.write_all(&[b'a'; 10_000]).expect("the gateway still listens");
    }
    drop(client);
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 1);
}

#[test]
fn what_a_body_looks_like_is_no_request() {
    let early = Backend::start(|mut peer| {
        peer.head()?;
        peer.send(OK)?;
        peer.drain();
        Ok(())
    });
    let inner = "GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n";
    for path in ["none", "mock", "b/x"] {
        for rest in ["Content-Length: 5000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1388\r\n"] {
            let mut world = World::start(early.address);
            for _ in 0..20 {
                let mut client = Client::connect(world.address);
                client.send(format!(
                    "POST /release/{path} HTTP/1.1\r\nHost: a.test\r\n{rest}{inner}"
                ));
                let answer = client.answer(false);
                assert_eq!(answer.header("connection"), Some("close"));
                // The gateway may close as soon as it has answered.
                let _closed = client.socket.write_all(inner.as_bytes());
                assert_eq!(client.drain(), b"");
            }
            world.stop(Duration::from_secs(5));
            assert_eq!(world.finals().len(), 20, "{path} {rest}: {:#?}", world.finals());
        }
    }
}

#[test]
fn a_head_that_trickles_is_late_all_the_same() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        peer.send("HTTP/1.1 200 OK\r\n")?;
        for _ in 0..20 {
            // Nothing comes: it only waits.
            if peer.more().is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) {
                return Ok(());
            }
            peer.send("X: y\r\n")?;
        }
        peer.send("Content-Length: 0\r\n\r\n")
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer = client.call("GET /release/fast/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(answer.status, 504);
    assert_eq!(world.record(answer.id()).ups_st, "504");
}

#[test]
fn an_absolute_target_without_host_names_its_host() {
    let request = "GET http://a.test/release/b/x HTTP/1.1\r\nX-Forwarded-Host: forged\r\n\r\n";
    let (head, _, _, record) = forwarded(request);
    assert_eq!(header(&head, "x-forwarded-host"), Some("a.test"));
    assert_eq!(record.host, "a.test");
    let request = "GET http://u:p@a.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let mut world = World::start(Backend::answering(OK).address);
    let answer = Client::connect(world.address).call(request);
    assert_eq!(answer.status, 400);
    let record = world.record(answer.id());
    assert!(!record.uri.contains("u:p"), "{}", record.uri);
}

#[test]
fn secrets_of_a_referer_stay_out_of_the_record() {
    let request = GET.replace(
        "\r\n\r\n",
        "\r\nReferer: https://u:p@b.test/x?access_token=zz&y=1#id_token=ww\r\n\r\n",
    );
    let (head, _, _, record) = forwarded(&request);
    assert!(header(&head, "referer").is_some_and(|referer| referer.contains("zz")));
    assert!(!record.referer.contains("zz") && !record.referer.contains("ww"), "{}", record.referer);
    assert!(!record.referer.contains("u:p"), "{}", record.referer);
    assert!(record.referer.starts_with("https://b.test/x?"), "{}", record.referer);
    assert!(record.referer.contains("y=1"));
}

#[test]
fn names_that_look_like_the_gateways_own_are_not_believed() {
    let request = GET.replace(
        "\r\n\r\n",
        "\r\nX_Real_IP: 9.9.9.9\r\nX_Forwarded_For: 9.9.9.9\r\nContent_Length: 7\r\nMy_Own: 1\r\n\r\n",
    );
    let (head, _, _, _) = forwarded(&request);
    assert_eq!(header(&head, "x_real_ip"), None);
    assert_eq!(header(&head, "x_forwarded_for"), None);
    assert_eq!(header(&head, "content_length"), None);
    assert_eq!(header(&head, "my_own"), Some("1"));
}

#[test]
fn an_upgrade_is_a_plain_request_and_the_connection_goes_on() {
    let mut world = World::start(Backend::answering(OK).address);
    let mut client = Client::connect(world.address);
    let upgrade = GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    for (request, status) in [
        (upgrade.as_str(), 200),
        (GET, 200),
        ("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n", 404),
        (upgrade.as_str(), 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 404),
        ("GET /release/b/x HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n", 200),
        (GET, 200),
    ] {
        let sent = client.sent;
        let answer = client.call(request);
        assert_eq!(answer.status, status, "{request}");
        let record = world.record(answer.id());
        assert_eq!((record.req_len, record.rsp_len), (client.sent - sent, answer.bytes));
    }
}

#[test]
fn what_follows_an_answer_is_no_answer() {
    for first in [
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 299 Poison\r\nContent-Length: 0\r\n\r\n",
    ] {
        let backend = Backend::start(move |mut peer| {
            loop {
                let (head, _) = peer.request()?;
                peer.send(if head.contains("/1 ") { first } else { OK })?;
            }
        });
        let mut world = World::start(backend.address);
        let mut client = Client::connect(world.address);
        for _ in 0..20 {
            let answer = client.call(&GET.replace("/x ", "/1 "));
            assert!([200, 204, 304].contains(&answer.status), "{first:?}: {}", answer.status);
            let answer = client.call(GET);
            assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]), "{first:?}");
            world.record(answer.id());
        }
    }
}

#[test]
fn trailers_pass_and_are_counted() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    let (answer, _) = answered(text, &GET.replace("\r\n\r\n", "\r\nTE: trailers\r\n\r\n"));
    assert_eq!(answer.body, b"hello");
    let (answer, _) = answered(text, GET);
    assert_eq!(answer.body, b"hello");
    let (answer, _) = answered(text, &GET.replace("1.1", "1.0"));
    assert_eq!(answer.body, b"hello");
    let (answer, _) = answered(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        &GET.replace("GET", "HEAD"),
    );
    assert_eq!(answer.body, b"");
    let mut world = World::start(Backend::answering(text).address);
    let mut client = Client::connect(world.address);
    for _ in 0..3 {
        let answer = client.call(GET);
        assert_eq!(world.record(answer.id()).rsp_len, answer.bytes);
    }
    world.stop(Duration::from_secs(5));
}
