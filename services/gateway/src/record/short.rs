//! Short texts without an allocation: addresses and statuses of a record.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Bytes of one: an address of the sixth version with its port takes 47, but for a zone.
const ROOM: usize = 64;

/// Room for a short text.
pub(super) struct Short {
    bytes: [u8; ROOM],
    length: usize,
}

// === impl Short ===

impl Short {
    pub(super) fn new() -> Self {
        Self { bytes: [0; ROOM], length: 0 }
    }

    /// What `write` writes: here if it is short, else in a text of its own.
    pub(super) fn text(&mut self, write: impl Fn(&mut dyn Write) -> fmt::Result) -> Cow<'_, str> {
        self.length = 0;
        if write(self).is_ok()
            && let Ok(text) = str::from_utf8(&self.bytes[..self.length])
        {
            return Cow::Borrowed(text);
        }
        let mut text = String::new();
        write(&mut text).expect("a String takes every text");
        Cow::Owned(text)
    }
}

impl Write for Short {
    /// Takes a piece whole or not at all.
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let end = self.length + piece.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_whole_whatever_its_length() {
        let mut room = Short::new();
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, 4 * ROOM] {
            let expect = "ä".repeat(length / 2) + &"x".repeat(length % 2);
            let text = room.text(|out| expect.chars().try_for_each(|c| out.write_char(c)));
            assert_eq!(text, expect);
            assert_eq!(matches!(text, Cow::Borrowed(_)), length <= ROOM, "{length}");
        }
    }
}
