//! A backend's answer, as the gateway's client understands it.

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method, response};
use hyper::body::Frame;
use hyper::ext::ReasonPhrase;

use crate::backend::answer::{AnswerLimits, Begun, Final, take_head};

/// How large a head is taken: one of `head` bytes and more is refused.
const LIMITS: AnswerLimits = AnswerLimits { head: 8192, headers: 100 };

/// An answer with its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The final one.
    pub status: u16,
    /// The phrase behind it, unless it is the usual one.
    pub reason: Option<Vec<u8>>,
    /// Those of the head.
    pub headers: HeaderMap,
    /// Data of the body, without the frames of chunks.
    pub body: Vec<u8>,
    /// Those behind the last chunk.
    pub trailers: Option<HeaderMap>,
    /// How it ends.
    pub end: End,
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Whole {
        /// Bytes behind it, which are not a part of it.
        left: usize,
        /// The connection may serve another request, if nothing is left.
        keeps: bool,
    },
    /// With the connection.
    Close,
    /// Not as was announced: something is wrong, or missing.
    Cut,
}

impl Answer {
    /// One whose head is there, and nothing else.
    pub fn begin(mut head: response::Parts) -> Self {
        let reason = head.extensions.remove::<ReasonPhrase>();
        Self {
            status: head.status.as_u16(),
            reason: reason.map(|reason| reason.as_bytes().to_vec()),
            headers: head.headers,
            body: Vec::new(),
            trailers: None,
            end: End::Cut,
        }
    }

    /// The next piece of its body, or its trailers.
    pub fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.body.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
    }
}

/// The answer to a request of this method, if there is one; a backend says these bytes, and closes
/// the connection. It does not depend on how they are cut, ends where it says, and is no larger than
/// what came.
pub fn answer(bytes: &[u8], method: &Method) -> Option<Answer> {
    let whole = follow(bytes, usize::MAX, method);
    for piece in [1, 7] {
        assert_eq!(follow(bytes, piece, method), whole, "in pieces of {piece}");
    }
    if let Some(answer) = &whole {
        assert!(answer.headers.len() <= LIMITS.headers, "more headers than may be");
        assert!(answer.body.len() <= bytes.len(), "more than came");
        if let End::Whole { left, keeps } = answer.end {
            let end = bytes.len() - left;
            let exact = Answer { end: End::Whole { left: 0, keeps }, ..answer.clone() };
            let alone = follow(&bytes[..end], usize::MAX, method);
            assert_eq!(alone, Some(exact), "it is another one without what follows");
            let short = follow(&bytes[..end - 1], usize::MAX, method);
            let is_whole = short.is_some_and(|short| matches!(short.end, End::Whole { .. }));
            assert!(!is_whole, "it ends before its end");
        }
    }
    whole
}

/// What is made of bytes that come in pieces of this size.
fn follow(bytes: &[u8], piece: usize, method: &Method) -> Option<Answer> {
    let (mut input, mut rest) = (Bytes::new(), Bytes::copy_from_slice(bytes));
    let Final { head, rest: mut body, keep_alive } = loop {
        match take_head(&mut input, method, LIMITS, &mut HeaderMap::new()).ok()? {
            Some(Begun::Answer(answer)) => break answer,
            Some(Begun::Early(_)) => {}
            None if more(&mut input, &mut rest, piece) => {}
            None => return None,
        }
    };
    let mut answer = Answer::begin(head);
    // Each step takes a byte, gets more of them, or is the last.
    for _ in 0..=2 * bytes.len() + 2 {
        match body.take(&mut input) {
            Ok(Some(frame)) => answer.take(frame),
            Ok(None) if body.is_done() => {
                let left = input.len() + rest.len();
                answer.end = End::Whole { left, keeps: keep_alive };
                return Some(answer);
            }
            Ok(None) if more(&mut input, &mut rest, piece) => {}
            Ok(None) => {
                answer.end = if body.close().is_ok() { End::Close } else { End::Cut };
                return Some(answer);
            }
            Err(_) => return Some(answer),
        }
    }
    panic!("it takes more steps than there are bytes");
}

/// The next piece comes, if there is one.
fn more(input: &mut Bytes, rest: &mut Bytes, piece: usize) -> bool {
    let next = rest.split_to(piece.min(rest.len()));
    *input = [&input[..], &next[..]].concat().into();
    next.has_remaining()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_an_answer_ends() {
        for (text, end) in [
            ("HTTP/1.1 204 N\r\n\r\nabc", Some(End::Whole { left: 3, keeps: true })),
            ("HTTP/1.0 304 N\r\n\r\n", Some(End::Whole { left: 0, keeps: false })),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP",
                Some(End::Whole { left: 4, keeps: true }),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
                Some(End::Whole { left: 1, keeps: true }),
            ),
            ("HTTP/1.1 200 OK\r\n\r\nabc", Some(End::Close)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", Some(End::Cut)),
            ("HTTP/1.1 200 OK\r\n", None),
        ] {
            let answer = answer(text.as_bytes(), &Method::GET);
            assert_eq!(answer.map(|answer| answer.end), end, "{text:?}");
        }
    }
}
