//! Values of headers, and targets, that the gateway makes: some ten for each request.
//!
//! They are cut off one after the other from a piece of memory that all of a worker share, in place
//! of an allocation each; a copy of one costs none either. The piece is freed with the last of
//! them, so what outlives its request must not be made here.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;

/// Bytes of a piece: those of some twenty requests.
const PIECE: usize = 8192;
/// A rest with less room than this is left.
const REST: usize = 256;

/// Where one worker makes values.
#[derive(Default)]
pub(crate) struct Values(RefCell<BytesMut>);

// === impl Values ===

impl Values {
    /// What `write` appends.
    pub(crate) fn bytes(&self, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        let mut piece = self.0.borrow_mut();
        if piece.capacity() < REST {
            *piece = BytesMut::with_capacity(PIECE);
        }
        // A `write` that panicked may have left bytes.
        piece.clear();
        write(&mut piece);
        piece.split().freeze()
    }

    /// What `write` appends, if it can be the value of a header.
    pub(crate) fn header(&self, write: impl FnOnce(&mut BytesMut)) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.bytes(write)).ok()
    }

    /// A copy of `value`, likewise.
    pub(crate) fn copy(&self, value: &[u8]) -> Option<HeaderValue> {
        self.header(|out| out.extend_from_slice(value))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;

    #[test]
    fn what_a_panic_leaves_is_in_no_other_value() {
        let values = Values::default();
        let write = |out: &mut BytesMut| {
            out.extend_from_slice(b"of another request");
            resume_unwind(Box::new(()));
        };
        catch_unwind(AssertUnwindSafe(|| values.bytes(write))).expect_err("it panics");
        assert_eq!(values.copy(b"own").expect("it is one"), "own");
    }

    #[test]
    fn values_stay_what_they_are_whatever_follows() {
        let values = Values::default();
        let text = |n: usize| "v".repeat(n % 700) + &n.to_string();
        let made: Vec<_> = (0..2_000).map(|n| values.copy(text(n).as_bytes())).collect();
        for (n, value) in made.iter().enumerate() {
            assert_eq!(value.as_ref().expect("it is one"), &text(n));
        }
        let large = values.bytes(|out| out.extend_from_slice(&[b'x'; 3 * PIECE]));
        assert_eq!(large, [b'x'; 3 * PIECE][..]);
        assert!(values.copy(b"a\r\nb: c").is_none());
        assert_eq!(values.copy(b"").expect("it is one"), "");
    }
}
