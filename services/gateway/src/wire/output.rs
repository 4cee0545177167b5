//! What goes to a client, and what is held back.

use std::time::{Duration, Instant};

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
        Self { mode: Mode::Open, held: Vec::new(), written: 0, blocked: None }
    }

    pub(super) fn hold(&mut self) {
        debug_assert_eq!(self.mode, Mode::Open, "an answer ends once");
        self.mode = Mode::Held;
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
