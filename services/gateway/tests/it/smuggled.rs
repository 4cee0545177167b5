//! Request smuggling: a second request is hidden behind a first one, in every shape that some
//! server forgives and another does not.
//!
//! Each shape is sent over a raw socket, with a request behind it that the backend, a server that
//! forgives, would take for one of its own. The list stands in ARCHITECTURE.md too.

use std::time::Duration;

use record::Fault;

use crate::client::Client;
use crate::lenient::{self, Belief};
use crate::world::World;

use Belief::{BareCr, Chunks, LastLength, Length, NoBody};

/// What is hidden: 47 bytes, `2f` in hexadecimal.
const HIDDEN: &str = "GET /base/hidden HTTP/1.1\r\nHost: other.test\r\n\r\n";
const POST: &str = "POST /release/b/x HTTP/1.1\r\nHost: a.test\r\n";

/// Two lengths, or a length and chunks, or a length that is no number.
const LENGTHS: &[(Belief, &str)] = &[
    (Chunks, "Content-Length: 52\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked\r\nContent-Length: 52\r\n\r\n0\r\n\r\n"),
    (Length, "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2f\r\n"),
    (LastLength, "Content-Length: 47\r\nContent-Length: 0\r\n\r\n"),
    (Length, "Content-Length: 0\r\nContent-Length: 47\r\n\r\n"),
    (NoBody, "Content-Length: 47\r\nContent-Length: 47\r\n\r\n"),
    (NoBody, "Content-Length: 47\r\ncontent-length: 47\r\n\r\n"),
    (LastLength, "Content-Length: 47, 0\r\n\r\n"),
    (NoBody, "Content-Length: 47,47\r\n\r\n"),
    (NoBody, "Content-Length: +47\r\n\r\n"),
    (NoBody, "Content-Length: -47\r\n\r\n"),
    (NoBody, "Content-Length: 0x2f\r\n\r\n"),
    (NoBody, "Content-Length: 4 7\r\n\r\n"),
    (NoBody, "Content-Length: 47;\r\n\r\n"),
    (NoBody, "Content-Length: 47.0\r\n\r\n"),
    (NoBody, "Content-Length: \"47\"\r\n\r\n"),
    (NoBody, "Content-Length:\r\n\r\n"),
    (NoBody, "Content-Length: 18446744073709551663\r\n\r\n"),
    (NoBody, "Content-Length: 0000000000000000000047\r\n\r\n"),
    (NoBody, "Content-Length: 47\u{b}\r\n\r\n"),
];

/// Codings that one server reads as chunks, and another as none.
const CODINGS: &[(Belief, &str)] = &[
    (Chunks, "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
    (Length, "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: \0chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked\u{c}\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
    (Length, "Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n"),
];

/// Lines of a head that end, or begin, as they may not.
const LINES: &[(Belief, &str)] = &[
    (Chunks, " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n"),
    (Chunks, "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (Chunks, "Transfer-Encoding: chunked\n\r\n0\r\n\r\n"),
    (Chunks, "X: a\r\n\n"),
    (Chunks, "X: a\n\n"),
    (BareCr, "X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (BareCr, "X: a\r\rContent-Length: 0\r\n\r\n"),
    (Chunks, "X: a\r\r\n\r\n"),
    (Chunks, "X: a\0b\r\n\r\n"),
    (Chunks, ": a\r\n\r\n"),
    (Chunks, "X\r\n\r\n"),
    (Chunks, "X y: a\r\n\r\n"),
    (Chunks, "X\0: a\r\n\r\n"),
    (Chunks, "Host: b.test\r\n\r\n"),
    (Chunks, "host: a.test\r\n\r\n"),
];

/// Chunks that one server ends elsewhere than another.
const CHUNKS: &[&str] = &[
    "zz\r\n\r\n",
    "\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "5\t\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-1\r\n\r\n",
    "5,5\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\n\r\n",
    "0000000000000005\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhelloXX\n0\r\n\r\n",
    "3\r\nhello\r\n0\r\n\r\n",
    "5;x\nhello\r\n0\r\n\r\n",
    "5;\0\r\nhello\r\n0\r\n\r\n",
    "5;x\ry\r\nhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "0\n\r\n",
    "0\r\n\n",
    "0\r\nX: a\n\r\n",
    "0\r\nX: a\r\n b\r\n\r\n",
    "0\r\nX : a\r\n\r\n",
    "0\r\nX\r\n\r\n",
    "0\r\n: a\r\n\r\n",
    "0\r\nX: \0\r\n\r\n",
];

/// Request lines, with their `Host`.
const STARTS: &[&str] = &[
    "GET http://b.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET https://a.test:81/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET http://u@a.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET ftp://a.test/release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET  /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x  HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/1.1 \r\nHost: a.test\r\n\r\n",
    "GET /release/b/x\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/0.9\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/1.2\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/2.0\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x http/1.1\r\nHost: a.test\r\n\r\n",
    "GET\t/release/b/x\tHTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x#y HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x y HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "G,T /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/1.1\nHost: a.test\r\n\r\n",
    " GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "\r\n\r\nGET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET /release/b/x HTTP/1.1\r\n X: a\r\nHost: a.test\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "POST /release/b/x HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
];

fn shapes() -> Vec<(Belief, String)> {
    let heads = [LENGTHS, CODINGS, LINES].concat();
    let heads = heads.iter().map(|(belief, rest)| (*belief, format!("{POST}{rest}")));
    let long = [
        format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(257)),
        format!("0\r\nX: {}\r\n\r\n", "x".repeat(8193)),
    ];
    let chunks = CHUNKS
        .iter()
        .map(|rest| (*rest).to_owned())
        .chain(long)
        .map(|rest| (Chunks, format!("{POST}Transfer-Encoding: chunked\r\n\r\n{rest}")));
    let starts = STARTS.iter().map(|start| (Chunks, (*start).to_owned()));
    heads.chain(chunks).chain(starts).collect()
}

#[test]
fn no_request_gets_through_behind_another_one() {
    for belief in Belief::ALL {
        let (backend, asked) = lenient::backend(belief);
        let mut world = World::start(backend.address);
        let shapes: Vec<_> = shapes().into_iter().filter(|(whose, _)| *whose == belief).collect();
        assert!(!shapes.is_empty());
        for (_, shape) in &shapes {
            let request = format!("{shape}{HIDDEN}");
            let fooled = belief.targets(request.as_bytes());
            assert_eq!(fooled.last().map(String::as_str), Some("/base/hidden"), "{shape:?}");
            let mut client = Client::connect(world.address);
            client.send(&request);
            let answer = client.answer(false);
            let closed = answer.header("connection");
            assert_eq!((answer.status, closed), (400, Some("close")), "{shape:?}");
            assert_eq!(client.drain(), b"", "one answer and the end: {shape:?}");
            let record = world.record(answer.id());
            assert_eq!((record.rsp_st, record.ups_st.as_ref()), (400, ""), "{shape:?}");
            assert_eq!((record.fault, record.rsp_len), (Fault::Client, answer.bytes), "{shape:?}");
            assert!(record.req_len > 0 && record.req_len <= client.sent, "{shape:?}");
        }
        world.stop(Duration::from_secs(5));
        assert_eq!(world.finals().len(), shapes.len(), "one record each");
        assert_eq!(*asked.lock().expect("no test panics here"), [""; 0], "{belief:?}");
    }
}

/// The backend is one that would be fooled: it is, when the same bytes come to it as they are.
#[test]
fn the_backend_of_this_test_would_be_fooled() {
    let (backend, asked) = lenient::backend(Chunks);
    let mut client = Client::connect(backend.address);
    client.send(format!("{POST}{}{HIDDEN}", LENGTHS[0].1));
    assert_eq!((client.answer(false).body, client.answer(false).status), (b"fooled".into(), 200));
    let asked = asked.lock().expect("no test panics here").clone();
    assert_eq!(asked, ["/release/b/x", "/base/hidden"]);
}
