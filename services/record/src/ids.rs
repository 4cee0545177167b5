//! Request ids: making ours, reading ours and others'.
//!
//! Ours is a UUIDv7 written as 32 lower-case hex digits: its first 48 bits are the arrival of
//! the request by the gateway's clock, so the id alone leads to the hour around it.

use std::borrow::Cow;
use std::fmt;

use crate::Time;

/// Longest request id, ours or foreign, in bytes.
pub const ID_MAX: usize = 64;

/// Places of the hyphens in the long form of a UUID, and its length.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const HYPHENATED_LEN: usize = 36;

/// One request id: a UUIDv7 as 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 32]);

/// Makes the request ids of one worker. Not shared, so nothing is locked.
///
/// Its ids are distinct and ascending, also within a millisecond and when the clock steps back:
/// then they keep the latest time that was seen.
#[derive(Debug, Default)]
pub struct RequestIds {
    context: uuid::ContextV7,
}

/// When the request of one of our ids arrived; `None` for a foreign id.
pub fn arrival(req_id: &str) -> Option<Time> {
    let id = normalize_id(req_id)?;
    let id = id.as_bytes();
    let ours = id.len() == 32
        && id.iter().all(u8::is_ascii_hexdigit)
        && id.get(12) == Some(&b'7')
        && matches!(id.get(16), Some(b'8' | b'9' | b'a' | b'b'));
    if !ours {
        return None;
    }
    let digits = std::str::from_utf8(id.get(..12)?).ok()?;
    i64::from_str_radix(digits, 16).ok().map(Time)
}

/// The form in which an id is stored and looked up; both must pass through here.
///
/// 32 hex digits in any case, with the hyphens of a UUID or without, become 32 lower-case
/// digits. Any other text is a foreign id and stays as it is, less spaces around it.
/// `None` when nothing is left, or more than [`ID_MAX`] bytes, or a control character.
pub fn normalize_id(id: &str) -> Option<Cow<'_, str>> {
    let id = id.trim();
    if id.is_empty() || id.len() > ID_MAX || id.chars().any(char::is_control) {
        return None;
    }
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let upper = id.bytes().any(|byte| byte.is_ascii_uppercase());
        return Some(if upper { Cow::Owned(id.to_ascii_lowercase()) } else { Cow::Borrowed(id) });
    }
    if hyphenated(id.as_bytes()) {
        return Some(Cow::Owned(id.replace('-', "").to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(id))
}

/// Has the shape 8-4-4-4-12.
fn hyphenated(id: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| {
        if HYPHENS.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    id.len() == HYPHENATED_LEN && id.iter().enumerate().all(fits)
}

// === impl RequestId ===

impl RequestId {
    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the digits were written as ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl RequestIds ===

impl RequestIds {
    /// A generator of its own for one worker.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next id, for a request that arrived at `now_ms` (milliseconds since 1970).
    pub fn next(&self, now_ms: u64) -> RequestId {
        let nanos = u32::try_from(now_ms % 1000).unwrap_or_default().saturating_mul(1_000_000);
        let at = uuid::Timestamp::from_unix(&self.context, now_ms / 1000, nanos);
        let mut hex = [0; 32];
        uuid::Uuid::new_v7(at).simple().encode_lower(&mut hex);
        RequestId(hex)
    }
}

#[cfg(test)]
mod tests;
