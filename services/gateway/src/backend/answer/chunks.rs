//! A chunked body of a backend, from its bytes to its data and trailers.
//!
//! Not as strict as what is asked of clients (`framing`): nobody else reads these bytes in another
//! way, since the client gets chunks of our own.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use memchr::memchr;

use super::Malformed;

/// Bytes of all extensions of a body together. They carry nothing here.
const EXTENSIONS_MAX: usize = 16 * 1024;
/// Bytes of all trailers together.
const TRAILERS_MAX: usize = 16 * 1024;

/// How far a chunked body was read.
#[derive(Debug)]
pub(crate) struct Chunks {
    state: State,
    /// Bytes of extensions so far.
    extensions: usize,
    /// Trailers as they came, line ends included.
    trailers: Vec<u8>,
    /// How many of them there may be.
    trailers_max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    Start,
    /// In the digits of a size.
    Size(u64),
    /// In the spaces after it.
    Space(u64),
    /// In an extension.
    Extension(u64),
    /// After the CR of the size's line.
    SizeEnd(u64),
    /// In the data; so many bytes are to come.
    Data(u64),
    /// Before CR, then LF after the data.
    DataCr,
    DataLf,
    /// At the beginning of a trailer's line, or of the last one.
    Line,
    /// In a trailer's line.
    Trailer,
    /// After the CR of a trailer's line.
    TrailerEnd,
    /// After the CR of the last line.
    End,
    Done,
}

// === impl Chunks ===

impl Chunks {
    /// At the beginning of a body that may have so many trailers.
    pub(super) fn new(trailers_max: usize) -> Self {
        Self { state: State::Start, extensions: 0, trailers: Vec::new(), trailers_max }
    }

    /// True when the last line was seen, and the trailers were taken.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done && self.trailers.is_empty()
    }

    /// Cuts the next data, or the trailers, off `input`, and what stands around them: so the end is
    /// known with the last data, if it came with them.
    pub(super) fn take(&mut self, input: &mut Bytes) -> Result<Option<Frame<Bytes>>, Malformed> {
        self.skip(input)?;
        let State::Data(left) = self.state else {
            return self.trailers();
        };
        if input.is_empty() {
            return Ok(None);
        }
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let data = input.split_to(here);
        let left = left - here as u64;
        self.state = if left == 0 { State::DataCr } else { State::Data(left) };
        // What is wrong behind the data is said when they were handed over.
        let (state, extensions) = (self.state, self.extensions);
        let mut behind = input.clone();
        if self.skip(&mut behind).is_ok() {
            *input = behind;
        } else {
            (self.state, self.extensions) = (state, extensions);
            self.trailers.clear();
        }
        Ok(Some(Frame::data(data)))
    }

    /// Goes over what is no data.
    fn skip(&mut self, input: &mut Bytes) -> Result<(), Malformed> {
        let mut at = 0;
        while at < input.len() && !matches!(self.state, State::Data(_) | State::Done) {
            if self.state == State::Trailer {
                // A long value is one step.
                let end = memchr(b'\r', &input[at..]).map_or(input.len(), |found| at + found);
                self.keep(&input[at..end])?;
                at = end;
                if at == input.len() {
                    break;
                }
            }
            self.state = self.after(input[at])?;
            at += 1;
        }
        input.advance(at);
        Ok(())
    }

    fn after(&mut self, byte: u8) -> Result<State, Malformed> {
        let state = match (self.state, byte) {
            (State::Start, _) => State::Size(u64::from(digit(byte)?)),
            (State::Size(size) | State::Space(size), b'\t' | b' ') => State::Space(size),
            (State::Size(size) | State::Space(size), b';') => State::Extension(size),
            (State::Size(size) | State::Space(size), b'\r') => State::SizeEnd(size),
            (State::Size(size), _) => {
                let size = size.checked_mul(16).ok_or(Malformed)?;
                State::Size(size + u64::from(digit(byte)?))
            }
            (State::Extension(size), b'\r') => State::SizeEnd(size),
            (State::Extension(_), b'\n') => return Err(Malformed),
            (State::Extension(size), _) => {
                self.extensions += 1;
                if self.extensions >= EXTENSIONS_MAX {
                    return Err(Malformed);
                }
                State::Extension(size)
            }
            (State::SizeEnd(0), b'\n') => State::Line,
            (State::SizeEnd(size), b'\n') => State::Data(size),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Start,
            (State::Line, b'\r') => State::End,
            (State::Line, _) => {
                self.keep(&[byte])?;
                State::Trailer
            }
            (State::Trailer, _) => {
                self.keep(&[byte])?;
                State::TrailerEnd
            }
            (State::TrailerEnd, b'\n') => {
                self.keep(b"\n")?;
                State::Line
            }
            (State::End, b'\n') => State::Done,
            (State::Space(_) | State::SizeEnd(_) | State::DataCr | State::DataLf, _) => {
                return Err(Malformed);
            }
            (State::TrailerEnd | State::End | State::Data(_) | State::Done, _) => {
                return Err(Malformed);
            }
        };
        Ok(state)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.trailers.extend_from_slice(bytes);
        if self.trailers.len() >= TRAILERS_MAX { Err(Malformed) } else { Ok(()) }
    }

    /// The trailers, when all of them are there and there are some.
    fn trailers(&mut self) -> Result<Option<Frame<Bytes>>, Malformed> {
        if self.state != State::Done || self.trailers.is_empty() {
            return Ok(None);
        }
        let mut kept = std::mem::take(&mut self.trailers);
        // Each line has one CR. A bare LF does not make two trailers of one.
        let count = memchr::memchr_iter(b'\r', &kept).count();
        if count > self.trailers_max {
            return Err(Malformed);
        }
        kept.extend_from_slice(b"\r\n");
        let mut lines = vec![httparse::EMPTY_HEADER; count];
        let parsed = httparse::parse_headers(&kept, &mut lines).map_err(|_| Malformed)?;
        let httparse::Status::Complete((_, lines)) = parsed else { return Err(Malformed) };
        let mut trailers = HeaderMap::with_capacity(lines.len());
        for line in lines {
            let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed)?;
            let value = HeaderValue::from_bytes(line.value).map_err(|_| Malformed)?;
            trailers.append(name, value);
        }
        Ok(Some(Frame::trailers(trailers)))
    }
}

/// A digit of a size.
fn digit(byte: u8) -> Result<u8, Malformed> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(Malformed),
    }
}
