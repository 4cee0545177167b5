//! What is true of one connection to a backend.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use record::RequestId;

use super::early::Early;
use crate::wire::Wire;

/// The state of one connection to a backend.
pub(crate) struct Link {
    sent: Cell<u64>,
    received: Cell<u64>,
    /// How many of the four bytes that end a head were just sent, in order.
    matched: Cell<usize>,
    reached: Cell<bool>,
    closed: Cell<bool>,
    /// When a byte went last.
    sent_at: Cell<Instant>,
    /// When a byte went or came last.
    moved: Cell<Instant>,
    early: Early,
}

/// What ends a head.
const END: &[u8; 4] = b"\r\n\r\n";

// === impl Link ===

impl Link {
    pub(crate) fn new() -> Self {
        Self {
            sent: Cell::new(0),
            received: Cell::new(0),
            matched: Cell::new(0),
            reached: Cell::new(false),
            closed: Cell::new(false),
            sent_at: Cell::new(Instant::now()),
            moved: Cell::new(Instant::now()),
            early: Early::default(),
        }
    }

    /// A request begins: its head was not sent yet.
    pub(crate) fn begin(&self) {
        self.matched.set(0);
        self.reached.set(false);
        let now = Instant::now();
        self.sent_at.set(now);
        self.moved.set(now);
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
        self.reached.get()
    }

    /// True when the backend closed the connection, or it broke.
    pub(crate) fn closed(&self) -> bool {
        self.closed.get()
    }

    /// When a byte went last.
    pub(crate) fn sent_at(&self) -> Instant {
        self.sent_at.get()
    }

    /// When a byte went or came last.
    pub(crate) fn moved(&self) -> Instant {
        self.moved.get()
    }

    pub(super) fn note_sent(&self, bytes: &[u8]) {
        let now = Instant::now();
        self.sent_at.set(now);
        self.moved.set(now);
        self.sent.set(self.sent.get() + bytes.len() as u64);
        if self.reached.get() {
            return;
        }
        let mut matched = self.matched.get();
        for byte in bytes {
            matched = match *byte {
                byte if byte == END[matched] => matched + 1,
                b'\r' => 1,
                _ => 0,
            };
            if matched == END.len() {
                self.reached.set(true);
                return;
            }
        }
        self.matched.set(matched);
    }

    /// What the backend says before its answer is for that client.
    pub(crate) fn tell_early(&self, wire: &Rc<Wire>, id: RequestId) {
        self.early.begin(wire, id);
    }

    pub(super) fn note_received(&self, bytes: &[u8]) {
        self.moved.set(Instant::now());
        self.received.set(self.received.get() + bytes.len() as u64);
        self.early.look(bytes);
    }

    pub(super) fn note_closed(&self) {
        self.closed.set(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_sent_when_its_last_byte_is() {
        let head = b"GET / HTTP/1.1\r\nA: b\r\n\r\n";
        for piece in 1..head.len() {
            let link = Link::new();
            let (most, last) = head.split_at(head.len() - 1);
            most.chunks(piece).for_each(|bytes| link.note_sent(bytes));
            assert!(!link.reached());
            link.note_sent(last);
            assert!(link.reached());
            assert_eq!(link.sent(), head.len() as u64);
            link.begin();
            assert!(!link.reached());
        }
    }
}
