//! Follows a chunked body byte by byte.
//!
//! Stricter than RFC 9112 where servers differ: no space around a chunk's size, no bare LF, no
//! control characters in extensions and trailers, no folded trailers.

/// A chunk's size has at most so many digits: 2^60 bytes are more than any body limit.
const SIZE_DIGITS_MAX: u8 = 15;
/// Bytes of one chunk's extension. They carry nothing here; hyper stops at 16 KiB in total.
const EXTENSION_MAX: u16 = 256;
/// Bytes of all trailers together, line ends included. hyper would take as much as a head.
const TRAILERS_MAX: u16 = 8192;

/// The state between two bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of extension or trailers so far.
    spent: u16,
    /// So many more trailers may come.
    trailers: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the digits of a size.
    Size {
        size: u64,
        digits: u8,
    },
    /// In an extension.
    Extension {
        size: u64,
    },
    /// After the CR of a size line.
    SizeEnd {
        size: u64,
    },
    /// In the data.
    Data {
        left: u64,
    },
    /// Before CR, then LF after the data.
    DataCr,
    DataLf,
    /// At the beginning of a trailer line or of the last line.
    Line,
    /// In the name of a trailer.
    Name,
    /// In its value.
    Value,
    /// After the CR of a trailer line.
    ValueEnd,
    /// After the CR of the last line.
    End,
    Complete,
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size: 0, digits: 0 }
    }
}

// === impl Chunked ===

impl Chunked {
    /// At the beginning of a body that may have so many trailers.
    pub(crate) fn new(trailers: usize) -> Self {
        Self { state: State::default(), spent: 0, trailers }
    }

    pub(crate) fn complete(&self) -> bool {
        self.state == State::Complete
    }

    /// How many of `bytes` belong to the body; nothing when they are malformed.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Complete {
            if let State::Data { left } = self.state {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += here;
                let left = left - here as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                continue;
            }
            self.state = self.after(bytes[at])?;
            at += 1;
        }
        Some(at)
    }

    fn after(&mut self, byte: u8) -> Option<State> {
        match (self.state, byte) {
            (State::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map(u64::from)?;
                let fits = digits < SIZE_DIGITS_MAX;
                fits.then_some(State::Size { size: size * 16 + digit, digits: digits + 1 })
            }
            (State::Size { digits: 0, .. }, _) => None,
            (State::Size { size, .. }, b'\r') => Some(State::SizeEnd { size }),
            (State::Size { size, .. }, b';') => {
                self.spent = 0;
                Some(State::Extension { size })
            }
            (State::Extension { size }, b'\r') => Some(State::SizeEnd { size }),
            (State::Extension { size }, _) => {
                self.spend(byte, EXTENSION_MAX)?;
                Some(State::Extension { size })
            }
            (State::SizeEnd { size: 0 }, b'\n') => {
                self.spent = 0;
                Some(State::Line)
            }
            (State::SizeEnd { size }, b'\n') => Some(State::Data { left: size }),
            (State::DataCr, b'\r') => Some(State::DataLf),
            (State::DataLf, b'\n') => Some(State::default()),
            (State::Line, b'\r') => Some(State::End),
            (State::Name, b':') => Some(State::Value),
            (State::Line | State::Name, _) => {
                if self.state == State::Line {
                    self.trailers = self.trailers.checked_sub(1)?;
                }
                self.spend(byte, TRAILERS_MAX)?;
                super::head::is_token(byte).then_some(State::Name)
            }
            (State::Value, b'\r') => Some(State::ValueEnd),
            (State::Value, _) => {
                self.spend(byte, TRAILERS_MAX)?;
                Some(State::Value)
            }
            (State::ValueEnd, b'\n') => Some(State::Line),
            (State::End, b'\n') => Some(State::Complete),
            (State::Size { .. } | State::SizeEnd { .. } | State::Data { .. }, _) => None,
            (State::DataCr | State::DataLf | State::ValueEnd | State::End, _) => None,
            (State::Complete, _) => None,
        }
    }

    fn spend(&mut self, byte: u8, max: u16) -> Option<()> {
        self.spent += 1;
        (self.spent <= max && super::head::is_text(byte)).then_some(())
    }
}
