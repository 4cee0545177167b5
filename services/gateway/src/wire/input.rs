//! What a client sent and hyper has not yet got.
//!
//! The buffer holds, in this order: bytes of the current request that may be handed on, then
//! bytes that were not looked at yet. While a request is being answered the latter belong to the
//! next ones; they are bounded by [`STASH_MAX`], beyond it the socket is not read.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use http::{HeaderValue, Method};
use hyper::rt::{Read as _, ReadBufCursor};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};

use super::output::Mode;
use super::{State, Wire};
use crate::exchange::{Exchange, Target};
use crate::framing::{Body, Head, sketch};
use crate::metrics::Count;
use crate::proxy::{self, Preface};

/// Bytes of later requests that are taken while one is being answered. They are read at all only
/// to see that the client left; one page is enough.
const STASH_MAX: usize = 4096;
/// A head is read in pieces of this size at most; what follows it is a body or a next request.
const HEAD_PIECE: usize = 8192;

/// The reading half.
pub(super) struct Input {
    buffer: BytesMut,
    /// How many bytes of the buffer may be handed on.
    ready: usize,
    place: Place,
    /// Nothing more will come.
    eof: bool,
    /// Because the connection broke: nothing can be answered either.
    broken: bool,
    /// When a byte came last, or the last request ended.
    since: Instant,
}

/// Where in a request the next byte belongs.
#[derive(Clone, Copy)]
enum Place {
    /// In the header of a balancer, before the first request.
    Preface,
    /// In the head, or before it.
    Head(Head),
    Body(Body),
    /// In the next request.
    Complete,
    /// Nowhere: the request was refused, nothing more is read.
    Refused {
        mid_body: bool,
    },
}

// === impl Input ===

impl Input {
    /// Of a new connection. `preface`: the header of a balancer comes first.
    pub(super) fn new(preface: bool) -> Self {
        Self {
            buffer: BytesMut::new(),
            ready: 0,
            place: if preface { Place::Preface } else { Place::Head(Head::default()) },
            eof: false,
            broken: false,
            since: Instant::now(),
        }
    }

    pub(super) fn complete(&self) -> bool {
        matches!(self.place, Place::Complete)
    }

    pub(super) fn in_preface(&self) -> bool {
        matches!(self.place, Place::Preface)
    }

    pub(super) fn in_head(&self) -> bool {
        matches!(self.place, Place::Head(_))
    }

    /// True when the head was refused.
    pub(super) fn stands_in(&self) -> bool {
        matches!(self.place, Place::Refused { mid_body: false })
    }

    pub(super) fn waiting_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// True when the client is known to send what was not read: a plain close on unread bytes
    /// would reset the connection, and destroy what is on its way to the client.
    pub(super) fn unread(&self) -> bool {
        !self.eof && (self.within() || !self.buffer.is_empty())
    }

    /// True when nothing came that is to be looked at.
    pub(super) fn is_quiet(&self) -> bool {
        !self.eof && self.buffer.is_empty()
    }

    /// True when nothing more will come.
    pub(super) fn ended(&self) -> bool {
        self.eof
    }

    pub(super) fn next_request(&mut self, now: Instant) {
        // After a request that was answered before it was whole there is no next one: what still
        // comes is the rest of it, whatever it looks like.
        self.place = match self.within() {
            true => Place::Refused { mid_body: true },
            false => Place::Head(Head::default()),
        };
        self.ready = 0;
        self.since = now;
    }

    /// Replaces a head by a stand-in that hyper accepts; ends a body with an error.
    pub(super) fn refuse(&mut self, exchange: &Exchange) {
        let mid_body = !self.in_head();
        if !mid_body {
            self.sketch(exchange);
            let facts = exchange.facts.borrow();
            let head = facts.request.method == Some(Method::HEAD);
            let version = if facts.request.http_10 { "0" } else { "1" };
            let method = if head { "HEAD" } else { "GET" };
            self.buffer.clear();
            self.buffer
                .extend_from_slice(format!("{method} / HTTP/1.{version}\r\n\r\n").as_bytes());
            self.ready = self.buffer.len();
        }
        self.place = Place::Refused { mid_body };
    }

    /// Writes down what can be told of a request whose head hyper never got.
    pub(super) fn sketch(&self, exchange: &Exchange) {
        if !self.in_head() {
            return;
        }
        let sketch = sketch(&self.buffer);
        let request = &mut exchange.facts.borrow_mut().request;
        request.http_10 = sketch.http_10;
        request.method = Method::from_bytes(sketch.method).ok();
        request.target = Target::Text(String::from_utf8_lossy(sketch.target).into_owned());
        request.host = HeaderValue::from_bytes(sketch.host).ok();
    }

    /// What a read of the socket gave, into `scratch`; so many bytes of it went on already.
    fn note_read(&mut self, read: &io::Result<usize>, scratch: &[u8], gone: usize) {
        match read {
            Ok(0) => self.eof = true,
            Ok(bytes) => {
                if !self.in_preface() {
                    // A preface that trickles does not put its limit off.
                    self.since = Instant::now();
                }
                self.buffer.extend_from_slice(&scratch[gone..*bytes]);
            }
            Err(_) => (self.eof, self.broken) = (true, true),
        }
    }

    /// True within a request, its head apart.
    fn within(&self) -> bool {
        matches!(self.place, Place::Body(_) | Place::Refused { .. })
    }

    /// Gives hyper what may be handed on.
    fn hand_on(&mut self, cursor: &mut ReadBufCursor<'_>) {
        let bytes = self.ready.min(cursor.remaining());
        cursor.put_slice(&self.buffer[..bytes]);
        self.buffer.advance(bytes);
        self.ready -= bytes;
    }
}

// === impl Wire ===

/// What to do after the buffer was looked at.
enum Next {
    /// Something can be handed on.
    HandOn,
    /// More bytes are needed, at most so many.
    Read(usize),
    /// More bytes of a body are needed: hyper gets them as they come.
    Pass,
    Wait,
    End,
    Fail(io::Error),
}

impl Wire {
    pub(super) fn poll_input(
        &self,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // What the client sends now is for later; the release wakes this task.
        if self.output.borrow().mode != Mode::Open {
            return Poll::Pending;
        }
        loop {
            match self.look() {
                Next::HandOn => {
                    self.input.borrow_mut().hand_on(&mut cursor);
                    return Poll::Ready(Ok(()));
                }
                Next::Read(max) => ready!(self.fill(cx, max)),
                Next::Pass => {
                    let mut passing = TokioIo::new(Passing { wire: self, refused: false });
                    ready!(Pin::new(&mut passing).poll_read(cx, cursor))?;
                    return Poll::Ready(if passing.inner().refused { self.fail() } else { Ok(()) });
                }
                Next::Wait => return Poll::Pending,
                Next::End => return Poll::Ready(Ok(())),
                Next::Fail(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Looks at what is in the buffer.
    fn look(&self) -> Next {
        let input = self.input.borrow();
        if input.ready > 0 {
            return Next::HandOn;
        }
        match input.place {
            Place::Preface => {
                drop(input);
                self.look_at_preface()
            }
            Place::Head(head) => {
                drop(input);
                self.look_at_head(head)
            }
            Place::Body(body) => {
                drop(input);
                self.look_at_body(body)
            }
            Place::Complete if input.eof && (input.buffer.is_empty() || input.broken) => {
                drop(input);
                self.look_at_end()
            }
            Place::Complete if input.eof || input.buffer.len() >= STASH_MAX => Next::Wait,
            Place::Complete => Next::Read(STASH_MAX - input.buffer.len()),
            Place::Refused { mid_body: true } => {
                Next::Fail(io::Error::new(io::ErrorKind::InvalidData, "the body was refused"))
            }
            Place::Refused { mid_body: false } => Next::Wait,
        }
    }

    /// The client left after the whole of its request. hyper drops a request at once when it hears
    /// of that, so it hears of it after the request was received: its record shall say whose call
    /// it was.
    fn look_at_end(&self) -> Next {
        if self.exchange().is_some_and(|exchange| !exchange.is_received()) {
            return Next::Wait;
        }
        self.lose();
        Next::End
    }

    /// No request has begun: what is wrong here has no answer and no record, but is counted.
    fn look_at_preface(&self) -> Next {
        let mut input = self.input.borrow_mut();
        let over = input.eof || self.state.get() == State::Closing;
        match proxy::read(&input.buffer) {
            Preface::Partial if !over => return Next::Read(HEAD_PIECE),
            // It only looked whether somebody listens.
            Preface::Partial if input.buffer.is_empty() => return Next::End,
            Preface::Partial | Preface::Bad => {
                self.worker.counters.add(Count::ProxyRefused);
                self.lose();
                return Next::End;
            }
            Preface::Whole { bytes, ends } => {
                input.buffer.advance(bytes);
                input.place = Place::Head(Head::default());
                input.since = Instant::now();
                self.speaks_for_nobody.set(ends.is_none());
                self.ends.set(ends.unwrap_or(self.ends.get()));
            }
        }
        drop(input);
        self.look_at_head(Head::default())
    }

    fn look_at_head(&self, mut head: Head) -> Next {
        let mut input = self.input.borrow_mut();
        if input.buffer.is_empty() {
            let over = input.eof || self.state.get() == State::Closing;
            return if over { Next::End } else { Next::Read(HEAD_PIECE) };
        }
        let exchange = self.exchange().unwrap_or_else(|| self.begin(input.since));
        exchange.req_len.set(input.buffer.len() as u64);
        match head.take(&input.buffer, &self.worker.head_limits) {
            Ok(Some(frame)) => {
                exchange.req_len.set(frame.head as u64);
                input.ready = frame.head;
                let body = Body::new(frame.body, &self.worker.head_limits);
                input.place = if body.complete() { Place::Complete } else { Place::Body(body) };
                Next::HandOn
            }
            Ok(None) if input.eof => {
                self.lose();
                Next::End
            }
            Ok(None) => {
                input.place = Place::Head(head);
                Next::Read(HEAD_PIECE)
            }
            Err(refused) => {
                self.refused.set(Some(refused));
                input.refuse(&exchange);
                Next::HandOn
            }
        }
    }

    fn look_at_body(&self, mut body: Body) -> Next {
        let mut input = self.input.borrow_mut();
        if input.buffer.is_empty() {
            if input.eof {
                self.lose();
                return Next::Fail(io::ErrorKind::UnexpectedEof.into());
            }
            return Next::Pass;
        }
        let Some(exchange) = self.exchange() else { return Next::End };
        match body.take(&input.buffer) {
            Ok(taken) => {
                exchange.req_len.set(exchange.req_len.get() + taken as u64);
                input.ready = taken;
                input.place = if body.complete() { Place::Complete } else { Place::Body(body) };
                Next::HandOn
            }
            Err(refused) => {
                self.refused.set(Some(refused));
                exchange.req_len.set(exchange.req_len.get() + input.buffer.len() as u64);
                input.refuse(&exchange);
                Next::Fail(io::Error::new(io::ErrorKind::InvalidData, refused.text))
            }
        }
    }

    /// What came within a body is none of it: says so in the one place where that is said.
    fn fail(&self) -> io::Result<()> {
        match self.look() {
            Next::Fail(error) => Err(error),
            Next::HandOn | Next::Read(_) | Next::Pass | Next::Wait | Next::End => Ok(()),
        }
    }

    /// Reads the socket once into the buffer.
    fn fill(&self, cx: &mut Context<'_>, max: usize) -> Poll<()> {
        let mut scratch = self.worker.scratch.borrow_mut();
        let room = max.min(scratch.len());
        let read = ready!(self.poll_socket(cx, &mut scratch[..room]));
        self.input.borrow_mut().note_read(&read, &scratch, 0);
        Poll::Ready(())
    }
}

/// Reads a body from the socket into hyper's own buffer, so that it is copied nowhere, and keeps
/// what follows it.
struct Passing<'w> {
    wire: &'w Wire,
    /// Nothing that came is of the body, or nothing came.
    refused: bool,
}

impl AsyncRead for Passing<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.wire;
        let before = buffer.filled().len();
        let read = ready!(wire.poll_socket_into(cx, buffer));
        let mut input = wire.input.borrow_mut();
        let came = &buffer.filled()[before..];
        let mut taken = 0;
        if let (Place::Body(mut body), Some(exchange), Ok(())) =
            (input.place, wire.exchange(), &read)
        {
            // What is not taken at all is looked at again, from the buffer.
            taken = body.take(came).unwrap_or_default();
            if taken > 0 {
                exchange.req_len.set(exchange.req_len.get() + taken as u64);
                input.place = if body.complete() { Place::Complete } else { Place::Body(body) };
            }
        }
        self.refused = taken == 0;
        input.note_read(&read.map(|()| came.len()), came, taken);
        drop(input);
        buffer.set_filled(before + taken);
        Poll::Ready(Ok(()))
    }
}

/// Reads and throws away what the client still sends, until it closes its side.
pub(super) fn poll_discard(wire: &Rc<Wire>, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let mut scratch = wire.worker.scratch.borrow_mut();
        match wire.poll_socket(cx, &mut scratch) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(_)) => {}
        }
    }
}
