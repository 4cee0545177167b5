//! Answers that are written out, and any that are made of good and bad pieces.

use proptest::prelude::*;

use super::*;

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
