//! Bodies on their way, both ways: one frame at a time, nothing kept, the slower side sets the
//! pace.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use policy::errors::{Entry, framing};
use record::Fault;
use tokio::time::Sleep;

use super::{Call, head};
use crate::backend::Channel;
use crate::budget::poll_timer;
use crate::exchange::{Exchange, Phase};
use crate::wire::Wire;

/// The body of a client's request. It outlives a try, so that one which took nothing of it can be
/// followed by another.
pub(crate) struct Upload {
    incoming: RefCell<Incoming>,
    /// What was read before it is sent on.
    ahead: RefCell<VecDeque<Frame<Bytes>>>,
    taken: Cell<u64>,
    started: Cell<bool>,
    ended: Cell<Option<Instant>>,
    refused: Cell<Option<&'static Entry>>,
}

/// An upload as it is sent to a backend.
pub(crate) struct RequestBody {
    wire: Rc<Wire>,
    upload: Rc<Upload>,
}

/// The body of a backend's answer.
pub(crate) struct BackendBody {
    wire: Rc<Wire>,
    exchange: Rc<Exchange>,
    upload: Rc<Upload>,
    /// Until the answer is whole.
    channel: Option<Box<Channel>>,
    idle: Duration,
    deadline: Instant,
    /// Runs while the backend is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    broken: bool,
}

/// A body ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is cut")]
pub(crate) struct BodyCut;

// === impl Upload ===

impl Upload {
    /// `arrived`: when the request came, with the whole of its body if it has none.
    pub(crate) fn new(incoming: Incoming, arrived: Instant) -> Self {
        let ended = incoming.is_end_stream().then_some(arrived);
        Self {
            incoming: RefCell::new(incoming),
            ahead: RefCell::default(),
            taken: Cell::new(0),
            started: Cell::new(false),
            ended: Cell::new(ended),
            refused: Cell::new(None),
        }
    }

    pub(crate) fn hint(&self) -> SizeHint {
        let read =
            self.ahead.borrow().iter().filter_map(Frame::data_ref).map(Bytes::len).sum::<usize>();
        let (rest, read) = (self.incoming.borrow().size_hint(), read as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + read);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + read);
        }
        hint
    }

    /// Reads until `max` bytes are here, or the body has ended or broken off. What is read is kept
    /// to be sent on; the same bytes are given.
    pub(crate) async fn read_ahead(&self, wire: &Wire, max: usize) -> Vec<u8> {
        let mut read = Vec::new();
        while read.len() < max {
            let next = std::future::poll_fn(|cx| {
                let polled = Pin::new(&mut *self.incoming.borrow_mut()).poll_frame(cx);
                wire.body_wanted.set(polled.is_pending());
                polled
            });
            let Some(Ok(frame)) = next.await else { break };
            if let Some(data) = frame.data_ref() {
                let room = max - read.len();
                read.extend_from_slice(&data[..data.len().min(room)]);
            }
            self.ahead.borrow_mut().push_back(frame);
        }
        read
    }

    /// True when nothing more will come.
    fn is_at_end(&self) -> bool {
        self.ahead.borrow().is_empty() && self.incoming.borrow().is_end_stream()
    }

    /// Takes what is left and throws it away.
    pub(crate) async fn discard(&self) {
        if self.ended.get().is_some() {
            return;
        }
        std::future::poll_fn(|cx| {
            let mut incoming = self.incoming.borrow_mut();
            loop {
                match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                    Some(Ok(_)) => {}
                    None | Some(Err(_)) => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    /// True when a byte of it was taken: what was taken can not be sent a second time.
    pub(super) fn started(&self) -> bool {
        self.started.get()
    }

    /// When it was taken whole.
    pub(super) fn ended(&self) -> Option<Instant> {
        self.ended.get()
    }

    /// True when the rest of it is to come from the client.
    pub(super) fn awaited(&self, wire: &Wire) -> bool {
        self.ended.get().is_none() && wire.body_wanted.get()
    }

    pub(super) fn refused(&self) -> Option<&'static Entry> {
        self.refused.get()
    }

    fn end(&self) {
        if self.ended.get().is_none() {
            self.ended.set(Some(Instant::now()));
        }
    }
}

// === impl RequestBody ===

impl RequestBody {
    pub(super) fn new(wire: &Rc<Wire>, upload: &Rc<Upload>) -> Self {
        Self { wire: wire.clone(), upload: upload.clone() }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyCut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyCut>>> {
        let upload = &self.upload;
        let ahead = upload.ahead.borrow_mut().pop_front();
        let polled = match ahead {
            Some(frame) => Some(Ok(frame)),
            None => {
                let polled = Pin::new(&mut *upload.incoming.borrow_mut()).poll_frame(cx);
                self.wire.body_wanted.set(polled.is_pending());
                ready!(polled)
            }
        };
        upload.started.set(true);
        let Some(frame) = polled else {
            upload.end();
            return Poll::Ready(None);
        };
        let Ok(mut frame) = frame else {
            if !self.wire.lost() && self.wire.refused().is_none() {
                // hyper found fault with what was let pass, as with too many trailers.
                upload.refused.set(Some(&framing::MALFORMED));
            }
            return Poll::Ready(Some(Err(BodyCut)));
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        upload.taken.set(upload.taken.get() + bytes);
        if upload.taken.get() > self.wire.worker.config.limits.body {
            upload.refused.set(Some(&framing::BODY_TOO_LARGE));
            return Poll::Ready(Some(Err(BodyCut)));
        }
        if let Some(trailers) = frame.trailers_mut() {
            head::clean_trailers(trailers);
        }
        if upload.is_at_end() || frame.is_trailers() {
            upload.end();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.upload.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.upload.hint()
    }
}

// === impl BackendBody ===

impl BackendBody {
    pub(super) fn new(call: &Call<'_>, channel: Box<Channel>) -> Self {
        let whole = channel.is_done();
        let mut body = Self {
            wire: call.wire.clone(),
            exchange: call.exchange.clone(),
            upload: call.upload.clone(),
            channel: Some(channel),
            idle: call.backend.timeouts.idle,
            deadline: call.deadline,
            timer: None,
            broken: false,
        };
        if whole {
            body.finish();
        }
        body
    }

    /// True when the client can only tell the end by the end of the connection.
    pub(crate) fn unframed(&self) -> bool {
        self.size_hint().exact().is_none()
    }

    /// The answer is whole: its connection may serve another request.
    fn finish(&mut self) {
        let Some(channel) = self.channel.take() else { return };
        self.exchange.facts.borrow_mut().tries.whole(channel.link.moved());
        if self.upload.ended().is_some() {
            self.wire.worker.pool.keep(channel);
        }
    }

    /// The answer will never be whole.
    fn fail(&mut self) {
        self.broken = true;
        self.exchange.facts.borrow_mut().tries.end(None);
        match self.wire.refused().or(self.upload.refused()) {
            Some(entry) => self.exchange.fail_with(entry, Phase::None),
            None if self.wire.lost() => {}
            None => self.exchange.fail("".into(), Fault::Backend, Phase::Receiving),
        }
        self.channel = None;
    }

    /// Fails, but lets hyper hand over first what it has: it drops its buffer with an error.
    fn break_off<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.fail();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready when nothing came for too long: neither from the backend nor, while that may wait for
    /// the rest of the request, from the client, which has a limit of its own.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.deadline.min(Instant::now() + self.idle);
        let sleep =
            self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until.into())));
        loop {
            ready!(poll_timer(sleep.as_mut(), cx));
            let now = Instant::now();
            let awaited = self.upload.awaited(&self.wire);
            let moved = self.channel.as_ref().map(|channel| channel.link.moved());
            let moved = if awaited { Some(now) } else { moved };
            let until = self.deadline.min(moved.unwrap_or(now) + self.idle);
            if until <= now {
                if awaited {
                    self.upload.refused.set(Some(&framing::BODY_TIMEOUT));
                }
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until.into());
        }
    }
}

impl Body for BackendBody {
    type Data = Bytes;
    type Error = BodyCut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyCut>>> {
        if self.broken {
            return Poll::Ready(Some(Err(BodyCut)));
        }
        let Some(channel) = &mut self.channel else { return Poll::Ready(None) };
        let frame = match channel.poll_body(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(None) => {
                self.finish();
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(_))) => return self.break_off(cx),
            Poll::Pending => {
                ready!(self.poll_late(cx));
                return self.break_off(cx);
            }
        };
        let whole = channel.is_done();
        self.timer = None;
        if whole {
            self.finish();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        !self.broken && self.channel.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.channel.as_ref().map_or(SizeHint::with_exact(0), |channel| channel.hint())
    }
}
