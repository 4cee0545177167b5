//! What a backend says before its answer: `103 Early Hints` and its like.
//!
//! hyper reads them over in silence, so they are found in the bytes that come. An answer without
//! them costs one look at one byte.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use record::RequestId;

use crate::wire::Wire;

/// Where the first digit of the status stands: `HTTP/1.1 103 `.
const STATUS: usize = 9;
/// Bytes of one early head; a longer one is not passed on.
const HEAD_MAX: usize = 8192;
/// Headers of one.
const HEADERS_MAX: usize = 32;

/// Looks for early heads of one request's answer.
#[derive(Default)]
pub(super) struct Early {
    expected: Cell<bool>,
    /// The beginning of a head that may be an early one.
    head: RefCell<Vec<u8>>,
    client: RefCell<Option<(Weak<Wire>, RequestId)>>,
}

// === impl Early ===

impl Early {
    /// A request begins, for a client that may hear early heads.
    pub(super) fn begin(&self, wire: &Rc<Wire>, id: RequestId) {
        self.expected.set(true);
        self.head.borrow_mut().clear();
        *self.client.borrow_mut() = Some((Rc::downgrade(wire), id));
    }

    /// Bytes of the answer came.
    pub(super) fn look(&self, bytes: &[u8]) {
        if !self.expected.get() {
            return;
        }
        let mut head = self.head.borrow_mut();
        if head.is_empty() && bytes.get(STATUS).is_some_and(|digit| *digit != b'1') {
            return self.expected.set(false);
        }
        head.extend_from_slice(bytes);
        let mut over = false;
        while !over && head.get(STATUS) == Some(&b'1') {
            let Some(end) = memchr::memmem::find(&head, b"\r\n\r\n") else { break };
            over = !self.pass(&head[..end + 4]);
            head.drain(..end + 4);
        }
        let answer = head.get(STATUS).is_some_and(|digit| *digit != b'1');
        if over || answer || head.len() > HEAD_MAX {
            self.expected.set(false);
            *head = Vec::new();
        }
    }

    /// False: none of the following is passed on either.
    fn pass(&self, head: &[u8]) -> bool {
        let Some(text) = rewrite(head) else { return false };
        if let Some((wire, id)) = self.client.borrow().as_ref()
            && let Some(wire) = wire.upgrade()
            && !text.is_empty()
        {
            wire.inform(*id, &text);
        }
        true
    }
}

/// An early head as the client gets it: without what belongs to the backend's connection. Empty
/// for `100 Continue`, which the gateway says itself; nothing for what is no good head.
fn rewrite(head: &[u8]) -> Option<Vec<u8>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let complete = parsed.parse(head).ok()?;
    let code = parsed.code.filter(|code| complete.is_complete() && *code != 101)?;
    if code == 100 {
        return Some(Vec::new());
    }
    let own = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];
    let mut text = format!("HTTP/1.1 {code} {}\r\n", parsed.reason.unwrap_or("")).into_bytes();
    for header in parsed.headers.iter() {
        if own.iter().all(|own| !header.name.eq_ignore_ascii_case(own.as_str())) {
            text.extend_from_slice(header.name.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(header.value);
            text.extend_from_slice(b"\r\n");
        }
    }
    text.extend_from_slice(b"\r\n");
    Some(text)
}
