//! Follows a head to its empty line, then checks each line of it.
//!
//! Two passes: [`Head::take`] looks for line ends only, as bytes come; [`check`] reads the whole
//! head once. Stricter than RFC 9112 where servers differ.

use memchr::{memchr, memrchr};
use policy::errors::framing;

use super::target::{self, Target};
use super::{Frame, Length, Refused};

/// Empty lines before a request line. RFC 9112 asks servers to forgive one.
const EMPTY_LINES_MAX: u8 = 1;
/// Bytes of a header's name: hyper takes no longer ones.
const NAME_MAX: usize = u16::MAX as usize;
/// Digits of a `Content-Length`: below 2^63 whatever they are.
const LENGTH_DIGITS_MAX: usize = 18;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadLimits {
    /// Bytes of the whole head.
    pub(crate) head: usize,
    /// Bytes of the request target.
    pub(crate) uri: usize,
    /// Number of headers.
    pub(crate) headers: usize,
}

/// How far a head was read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    /// Bytes looked at.
    seen: usize,
    /// Where the current line begins.
    line: usize,
    /// Where the request line begins: empty lines may stand before it.
    start: usize,
    /// Lines that ended, the empty ones at the beginning apart.
    lines: usize,
    empty: u8,
}

/// What can be told of a head that was refused, or that never became whole.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sketch<'h> {
    pub(crate) method: &'h [u8],
    pub(crate) target: &'h [u8],
    pub(crate) host: &'h [u8],
    /// The request said `HTTP/1.0`.
    pub(crate) http_10: bool,
}

// === impl Head ===

impl Head {
    /// Looks at `bytes`, the head so far from its first byte on. Nothing: more is to come.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<Frame>, Refused> {
        while let Some(found) = memchr(b'\n', &bytes[self.seen..]) {
            let end = self.seen + found;
            if end == self.line || bytes[end - 1] != b'\r' {
                return Err(&framing::BARE_LF);
            }
            let empty = end - 1 == self.line;
            self.line_fits(end, limits)?;
            self.seen = end + 1;
            self.line = self.seen;
            if empty && self.lines > 0 {
                return self.check(&bytes[..self.seen], limits).map(Some);
            }
            self.count(empty, limits)?;
        }
        self.seen = bytes.len();
        self.bounds(bytes, limits)?;
        Ok(None)
    }

    fn count(&mut self, empty: bool, limits: &HeadLimits) -> Result<(), Refused> {
        if empty {
            self.empty += 1;
            self.start = self.line;
            return if self.empty > EMPTY_LINES_MAX { Err(&framing::MALFORMED) } else { Ok(()) };
        }
        self.lines += 1;
        if self.lines > limits.headers + 1 { Err(&framing::HEAD_TOO_LARGE) } else { Ok(()) }
    }

    /// Whether the request line is not too long already, its bytes up to `end` seen.
    fn line_fits(&self, end: usize, limits: &HeadLimits) -> Result<(), Refused> {
        // The longest method, two spaces and the version stand around the target.
        let line_max = limits.uri + target::METHOD_MAX + "  HTTP/1.1\r\n".len();
        let too_long = self.lines == 0 && end - self.start > line_max;
        if too_long { Err(&framing::URI_TOO_LONG) } else { Ok(()) }
    }

    /// What is too long already, before its end was seen.
    fn bounds(&self, bytes: &[u8], limits: &HeadLimits) -> Result<(), Refused> {
        self.line_fits(bytes.len(), limits)?;
        if bytes.len() > limits.head { Err(&framing::HEAD_TOO_LARGE) } else { Ok(()) }
    }

    fn check(&self, head: &[u8], limits: &HeadLimits) -> Result<Frame, Refused> {
        let mut lines = Lines(&head[self.start..]);
        let target = target::check(lines.next().unwrap_or_default(), limits.uri)?;
        if head.len() > limits.head {
            return Err(&framing::HEAD_TOO_LARGE);
        }
        let mut framers = Framers::default();
        for line in lines {
            framers.header(line)?;
        }
        Ok(Frame { head: head.len(), body: framers.length(&target)? })
    }
}

/// The headers that say who is called and where the body ends.
#[derive(Default)]
struct Framers<'h> {
    host: Option<&'h [u8]>,
    length: Option<u64>,
    chunked: bool,
}

impl<'h> Framers<'h> {
    fn header(&mut self, line: &'h [u8]) -> Result<(), Refused> {
        let (name, value) = split(line)?;
        if name.eq_ignore_ascii_case(b"host") {
            return match self.host.replace(value) {
                None => Ok(()),
                Some(_) => Err(&framing::HOST_REPEATED),
            };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            return match self.length.replace(length(value)?) {
                None => Ok(()),
                Some(_) => Err(&framing::LENGTH_REPEATED),
            };
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(&framing::TRANSFER_ENCODING);
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn length(&self, target: &Target<'_>) -> Result<Length, Refused> {
        if let (Some(authority), Some(host)) = (target.authority, self.host)
            && !authority.eq_ignore_ascii_case(host)
        {
            return Err(&framing::HOST_DIFFERS);
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(&framing::LENGTH_AND_CHUNKED),
            (true, None) if target.http_10 => Err(&framing::TRANSFER_ENCODING),
            (true, None) => Ok(Length::Chunked),
            (false, length) => Ok(Length::Known(length.unwrap_or(0))),
        }
    }
}

/// One header line to name and value; the value without the spaces around it.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Refused> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(&framing::HEADER_FOLDED);
    }
    let colon = memchr(b':', line).ok_or(&framing::MALFORMED)?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.len() > NAME_MAX {
        return Err(&framing::HEAD_TOO_LARGE);
    }
    let good = !name.is_empty()
        && name.iter().all(|byte| is_token(*byte))
        && line[colon + 1..].iter().all(|byte| is_text(*byte));
    if good { Ok((name, value)) } else { Err(&framing::MALFORMED) }
}

fn length(value: &[u8]) -> Result<u64, Refused> {
    if value.contains(&b',') {
        return Err(&framing::LENGTH_REPEATED);
    }
    let digits =
        (1..=LENGTH_DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    if !digits {
        return Err(&framing::LENGTH_INVALID);
    }
    Ok(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// A character of a method or of a header's name (RFC 9110, `tchar`).
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A character that may stand in a header's value: no controls but the tab, so neither NUL nor CR.
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// What can be told of the request that begins with `bytes`, whatever is wrong with it.
pub(crate) fn sketch(bytes: &[u8]) -> Sketch<'_> {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let mut lines = bytes[start..].split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
    let request = lines.next().unwrap_or_default();
    let (method, rest) = match memchr(b' ', request) {
        Some(space) => (&request[..space], request[space + 1..].trim_ascii()),
        None => (request, &[][..]),
    };
    let (target, version) = match memrchr(b' ', rest) {
        Some(space) => (&rest[..space], &rest[space + 1..]),
        None => (rest, &[][..]),
    };
    let host = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let colon = memchr(b':', line)?;
        line[..colon].eq_ignore_ascii_case(b"host").then(|| line[colon + 1..].trim_ascii())
    });
    Sketch { method, target, host: host.unwrap_or_default(), http_10: version == b"HTTP/1.0" }
}

/// The lines of a head without their ends, up to the empty one.
struct Lines<'h>(&'h [u8]);

impl<'h> Iterator for Lines<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        let end = memchr(b'\n', self.0)?;
        let line = &self.0[..end - 1];
        self.0 = &self.0[end + 1..];
        if line.is_empty() { None } else { Some(line) }
    }
}
