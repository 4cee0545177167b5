//! One connection to a backend: its socket, what goes out, and what is true of it.
//!
//! Whoever waits for the answer, or for the rest of one, drives both ways of the connection from the
//! task of the client's connection: there is no task of its own, no queue and no other wake-up
//! between the two sockets.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::forward::{BodyCut, RequestBody, write_headers};

/// So many bytes of a body are gathered for one write, if they are there.
const GATHERED: usize = 64 << 10;
/// Slices of one write. More than these are not gathered either: parts of a few bytes, with what
/// they cost, would be far more than their bytes.
const SLICES: usize = 16;

/// The state of one connection to a backend.
pub(crate) struct Link {
    /// Nothing: it was closed here.
    socket: RefCell<Option<TcpStream>>,
    outgoing: RefCell<Outgoing>,
    sent: Cell<u64>,
    received: Cell<u64>,
    /// How many bytes will have been sent when the head of the current request is out.
    head_end: Cell<u64>,
    closed: Cell<bool>,
    /// The request has just begun: the clock needs not be read for what leaves at once.
    just_begun: Cell<bool>,
    /// When a byte went last.
    sent_at: Cell<Instant>,
    /// When a byte went or came last.
    moved: Cell<Instant>,
}

/// What of a request did not leave yet.
struct Outgoing<B = RequestBody> {
    queue: VecDeque<Bytes>,
    /// Until it was taken whole.
    body: Option<(B, Coding)>,
}

/// How a backend is told where the body of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// The head said it.
    Plain,
    /// By a last chunk.
    Chunked,
}

/// Why a request does not leave whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// Its body ended before its end.
    Body,
    /// The backend takes no more. It may have answered.
    Socket,
}

// === impl Link ===

impl Link {
    pub(crate) fn new(socket: TcpStream) -> Self {
        let now = Instant::now();
        Self {
            socket: RefCell::new(Some(socket)),
            outgoing: RefCell::default(),
            sent: Cell::new(0),
            received: Cell::new(0),
            head_end: Cell::new(u64::MAX),
            closed: Cell::new(false),
            just_begun: Cell::new(false),
            sent_at: Cell::new(now),
            moved: Cell::new(now),
        }
    }

    /// A request begins: its head, and its body if there is one. Nothing is sent yet.
    pub(crate) fn begin(&self, head: Bytes, body: Option<(RequestBody, Coding)>, now: Instant) {
        self.head_end.set(self.sent.get() + head.len() as u64);
        self.sent_at.set(now);
        self.moved.set(now);
        self.just_begun.set(true);
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.queue.push_back(head);
        outgoing.body = body;
    }

    /// Bytes that the socket took, over the life of the connection.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Bytes that came, over the life of the connection.
    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    /// True when the socket took the whole head of the current request.
    pub(crate) fn reached(&self) -> bool {
        self.sent.get() >= self.head_end.get()
    }

    /// When a byte went last.
    pub(crate) fn sent_at(&self) -> Instant {
        self.sent_at.get()
    }

    /// When a byte went or came last.
    pub(crate) fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// True when the whole request was sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.outgoing.borrow().is_empty()
    }

    /// True when nothing of the last request is left, and the backend said nothing since its
    /// answer, nor closed the connection.
    pub(super) fn is_idle(&self) -> bool {
        if self.closed.get() || !self.is_sent() {
            return false;
        }
        // The runtime knows that nothing came, as a rule, so that nobody has to be asked.
        let socket = self.socket.borrow();
        let read = socket.as_ref().map(|socket| socket.try_read(&mut [0]));
        matches!(read, Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Closes the connection.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.socket.borrow_mut().take();
        *self.outgoing.borrow_mut() = Outgoing::default();
    }

    /// Sends what is left of the request. Ready when nothing is.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        loop {
            let outgoing = &mut *self.outgoing.borrow_mut();
            let gathered = outgoing.gather(cx);
            if gathered == Err(BodyCut) {
                return Poll::Ready(Err(Unsent::Body));
            }
            if outgoing.queue.is_empty() {
                return if outgoing.body.is_none() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let Poll::Ready(written) = self.poll_write(cx, &outgoing.queue) else {
                self.just_begun.set(false);
                return Poll::Pending;
            };
            let Some(written) = written.ok().filter(|written| *written > 0) else {
                self.closed.set(true);
                *outgoing = Outgoing::default();
                return Poll::Ready(Err(Unsent::Socket));
            };
            self.note_sent(written);
            outgoing.advance(written);
        }
    }

    /// Reads what came, into `piece`, and cuts it off. Empty: the backend closed its side.
    pub(super) fn poll_fill(
        &self,
        cx: &mut Context<'_>,
        piece: &mut BytesMut,
    ) -> Poll<io::Result<Bytes>> {
        let mut socket = self.socket.borrow_mut();
        let Some(socket) = socket.as_mut() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        debug_assert!(piece.is_empty(), "what was read is cut off at once");
        let read = ready!(pin!(socket.read_buf(piece)).poll(cx));
        if !matches!(read, Ok(1..)) {
            self.closed.set(true);
        }
        let read = read?;
        self.moved.set(Instant::now());
        self.received.set(self.received.get() + read as u64);
        Poll::Ready(Ok(piece.split().freeze()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, queue: &VecDeque<Bytes>) -> Poll<io::Result<usize>> {
        let mut socket = self.socket.borrow_mut();
        let Some(socket) = socket.as_mut() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if let (1, Some(only)) = (queue.len(), queue.front()) {
            return Pin::new(socket).poll_write(cx, only);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let used = slices.iter_mut().zip(queue);
        let used = used.map(|(slice, bytes)| *slice = IoSlice::new(bytes)).count();
        Pin::new(socket).poll_write_vectored(cx, &slices[..used])
    }

    fn note_sent(&self, bytes: usize) {
        if !self.just_begun.take() {
            let now = Instant::now();
            self.sent_at.set(now);
            self.moved.set(now);
        }
        self.sent.set(self.sent.get() + bytes as u64);
    }
}

// === impl Outgoing ===

impl<B> Default for Outgoing<B> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), body: None }
    }
}

impl<B: Body<Data = Bytes, Error = BodyCut> + Unpin> Outgoing<B> {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.body.is_none()
    }

    /// Takes what is there of the body.
    fn gather(&mut self, cx: &mut Context<'_>) -> Result<(), BodyCut> {
        let mut bytes = self.queue.iter().map(Bytes::len).sum::<usize>();
        while bytes < GATHERED
            && self.queue.len() < SLICES
            && let Some((body, coding)) = &mut self.body
        {
            let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else { return Ok(()) };
            let before = self.queue.len();
            let last = match frame.transpose()? {
                None => {
                    coding.end(None, &mut self.queue);
                    true
                }
                Some(frame) => match frame.into_data() {
                    Ok(data) => {
                        coding.data(data, &mut self.queue);
                        false
                    }
                    Err(frame) => {
                        coding.end(frame.trailers_ref(), &mut self.queue);
                        true
                    }
                },
            };
            bytes += self.queue.range(before..).map(Bytes::len).sum::<usize>();
            // With chunks, the end is still to be said.
            if last || (body.is_end_stream() && *coding == Coding::Plain) {
                self.body = None;
            }
        }
        Ok(())
    }

    /// So many bytes left.
    fn advance(&mut self, mut bytes: usize) {
        while let Some(first) = self.queue.front_mut() {
            if bytes < first.len() {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.queue.pop_front();
        }
    }
}

// === impl Coding ===

impl Coding {
    fn data(self, data: Bytes, queue: &mut VecDeque<Bytes>) {
        if data.is_empty() {
            // A chunk without data would end the body.
            return;
        }
        if self == Self::Plain {
            return queue.push_back(data);
        }
        queue.push_back(Bytes::from(format!("{:x}\r\n", data.len())));
        queue.push_back(data);
        queue.push_back(Bytes::from_static(b"\r\n"));
    }

    fn end(self, trailers: Option<&HeaderMap>, queue: &mut VecDeque<Bytes>) {
        match (self, trailers) {
            (Self::Plain, _) => {}
            (Self::Chunked, None) => queue.push_back(Bytes::from_static(b"0\r\n\r\n")),
            (Self::Chunked, Some(trailers)) => {
                let mut text = BytesMut::from(&b"0\r\n"[..]);
                write_headers(trailers, &mut text);
                queue.push_back(text.freeze());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Frame;

    use super::*;

    /// A body of one byte after the other, without an end.
    struct Drip;

    impl Body for Drip {
        type Data = Bytes;
        type Error = BodyCut;

        fn poll_frame(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyCut>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a")))))
        }
    }

    #[test]
    fn of_a_body_in_tiny_parts_no_more_is_gathered_than_one_write_takes() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for (coding, parts) in [(Coding::Plain, 1), (Coding::Chunked, 3)] {
            let mut outgoing = Outgoing { queue: VecDeque::new(), body: Some((Drip, coding)) };
            for _ in 0..100 {
                outgoing.gather(&mut cx).expect("it is not cut");
                let queued = outgoing.queue.len();
                assert!((SLICES..SLICES + parts).contains(&queued), "{queued} of {coding:?}");
            }
            outgoing.advance(1);
            outgoing.gather(&mut cx).expect("it is not cut");
            assert!(outgoing.queue.len() >= SLICES, "room is used");
        }
    }
}
