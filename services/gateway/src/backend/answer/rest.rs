//! What follows the head of an answer.

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::chunks::Chunks;
use super::{AnswerLimits, Malformed};

/// What is still to come of an answer.
#[derive(Debug)]
pub(crate) enum Rest {
    /// So many bytes; not 0.
    Known(u64),
    /// Chunks.
    Chunked(Box<Chunks>),
    /// All that comes before the backend closes the connection.
    UntilClose,
    /// Nothing.
    Done,
}

// === impl Rest ===

impl Rest {
    /// Chunks, from the first one on.
    pub(super) fn chunked(limits: AnswerLimits) -> Self {
        Self::Chunked(Box::new(Chunks::new(limits.headers)))
    }

    /// True when the answer is whole.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// How long the rest is, if that is known.
    pub(crate) fn hint(&self) -> SizeHint {
        match self {
            Self::Known(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::UntilClose => SizeHint::default(),
            Self::Done => SizeHint::with_exact(0),
        }
    }

    /// Cuts the next piece off `input`. Nothing: more is to come, unless the answer is whole.
    ///
    /// # Errors
    /// What came is not what was announced.
    pub(crate) fn take(&mut self, input: &mut Bytes) -> Result<Option<Frame<Bytes>>, Malformed> {
        match self {
            Self::Known(_) | Self::UntilClose if input.is_empty() => Ok(None),
            Self::Known(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= here as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(Some(Frame::data(input.split_to(here))))
            }
            Self::Chunked(chunks) => {
                let frame = chunks.take(input)?;
                if chunks.is_done() {
                    *self = Self::Done;
                }
                Ok(frame)
            }
            Self::UntilClose => Ok(Some(Frame::data(std::mem::take(input)))),
            Self::Done => Ok(None),
        }
    }

    /// The backend closed the connection.
    ///
    /// # Errors
    /// Something was still to come.
    pub(crate) fn close(&mut self) -> Result<(), Malformed> {
        match self {
            Self::UntilClose | Self::Done => {
                *self = Self::Done;
                Ok(())
            }
            Self::Known(_) | Self::Chunked(_) => Err(Malformed),
        }
    }
}
