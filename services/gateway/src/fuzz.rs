//! Ways in for fuzz targets: parsers of bytes that come from outside, with what must hold of them.
//!
//! Each takes any bytes, and panics only when a promise is broken.

mod answer;

use std::net::SocketAddr;

pub use answer::{Answer, End, answer};

use crate::framing::{Body, Head, HeadLimits, Refused};
use crate::proxy::{self, Ends, Preface};

/// What framing makes of the bytes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Where each whole request ends; the next one begins there.
    pub ends: Vec<usize>,
    /// What follows is refused. Otherwise more is to come, or nothing is left.
    pub refused: bool,
}

/// The header of a balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length.
    pub bytes: usize,
    /// Client and server as it names them; nothing when it names none.
    pub ends: Option<(SocketAddr, SocketAddr)>,
}

const LIMITS: HeadLimits = HeadLimits { head: 4096, uri: 1024, headers: 60 };

/// The requests of a connection: where they end does not depend on how the bytes are cut, and what
/// is let pass, hyper's parser takes as it is.
pub fn requests(bytes: &[u8]) -> Requests {
    let whole = follow(bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(follow(bytes, piece), whole, "in pieces of {piece}");
    }
    whole
}

/// The header of a balancer: it ends within what was given, more bytes change nothing, and what
/// is cut off is to come.
pub fn preface(bytes: &[u8]) -> Option<Header> {
    let Preface::Whole { bytes: end, ends } = proxy::read(bytes) else { return None };
    let (header, _) = bytes.split_at(end);
    assert_eq!(proxy::read(header), Preface::Whole { bytes: end, ends });
    for cut in 0..end {
        assert_eq!(proxy::read(&header[..cut]), Preface::Partial, "cut at {cut} of {end}");
    }
    let ends = ends.map(|Ends { source, destination }| (source, destination));
    Some(Header { bytes: end, ends })
}

/// Where each request ends, and whether the last one is refused. Why it is may depend on how much
/// was seen: of what is too long and wrong as well, either is said.
fn follow(bytes: &[u8], piece: usize) -> Requests {
    let (mut ends, mut start, mut refused) = (Vec::new(), 0, false);
    while start < bytes.len() {
        match one(&bytes[start..], piece) {
            Ok(Some(length)) => start += length,
            Ok(None) => break,
            Err(_) => {
                refused = true;
                break;
            }
        }
        ends.push(start);
    }
    Requests { ends, refused }
}

/// How long the first request is; nothing when more is to come.
fn one(bytes: &[u8], piece: usize) -> Result<Option<usize>, Refused> {
    let mut head = Head::default();
    let mut seen = 0;
    let frame = loop {
        if seen == bytes.len() {
            return Ok(None);
        }
        seen = seen.saturating_add(piece).min(bytes.len());
        if let Some(frame) = head.take(&bytes[..seen], &LIMITS)? {
            break frame;
        }
    };
    accepted(&bytes[..frame.head]);
    let (mut body, mut at) = (Body::new(frame.body, &LIMITS), frame.head);
    while !body.complete() {
        let rest = &bytes[at..bytes.len().min(at.saturating_add(piece))];
        if rest.is_empty() {
            return Ok(None);
        }
        at += body.take(rest)?;
    }
    Ok(Some(at))
}

fn accepted(head: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let parsed = httparse::Request::new(&mut headers).parse(head);
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())), "hyper would refuse it");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces that requests and headers are made of, good and bad ones.
    const PIECES: [&str; 18] = [
        "GET / HTTP/1.1\r\n",
        "POST /a?b HTTP/1.0\r\n",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "\r\n",
        "\n",
        "abc",
        "3\r\nabc\r\n",
        "0\r\n",
        "5;x=y\r\n",
        "X: \t\r\n",
        " ",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY UNKNOWN ",
        "\r\n\r\n\0\r\nQUIT\n",
        "!\0\0\0",
        "\0",
    ];

    proptest! {
        #[test]
        fn what_must_hold_holds(pieces in prop::collection::vec(0..PIECES.len(), 0..24)) {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            requests(text.as_bytes());
            preface(text.as_bytes());
        }

        #[test]
        fn it_holds_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            requests(&bytes);
            preface(&bytes);
        }
    }
}
