//! What goes to a client, and what is held back.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// A buffer of up to so many bytes is kept for the next answer. Small answers fit, and ten thousand
/// connections that once had a large one do not hold on to its memory.
const KEEP_MAX: usize = 4096;

/// The writing half.
pub(super) struct Output {
    pub(super) mode: Mode,
    /// The end of an answer. At most what hyper buffers: `limits.buffer` and one frame.
    held: Vec<u8>,
    /// How much of it was written.
    written: usize,
    /// What the socket did not take of an early head; goes before all that follows.
    early: Vec<u8>,
    /// The socket took a part of what hyper says before the answer.
    pub(super) torn: bool,
    /// Since when the socket takes nothing.
    blocked: Option<Instant>,
}

/// What happens to bytes that hyper writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They go to the socket.
    Open,
    /// They end an answer and are held.
    Held,
    /// The held ones go to the socket.
    Released,
}

// === impl Output ===

impl Output {
    pub(super) fn new() -> Self {
        Self {
            mode: Mode::Open,
            held: Vec::new(),
            written: 0,
            early: Vec::new(),
            torn: false,
            blocked: None,
        }
    }

    pub(super) fn hold(&mut self) {
        debug_assert_eq!(self.mode, Mode::Open, "an answer ends once");
        self.held.append(&mut self.early);
        self.mode = Mode::Held;
    }

    /// Writes an early head, whole or not at all but for what the socket tears. Returns how many
    /// bytes of it are on their way.
    pub(super) fn inform(&mut self, socket: &TcpStream, head: &[u8]) -> usize {
        if head.is_empty() || self.mode != Mode::Open || self.torn || !self.early.is_empty() {
            return 0;
        }
        // A failure shows again when the answer is written.
        match socket.try_write(head).unwrap_or(0) {
            0 => 0,
            taken => {
                self.early.extend_from_slice(&head[taken..]);
                head.len()
            }
        }
    }

    /// Writes the rest of an early head.
    pub(super) fn poll_early(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut TcpStream,
    ) -> Poll<io::Result<()>> {
        while !self.early.is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, &self.early))?;
            self.early.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Writes what the socket takes at once. True when nothing is left.
    pub(super) fn release(&mut self, socket: &TcpStream) -> bool {
        self.mode = Mode::Released;
        // A failure shows again when the connection's own task writes the rest.
        let written = socket.try_write(self.rest()).unwrap_or(0);
        self.advance(written)
    }

    /// The held bytes that were not written.
    pub(super) fn rest(&self) -> &[u8] {
        &self.held[self.written..]
    }

    /// So many held bytes were written. True when nothing is left.
    pub(super) fn advance(&mut self, bytes: usize) -> bool {
        self.written += bytes;
        self.blocked = None;
        if self.written < self.held.len() {
            return false;
        }
        if self.held.capacity() > KEEP_MAX {
            self.held = Vec::new();
        }
        self.held.clear();
        self.written = 0;
        self.mode = Mode::Open;
        true
    }

    /// The socket took bytes, or it did not.
    pub(super) fn note(&mut self, took: bool) {
        self.blocked = if took { None } else { self.blocked.or_else(|| Some(Instant::now())) };
    }

    pub(super) fn stalled_for(&self, now: Instant) -> Duration {
        self.blocked.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}
