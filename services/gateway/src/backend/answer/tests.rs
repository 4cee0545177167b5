//! What is made of an answer, beside what hyper's client makes of the same bytes.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper::rt::{Read, ReadBufCursor, Write};
use proptest::prelude::*;
use tokio::runtime::Builder;

use super::*;

const LIMITS: AnswerLimits = AnswerLimits { head: 8192, headers: 100 };

/// What was understood of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Understood {
    /// No head.
    Nothing,
    /// A head, but not all of what it announced.
    Cut {
        status: u16,
        headers: HeaderMap,
    },
    Whole(Box<Whole>),
}

#[derive(Debug, PartialEq, Eq)]
struct Whole {
    status: u16,
    reason: Option<Vec<u8>>,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

/// What we make of bytes that come in pieces, and then end; and how many were left over.
fn ours(bytes: &[u8], piece: usize, method: &Method) -> (Understood, usize) {
    let mut pieces = bytes.chunks(piece).map(Bytes::copy_from_slice).collect::<VecDeque<_>>();
    let mut input = Bytes::new();
    let mut more = |input: &mut Bytes| {
        let next = pieces.pop_front();
        let joined = [&input[..], next.as_deref().unwrap_or_default()].concat();
        *input = joined.into();
        next.is_some()
    };
    let answer = loop {
        match take_head(&mut input, method, LIMITS, &mut HeaderMap::new()) {
            Err(Malformed) => return (Understood::Nothing, 0),
            Ok(Some(Begun::Answer(answer))) => break answer,
            Ok(Some(Begun::Early(_))) => {}
            Ok(None) if more(&mut input) => {}
            Ok(None) => return (Understood::Nothing, 0),
        }
    };
    let Final { head, mut rest, .. } = answer;
    let (mut body, mut trailers) = (Vec::new(), None);
    loop {
        match rest.take(&mut input) {
            Ok(Some(frame)) => match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Ok(None) if rest.is_done() => break,
            Ok(None) if more(&mut input) || rest.close().is_ok() => {}
            Ok(None) | Err(Malformed) => {
                let (status, headers) = (head.status.as_u16(), head.headers);
                return (Understood::Cut { status, headers }, 0);
            }
        }
    }
    while more(&mut input) {}
    (understood(head, body, trailers), input.len())
}

fn understood(mut head: response::Parts, body: Vec<u8>, trailers: Option<HeaderMap>) -> Understood {
    let reason = head.extensions.remove::<ReasonPhrase>();
    Understood::Whole(Box::new(Whole {
        status: head.status.as_u16(),
        reason: reason.map(|reason| reason.as_bytes().to_vec()),
        headers: head.headers,
        body,
        trailers,
    }))
}

/// What hyper's client makes of them.
fn hypers(bytes: &[u8], piece: usize, method: &Method) -> Understood {
    let runtime = Builder::new_current_thread().build().expect("a runtime starts");
    runtime.block_on(async {
        let pieces = bytes.chunks(piece).map(<[u8]>::to_vec).collect();
        let handshake = http1::Builder::new().max_buf_size(8192).handshake(Played {
            pieces,
            asked: false,
            waker: None,
        });
        let (mut sender, connection) = handshake.await.expect("nothing is said yet");
        let asked = Request::builder().method(method).uri("/").body(Empty::<Bytes>::new());
        let answering = sender.send_request(asked.expect("a good request"));
        let reading = async {
            let Ok(response) = answering.await else { return Understood::Nothing };
            let (head, body) = response.into_parts();
            match body.collect().await {
                Ok(collected) => {
                    let trailers = collected.trailers().cloned();
                    understood(head, collected.to_bytes().to_vec(), trailers)
                }
                Err(_) => Understood::Cut { status: head.status.as_u16(), headers: head.headers },
            }
        };
        let (understood, _ended) = tokio::join!(reading, connection);
        understood
    })
}

/// A connection whose other end says what was written for it.
struct Played {
    pieces: VecDeque<Vec<u8>>,
    /// It speaks only when it was spoken to.
    asked: bool,
    waker: Option<Waker>,
}

impl Read for Played {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.asked {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(mut piece) = self.pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(cursor.remaining()));
            cursor.put_slice(&piece);
            if !rest.is_empty() {
                self.pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for Played {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked = true;
        self.waker.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn compare(text: &[u8], method: &Method) {
    let (whole, _) = ours(text, usize::MAX, method);
    for piece in [1, 7] {
        assert_eq!(ours(text, piece, method).0, whole, "in pieces of {piece}");
    }
    assert_eq!(whole, hypers(text, usize::MAX, method), "{}", text.escape_ascii());
}

#[test]
fn answers_are_understood_as_hyper_understands_them() {
    let one = |text: &str| compare(text.as_bytes(), &Method::GET);
    for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 299 Odd reason\r\n", "HTTP/1.1 404\r\n"] {
        for lines in [
            "",
            "Content-Length: 5\r\n",
            "content-length: 0\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: \r\n",
            "Content-Length: 18446744073709551616\r\n",
            "Content-Length: 18446744073709551615\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, Chunked\r\n",
            "Transfer-Encoding: chunked, gzip\r\n",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Transfer-Encoding: \u{e9}, chunked\r\n",
            "X: \u{e9}\r\nY:\r\nx:  2 \r\n",
            "Bad Name: x\r\n",
            " folded\r\n",
        ] {
            for body in [
                "",
                "hello",
                "hello, and more",
                "hel",
                "5\r\nhello\r\n0\r\n\r\n",
                "5 ;a=b\r\nhello\r\n0\r\nTrailer: x\r\nOther:y\r\n\r\n",
                "5\t\r\nhello\r\n0\r\n\r\nnext",
                "0\r\n\r\n",
                "A\r\nhellohello\r\n1\r\nx\r\n00\r\n\r\n",
                "5\r\nhello\r\n",
                "5\r\nhelloXX0\r\n\r\n",
                "g\r\n",
                "\r\n",
                "5;\n\r\nhello\r\n0\r\n\r\n",
                "0\r\nbad trailer\r\n\r\n",
                "0\r\na: b\nc: d\r\n\r\n",
                "0\r\na: b\n\nc: d\r\n\r\n",
                "0\r\n: x\r\n\r\n",
                "FFFFFFFFFFFFFFFFF\r\n",
            ] {
                one(&format!("{head}{lines}\r\n{body}"));
            }
        }
    }
}

#[test]
fn what_has_no_body_and_what_comes_before_is_understood() {
    for (text, method) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::HEAD),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Method::GET),
        ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", Method::GET),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", Method::PUT),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest", Method::GET),
        ("HTTP/1.1 103 Early Hints\r\n", Method::GET),
        ("HTTP/1.1 099 Low\r\n\r\n", Method::GET),
        ("HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n", Method::GET),
        ("HTTP/2.0 200 OK\r\n\r\n", Method::GET),
        ("HTTP/1.1 200 OK\nContent-Length: 1\n\na", Method::GET),
        ("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", Method::GET),
        ("not http", Method::GET),
        ("", Method::GET),
    ] {
        compare(text.as_bytes(), &method);
    }
}

#[test]
fn what_follows_an_answer_is_left_over() {
    for (text, left) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", 4),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", 1),
        ("HTTP/1.1 204 No\r\n\r\nabc", 3),
        ("HTTP/1.1 200 OK\r\n\r\nabc", 0),
    ] {
        for piece in [1, 3, usize::MAX] {
            assert_eq!(ours(text.as_bytes(), piece, &Method::GET).1, left, "{text:?} by {piece}");
        }
    }
}

#[test]
fn only_what_says_so_keeps_the_connection() {
    for (text, keeps) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nConnection: keep-alive\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n", false),
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n", false),
    ] {
        let mut input = Bytes::from(text);
        let begun = take_head(&mut input, &Method::GET, LIMITS, &mut HeaderMap::new());
        let Ok(Some(Begun::Answer(answer))) = begun else { panic!("{text:?} is a head") };
        assert_eq!(answer.keep_alive, keeps, "{text:?}");
    }
}

#[test]
fn a_head_has_limits() {
    let limits = AnswerLimits { head: 100, headers: 3 };
    let take = |text: &str| {
        let mut input = Bytes::copy_from_slice(text.as_bytes());
        take_head(&mut input, &Method::GET, limits, &mut HeaderMap::new())
            .map(|begun| begun.is_some())
    };
    let head = |length: usize| format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(length - 24));
    assert_eq!((head(100).len(), take(&head(100))), (100, Ok(true)));
    assert_eq!(take(&head(101)), Err(Malformed));
    assert_eq!(take(&head(200)[..99]), Ok(false));
    assert_eq!(take(&head(200)[..100]), Err(Malformed));
    assert_eq!(take(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(3))), Ok(true));
    assert_eq!(take(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(4))), Err(Malformed));
}

#[test]
fn headers_above_the_usual_number_are_taken_too() {
    let limits = AnswerLimits { head: 1 << 16, headers: 300 };
    let text = format!("HTTP/1.1 204 OK\r\n{}\r\n", "A: b\r\n".repeat(300));
    let mut room = HeaderMap::new();
    let begun = take_head(&mut Bytes::from(text), &Method::GET, limits, &mut room);
    let Ok(Some(Begun::Answer(answer))) = begun else { panic!("it is a head") };
    assert_eq!(answer.head.headers.get_all("a").iter().count(), 300);
}

#[test]
fn a_name_that_is_too_long_for_a_map_is_no_header() {
    let limits = AnswerLimits { head: 1 << 20, headers: 1000 };
    for (length, taken) in [((1 << 16) - 1, true), (1 << 16, false), (1 << 19, false)] {
        let text = format!("HTTP/1.1 204 OK\r\n{}: b\r\n\r\n", "a".repeat(length));
        let mut input = Bytes::from(text);
        let begun = take_head(&mut input, &Method::GET, limits, &mut HeaderMap::new());
        assert_eq!(begun.is_ok_and(|begun| begun.is_some()), taken, "{length}");
    }
}

#[test]
fn the_memory_of_the_requests_headers_is_taken_and_nothing_that_was_in_it() {
    let mut room = HeaderMap::with_capacity(64);
    let capacity = room.capacity();
    let mut input = Bytes::from_static(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    let begun = take_head(&mut input, &Method::GET, LIMITS, &mut room);
    let Ok(Some(Begun::Answer(answer))) = begun else { panic!("it is a head") };
    assert_eq!((answer.head.headers.len(), answer.head.headers.capacity()), (1, capacity));
}

/// Pieces that answers are made of, good and bad ones.
const PIECES: [&str; 24] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 103 Early\r\n",
    "HTTP/1.1 204 \r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 3, 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: x\r\n",
    "Connection: close\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "abc",
    "3\r\nabc\r\n",
    "3\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "5;x=y\r\n",
    "X: \t\r\n",
    "X: y\r\n",
    " ",
    ":",
    "\u{0}",
];

proptest! {
    #[test]
    fn any_pieces_are_understood_as_hyper_understands_them(
        pieces in prop::collection::vec(0..PIECES.len(), 0..16),
    ) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        compare(text.as_bytes(), &Method::GET);
        compare(format!("HTTP/1.1 200 OK\r\n{text}").as_bytes(), &Method::GET);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        compare(format!("{chunked}{text}").as_bytes(), &Method::GET);
    }

    #[test]
    fn any_bytes_are_understood_alike_however_they_are_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        compare(&bytes, &Method::GET);
    }
}
