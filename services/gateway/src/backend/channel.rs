//! The right to use one connection to a backend, for one request after the other.

use std::net::SocketAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, response};
use http_body::{Frame, SizeHint};

use super::Link;
use super::answer::{AnswerLimits, Begun, Final, Malformed, Rest, take_head};
use super::pool::Open;
use crate::budget::poll_step;
use crate::worker::Worker;

/// Answers are read into pieces of memory of this size, which all of a worker's connections share;
/// a new one is begun when less than [`REST`] is left.
const PIECE: usize = 64 << 10;
const REST: usize = 8 << 10;
/// A part of an answer of up to so many bytes is copied unless it is the last: while a slow client
/// does not take it, it would keep the whole piece that it came in.
const SMALL: usize = 8 << 10;

/// The right to use a connection. Dropped anywhere but in the pool, it closes the connection.
pub(crate) struct Channel {
    pub(crate) link: Rc<Link>,
    pub(crate) address: SocketAddr,
    /// It served a request before.
    pub(crate) reused: bool,
    worker: Rc<Worker>,
    limits: AnswerLimits,
    /// What came and was not taken.
    input: Bytes,
    /// What is still to come of the answer.
    rest: Rest,
    keep_alive: bool,
    _open: Open,
}

/// What a backend says.
pub(crate) enum Heard {
    /// Before its answer; this is passed on.
    Early(Vec<u8>),
    /// The head of its answer.
    Answer(response::Parts),
}

// === impl Channel ===

impl Channel {
    /// In a box: it is handed on several times for each request.
    pub(super) fn boxed(
        worker: Rc<Worker>,
        link: Link,
        address: SocketAddr,
        limits: AnswerLimits,
        open: Open,
    ) -> Box<Self> {
        Box::new(Self {
            link: Rc::new(link),
            address,
            reused: false,
            worker,
            limits,
            input: Bytes::new(),
            rest: Rest::Done,
            keep_alive: true,
            _open: open,
        })
    }

    /// True when another request may be sent.
    pub(super) fn is_reusable(&self) -> bool {
        self.keep_alive && self.rest.is_done() && self.input.is_empty() && self.link.is_idle()
    }

    /// The head of the answer to a request of this method, or what comes before it. `room`: see
    /// [`take_head`].
    ///
    /// # Errors
    /// The connection broke, or what came is no answer.
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        room: &mut HeaderMap,
    ) -> Poll<Result<Heard, Malformed>> {
        ready!(poll_step(cx));
        let mut look = !self.input.is_empty();
        loop {
            if look && let Some(begun) = take_head(&mut self.input, method, self.limits, room)? {
                self.let_go();
                return Poll::Ready(Ok(match begun {
                    Begun::Early(head) => Heard::Early(head),
                    Begun::Answer(Final { head, rest, keep_alive }) => {
                        (self.rest, self.keep_alive) = (rest, keep_alive);
                        Heard::Answer(head)
                    }
                }));
            }
            if self.input.len() >= self.limits.head {
                return Poll::Ready(Err(Malformed));
            }
            let more = ready!(self.poll_fill(cx))?;
            if more.is_empty() {
                return Poll::Ready(Err(Malformed));
            }
            // A head ends with a line; what does not begin as one never will.
            look = self.input.is_empty() || memchr::memchr(b'\n', &more).is_some();
            if self.input.is_empty() {
                self.input = more;
            } else {
                let mut whole = BytesMut::from(std::mem::take(&mut self.input));
                whole.extend_from_slice(&more);
                self.input = whole.freeze();
            }
        }
    }

    /// The next piece of the answer's body, after its head. Nothing: the answer is whole.
    ///
    /// # Errors
    /// The connection broke before the end, or what came is not what was announced.
    pub(crate) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Malformed>>> {
        ready!(poll_step(cx));
        loop {
            let frame = self.rest.take(&mut self.input).transpose();
            self.let_go();
            match frame {
                None if self.rest.is_done() => return Poll::Ready(None),
                None => {}
                Some(Ok(frame)) if !self.rest.is_done() => {
                    return Poll::Ready(Some(Ok(frame.map_data(own))));
                }
                frame => return Poll::Ready(frame),
            }
            debug_assert!(self.input.is_empty(), "what a body does not take is an error");
            let more = match ready!(self.poll_fill(cx)) {
                Ok(more) => more,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            if more.is_empty()
                && let Err(error) = self.rest.close()
            {
                return Poll::Ready(Some(Err(error)));
            }
            self.input = more;
        }
    }

    /// True when the answer is whole.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_done()
    }

    /// How long the rest of the answer is, if that is known.
    pub(crate) fn hint(&self) -> SizeHint {
        self.rest.hint()
    }

    /// Even an empty part of a piece would keep all of it, for as long as a backend is waited for.
    fn let_go(&mut self) {
        if self.input.is_empty() {
            self.input = Bytes::new();
        }
    }

    fn poll_fill(&self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Malformed>> {
        let mut piece = self.worker.incoming.borrow_mut();
        if piece.capacity() < REST {
            // Takes the same memory again when nobody has a part of it any more.
            piece.reserve(PIECE);
        }
        self.link.poll_fill(cx, &mut piece).map_err(|_| Malformed)
    }
}

/// The same bytes, in memory of their own if they are few.
fn own(data: Bytes) -> Bytes {
    if data.len() > SMALL { data } else { Bytes::copy_from_slice(&data) }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.link.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_does_not_keep_the_piece_that_it_came_in() {
        let mut piece = BytesMut::zeroed(PIECE).freeze();
        let small = own(piece.split_to(SMALL));
        assert!(piece.is_unique());
        let large = own(piece.split_to(SMALL + 1));
        assert!(!piece.is_unique(), "a large one is not copied");
        assert_eq!((small.len(), large.len()), (SMALL, SMALL + 1));
    }
}
