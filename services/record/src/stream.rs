//! Where a record belongs: the stream.

use std::fmt;
use std::str::FromStr;

/// Longest name of a gateway, in bytes: it stands in every record and every key.
pub const GATEWAY_MAX: usize = 128;

/// Epochs are below 2^53, so that they stay exact as JSON numbers in every reader.
pub const EPOCH_END: u64 = 1 << 53;

/// One worker of one gateway in one life of its process.
///
/// Within a stream `seq` is 0, 1, 2, … without gaps, and `time` never goes back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// Name of the gateway, or `ingest:<source>`; at most [`GATEWAY_MAX`] bytes.
    pub gateway: String,
    /// Start of the life, milliseconds; below [`EPOCH_END`].
    pub epoch: u64,
    /// Number of the worker in its life.
    pub worker: u16,
}

impl fmt::Display for Stream {
    /// `gateway/epoch/worker`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gateway, epoch, worker } = self;
        write!(f, "{gateway}/{epoch}/{worker}")
    }
}

/// The text is no `gateway/epoch/worker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stream is written as `gateway/epoch/worker`")]
pub struct NoStream;

impl FromStr for Stream {
    type Err = NoStream;

    /// The name may hold `/` itself, so it is read from the right.
    fn from_str(text: &str) -> Result<Self, NoStream> {
        let (rest, worker) = text.rsplit_once('/').ok_or(NoStream)?;
        let (gateway, epoch) = rest.rsplit_once('/').ok_or(NoStream)?;
        let epoch: u64 = epoch.parse().map_err(|_| NoStream)?;
        let worker = worker.parse().map_err(|_| NoStream)?;
        if gateway.is_empty() || gateway.len() > GATEWAY_MAX || epoch >= EPOCH_END {
            return Err(NoStream);
        }
        Ok(Self { gateway: gateway.to_owned(), epoch, worker })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_back_from_its_text() {
        let stream = Stream { gateway: "ingest:a/b".into(), epoch: 1_705_464_529_000, worker: 3 };
        assert_eq!(stream.to_string(), "ingest:a/b/1705464529000/3");
        assert_eq!(stream.to_string().parse(), Ok(stream));
        for text in ["", "gw", "gw/1", "/1/2", "gw/x/1", "gw/1/65536", "gw/9007199254740992/0"] {
            assert_eq!(text.parse::<Stream>(), Err(NoStream), "{text}");
        }
    }
}
