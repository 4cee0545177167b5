//! The wire as hyper sees it, and how a connection is closed.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};
use policy::errors::framing;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Wire;
use super::input::poll_discard;
use super::output::Mode;
use crate::metrics::Count;

/// How every head of an answer begins.
const STATUS_LINE: &[u8] = b"HTTP/1.";
/// What hyper writes by itself before it has an answer from us, and nothing else.
const CONTINUE: &[u8] = b"HTTP/1.1 100";

/// The wire as hyper's IO.
pub(crate) struct ClientIo(pub(crate) Rc<Wire>);

impl Read for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_input(cx, cursor)
    }
}

impl Write for ClientIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_output(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_held(cx)
    }

    /// hyper is done. The connection's task closes the socket: it knows how.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_held(cx)
    }
}

// === impl Wire ===

impl Wire {
    pub(super) fn poll_socket(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        ready!(self.poll_socket_into(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    pub(super) fn poll_socket_into(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut *self.socket.borrow_mut()).poll_read(cx, buffer);
        self.listens.set(read.is_pending());
        read
    }

    fn poll_output(
        self: &Rc<Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let exchange = self.exchange();
        let answered = exchange.as_ref().is_some_and(|exchange| exchange.facts.borrow().status > 0);
        // The socket may have taken a part of the `100 Continue`: its rest begins in the middle.
        let own =
            |slice: &IoSlice<'_>| slice.starts_with(STATUS_LINE) && !slice.starts_with(CONTINUE);
        if !answered && slices.iter().any(own) {
            self.hyper_refused();
        }
        if self.output.borrow().mode == Mode::Held {
            let mut output = self.output.borrow_mut();
            slices.iter().for_each(|slice| output.keep(slice));
            let taken = slices.iter().map(|slice| slice.len()).sum::<usize>();
            if let Some(exchange) = exchange {
                exchange.rsp_len.set(exchange.rsp_len.get() + taken as u64);
            }
            return Poll::Ready(Ok(taken));
        }
        ready!(self.poll_held(cx))?;
        ready!(self.output.borrow_mut().poll_early(cx, &mut self.socket.borrow_mut()))?;
        let written = Pin::new(&mut *self.socket.borrow_mut()).poll_write_vectored(cx, slices);
        self.output.borrow_mut().note(written.is_ready());
        let written = ready!(written).inspect_err(|_| self.lose())?;
        let whole = slices.iter().map(|slice| slice.len()).sum::<usize>();
        self.output.borrow_mut().torn = !answered && written < whole;
        if let Some(exchange) = exchange {
            exchange.rsp_len.set(exchange.rsp_len.get() + written as u64);
            exchange.head_sent.set(exchange.head_sent.get() || answered);
        }
        Poll::Ready(Ok(written))
    }

    /// hyper answers by itself: it found fault with a head that we let pass. That is not expected;
    /// its answer is recorded all the same.
    fn hyper_refused(self: &Rc<Self>) {
        let Some(exchange) = self.exchange() else { return };
        self.worker.counters.add(Count::HyperRefused);
        debug_assert!(false, "hyper refused a head that was let pass");
        exchange.facts.borrow_mut().status = framing::MALFORMED.status;
        exchange.fail_with(&framing::MALFORMED, crate::exchange::Phase::None);
        self.end();
    }

    /// Ready when nothing is held back.
    pub(super) fn poll_held(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut output = self.output.borrow_mut();
            match output.mode {
                Mode::Open => return Poll::Ready(Ok(())),
                Mode::Held => return Poll::Pending,
                Mode::Released => {}
            }
            if self.lost() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let written = Pin::new(&mut *self.socket.borrow_mut()).poll_write(cx, output.rest());
            output.note(written.is_ready());
            let written = ready!(written).inspect_err(|_| self.lose())?;
            if output.advance(written) {
                drop(output);
                self.next_request(Instant::now());
                // hyper was told that nothing can be read; from now on something can.
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Waits until what was held is written, or the client is lost.
    pub(crate) async fn flushed(&self) {
        // An error means that the client is gone, which ends the wait as well.
        let _gone = poll_fn(|cx| {
            self.register(cx.waker());
            self.poll_held(cx)
        })
        .await;
    }

    /// Closes the socket so that what was sent arrives: a client that still sends is listened to
    /// for `linger`, since a close on unread bytes would reset the connection.
    pub(crate) async fn close(self: &Rc<Self>) {
        let unread = self.input.borrow().unread() || {
            let mut scratch = self.worker.scratch.borrow_mut();
            self.socket.borrow().try_read(&mut scratch).is_ok_and(|bytes| bytes > 0)
        };
        if !unread || self.lost() {
            return;
        }
        // A failure means that the connection is closed already.
        let closed = SockRef::from(&*self.socket.borrow()).shutdown(std::net::Shutdown::Write);
        if closed.is_ok() {
            let discard = poll_fn(|cx| poll_discard(self, cx));
            // Both ends of the wait are good ones.
            let _elapsed = tokio::time::timeout(self.worker.config.timeouts.linger, discard).await;
        }
    }

    /// Has the close of the socket reset the connection: the client shall not take what it got for
    /// a whole answer.
    pub(super) fn abort(&self) {
        // A failure means that the connection is closed already.
        let _closed = SockRef::from(&*self.socket.borrow()).set_linger(Some(Duration::ZERO));
        self.lose();
    }
}
