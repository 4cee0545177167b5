use proptest::prelude::*;

use super::*;

const LIMITS: HeadLimits = HeadLimits { head: 2048, uri: 512, headers: 8 };

/// Feeds `bytes` in pieces; gives what the head says, or the id of the refusal, or `more`.
fn head(bytes: &[u8], piece: usize) -> Result<Frame, &'static str> {
    let mut head = Head::default();
    for end in (0..bytes.len()).step_by(piece.max(1)).skip(1).chain([bytes.len()]) {
        match head.take(&bytes[..end], &LIMITS) {
            Ok(None) => {}
            Ok(Some(frame)) => return Ok(frame),
            Err(refused) => return Err(refused.id),
        }
    }
    Err("more")
}

fn check(text: &str, expected: Result<(usize, Length), &'static str>) {
    let expected = expected.map(|(head, body)| Frame { head, body });
    for piece in [1, 2, 7, text.len()] {
        assert_eq!(head(text.as_bytes(), piece), expected, "{text:?} in pieces of {piece}");
    }
}

#[test]
fn good_heads_say_where_the_request_ends() {
    let known = |text: &str, length| check(text, Ok((text.len(), Length::Known(length))));
    known("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    known("GET / HTTP/1.0\r\n\r\n", 0);
    known("\r\nGET /a?b={c} HTTP/1.1\r\nHost: a\r\nx:\ty\t\r\n\r\n", 0);
    known("POST / HTTP/1.1\r\nhost:a\r\ncontent-length: 17 \r\n\r\n", 17);
    known("GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    known("GET http://a HTTP/1.1\r\n\r\n", 0);
    known("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0);
    known("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 0);
    let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    check(chunked, Ok((chunked.len(), Length::Chunked)));
    let two = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    check(two, Ok((27, Length::Known(0))));
}

#[test]
fn every_shape_of_smuggling_is_refused() {
    let host =
        |rest: &str, id| check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{rest}\r\n\r\n"), Err(id));
    host("Content-Length: 3\r\nTransfer-Encoding: chunked", "length-and-chunked");
    host("Transfer-Encoding: chunked\r\nContent-Length: 3", "length-and-chunked");
    host("Content-Length: 3\r\nContent-Length: 3", "length-repeated");
    host("Content-Length: 3\r\nContent-Length: 4", "length-repeated");
    host("Content-Length: 3, 3", "length-repeated");
    host("Content-Length: +3", "length-invalid");
    host("Content-Length: 0x3", "length-invalid");
    host("Content-Length:", "length-invalid");
    host("Content-Length: 1234567890123456789", "length-invalid");
    host("Transfer-Encoding: gzip, chunked", "transfer-encoding");
    host("Transfer-Encoding: xchunked", "transfer-encoding");
    host("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "transfer-encoding");
    host("Transfer-Encoding: \u{b}chunked", "malformed");
    host("Transfer-Encoding : chunked", "malformed");
    host("Host: a", "host-repeated");
    host("X: a\n b", "bare-lf");
    host("X: a\nY: b", "bare-lf");
    host("X: a\r\n b", "header-folded");
    host("X: a\r\n\tb", "header-folded");
    host("X: a\rb", "malformed");
    host("X: a\0b", "malformed");
    host("X\0: a", "malformed");
    host(": a", "malformed");
    host("no colon", "malformed");
    check("GET / HTTP/1.1\n\n", Err("bare-lf"));
    check("GET / HTTP/1.1\r\nHost: a\r\n\n", Err("bare-lf"));
    check("\n\nGET", Err("bare-lf"));
    check("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Err("header-folded"));
    check("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err("host-differs"));
    check("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Err("transfer-encoding"));
}

#[test]
fn request_lines_that_servers_read_differently_are_refused() {
    for line in [
        "GET /",
        "GET",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        " GET / HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /\u{1} HTTP/1.1",
        "GET ftp://a/ HTTP/1.1",
        "GET http://u@a/ HTTP/1.1",
        "GET http:// HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        check(&format!("{line}\r\nHost: a\r\n\r\n"), Err("malformed"));
    }
}

#[test]
fn limits_hold_before_the_head_is_whole() {
    let long = "a".repeat(600);
    check(&format!("GET /{long} HTTP/1.1\r\n\r\n"), Err("uri-too-long"));
    check(&format!("GET /{long}"), Err("uri-too-long"));
    check(&format!("GET /{long} HTTP/1.1\r\nHost"), Err("uri-too-long"));
    check(&format!("GET / HTTP/1.1\r\nX: {}", long.repeat(4)), Err("head-too-large"));
    check(&format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(9)), Err("head-too-large"));
    check("\r\n\r\nGET / HTTP/1.1\r\n\r\n", Err("malformed"));
}

/// Feeds `bytes` in pieces; gives how many belong to the body.
fn body(bytes: &[u8], piece: usize) -> Result<usize, &'static str> {
    let mut body = Body::new(Length::Chunked, &LIMITS);
    let mut taken = 0;
    for piece in bytes.chunks(piece) {
        let here = body.take(piece).map_err(|refused| refused.id)?;
        taken += here;
        if here < piece.len() || body.complete() {
            break;
        }
    }
    if body.complete() { Ok(taken) } else { Err("more") }
}

#[test]
fn chunks_are_followed_to_their_end() {
    for (text, expected) in [
        ("0\r\n\r\n", Ok(5)),
        ("3\r\nabc\r\n0\r\n\r\nGET", Ok(13)),
        ("A;x=y\r\n0123456789\r\n00\r\n\r\n", Ok(25)),
        ("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", Ok(25)),
        ("3\r\nabc\r\n", Err("more")),
        ("\r\n", Err("chunk-invalid")),
        (" 3\r\nabc\r\n", Err("chunk-invalid")),
        ("3 \r\nabc\r\n", Err("chunk-invalid")),
        ("0x3\r\nabc\r\n", Err("chunk-invalid")),
        ("+3\r\nabc\r\n", Err("chunk-invalid")),
        ("3\nabc\r\n", Err("chunk-invalid")),
        ("3\r\nabcd\r\n", Err("chunk-invalid")),
        ("3\r\nabc\n0\r\n\r\n", Err("chunk-invalid")),
        ("3;\na\r\n", Err("chunk-invalid")),
        ("0000000000000003\r\nabc", Err("chunk-invalid")),
        ("ffffffffffffffff\r\n", Err("chunk-invalid")),
        ("0\r\n\n", Err("chunk-invalid")),
        ("0\r\n X: folded\r\n\r\n", Err("chunk-invalid")),
        ("0\r\nX : y\r\n\r\n", Err("chunk-invalid")),
        ("0\r\nX: a\rb\r\n\r\n", Err("chunk-invalid")),
        (&format!("0\r\n{}\r\n", "X:\r\n".repeat(LIMITS.headers)), Ok(5 + 4 * LIMITS.headers)),
        (&format!("0\r\n{}\r\n", "X:\r\n".repeat(LIMITS.headers + 1)), Err("chunk-invalid")),
    ] {
        for piece in [1, 2, 5, text.len()] {
            assert_eq!(body(text.as_bytes(), piece), expected, "{text:?} in pieces of {piece}");
        }
    }
    let long = format!("1;{}\r\n", "x".repeat(300));
    assert_eq!(body(long.as_bytes(), 64), Err("chunk-invalid"));
}

#[test]
fn a_refused_head_is_told_as_far_as_it_goes() {
    let known = sketch(b"GET /a?b HTTP/1.0\nX: y\nHost: h \n\nHost: no");
    assert_eq!((known.method, known.target, known.host), (&b"GET"[..], &b"/a?b"[..], &b"h"[..]));
    assert!(known.http_10);
    let cut = sketch(b"\r\nPOST /ab");
    assert_eq!((cut.method, cut.target, cut.host), (&b"POST"[..], &b"/ab"[..], &b""[..]));
    assert_eq!(sketch(b"").method, b"");
}

proptest! {
    /// What is handed on, the parser that hyper uses takes too, with the same number of headers.
    #[test]
    fn what_passes_is_valid_for_hyper(text in "(GET|P) [ -~]{1,9} HTTP/1.1\r\n([!-~\t]{1,9}: ?[ -~\t\r]{0,9}\r\n){0,4}\r\n") {
        if let Ok(frame) = head(text.as_bytes(), 3) {
            let mut headers = [httparse::EMPTY_HEADER; 8];
            let mut request = httparse::Request::new(&mut headers);
            let status = request.parse(text.as_bytes());
            prop_assert_eq!(status, Ok(httparse::Status::Complete(frame.head)));
            let target = request.path.expect("a complete request has a target");
            prop_assert!(target.parse::<http::Uri>().is_ok());
        }
    }

    /// A body that an encoder made ends where it made it end, in whatever pieces it comes.
    #[test]
    fn encoded_chunks_end_where_they_were_made_to(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
        piece in 1usize..50,
    ) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes().chain(chunk.iter().copied()).chain(*b"\r\n"));
        }
        bytes.extend(b"0\r\n\r\n");
        let end = bytes.len();
        bytes.extend(b"GET / HTTP/1.1");
        prop_assert_eq!(body(&bytes, piece), Ok(end));
    }
}
