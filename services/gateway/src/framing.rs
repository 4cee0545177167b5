//! Where a request begins and ends, and which ones are refused before hyper sees them.
//!
//! hyper repairs some heads that two servers could read in two ways, in silence: of
//! `Content-Length` with `Transfer-Encoding` it drops the first, equal lengths it merges, a bare
//! LF it takes as the end of a line. So every byte of a request passes here first.
//! - Nothing is repaired: a request is handed on as it came, or refused with an entry of the
//!   catalog. What is handed on, hyper accepts.
//! - [`Head`] and [`Body`] are fed with bytes as they come and say how many belong to the request.
//! - No IO, no clock, no allocation.

mod chunked;
mod head;
mod target;

use policy::errors::{Entry, framing};

use chunked::Chunked;
pub(crate) use head::{Head, HeadLimits, sketch};

/// Why a request is refused.
pub(crate) type Refused = &'static Entry;

/// What a good head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes of the head, from the first one received to its empty line.
    pub(crate) head: usize,
    /// How the body ends.
    pub(crate) body: Length,
}

/// How the body of a request ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// After so many bytes; 0 for no body.
    Known(u64),
    /// After the last chunk and its trailers.
    Chunked,
}

/// Follows a body to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body {
    /// So many bytes are to come.
    Known(u64),
    /// Chunks are to come.
    Chunked(Chunked),
}

// === impl Body ===

impl Body {
    /// hyper takes as many trailers as headers, and so do we.
    pub(crate) fn new(length: Length, limits: &HeadLimits) -> Self {
        match length {
            Length::Known(bytes) => Self::Known(bytes),
            Length::Chunked => Self::Chunked(Chunked::new(limits.headers)),
        }
    }

    /// True when all of the body was seen.
    pub(crate) fn complete(&self) -> bool {
        match self {
            Self::Known(left) => *left == 0,
            Self::Chunked(chunked) => chunked.complete(),
        }
    }

    /// How many of `bytes` belong to the body.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<usize, Refused> {
        match self {
            Self::Known(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                Ok(taken)
            }
            Self::Chunked(chunked) => chunked.take(bytes).ok_or(&framing::CHUNK_INVALID),
        }
    }
}

#[cfg(test)]
mod tests;
