//! The other side of a connection, in memory: it says what was written for it, and reads everything.
//!
//! Nothing wakes anybody: whoever drives hyper asks again until nothing changes.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

/// Between two turns hyper has nothing to wait for: so many without anything new are the end of what
/// it does by itself.
pub const TURNS_IDLE_MAX: usize = 4;

/// The other side. A reference to it is the socket.
pub struct Peer<'b> {
    left: Cell<&'b [u8]>,
    speaks: Cell<bool>,
    closed: Cell<bool>,
}

impl<'b> Peer<'b> {
    /// A client, which says all that it will say at once.
    pub const fn client(bytes: &'b [u8]) -> Self {
        Self { left: Cell::new(bytes), speaks: Cell::new(true), closed: Cell::new(false) }
    }

    /// A server, which says nothing before it was spoken to.
    pub const fn server(bytes: &'b [u8]) -> Self {
        Self { left: Cell::new(bytes), speaks: Cell::new(false), closed: Cell::new(false) }
    }

    /// How many bytes nobody has read yet.
    pub const fn left(&self) -> usize {
        self.left.get().len()
    }

    /// Closes the connection behind the last byte. Says whether it was closed before.
    pub const fn close(&self) -> bool {
        self.closed.replace(true)
    }

    /// Whether it was closed.
    pub const fn is_closed(&self) -> bool {
        self.closed.get()
    }
}

impl Read for &Peer<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left.get();
        let (now, later) = left.split_at(cursor.remaining().min(left.len()));
        if !self.speaks.get() || (now.is_empty() && !self.closed.get()) {
            return Poll::Pending;
        }
        cursor.put_slice(now);
        self.left.set(later);
        Poll::Ready(Ok(()))
    }
}

impl Write for &Peer<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.speaks.set(true);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
