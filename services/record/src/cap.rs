//! Keeps a record within its greatest size.
//!
//! Only texts that come from clients and backends are cut, and say so. Names that decide who
//! is billed, the stream and the statuses are never cut: a cut name would be another name.

use std::borrow::Cow;

use crate::Record;
use crate::json::escaped_len;
use crate::key::Key;

/// Ends a text that was cut.
const MARK: &str = "…[cut]";

/// The smallest `max_bytes` that [`Record::cap`] can keep for a record without `life`, in bytes:
/// all texts but `uri` and `query` at their limits, and something of those two.
pub const CAP_MIN: usize = 8 * 1024;

/// Keys, quotes and commas, times, numbers and words of any record at most, in bytes.
const FRAME_MAX: usize = 1200;

/// `life` takes at most this, and this more for each worker of the previous epoch, in bytes.
const LIFE_MAX: usize = 160;
const LIFE_WORKER_MAX: usize = 21;

/// A byte takes at most six in a JSON string (`\u0001`).
const ESCAPE_MAX: usize = 6;

// === impl Record ===

impl Record<'_> {
    /// Cuts long texts so that the JSON form fits `max_bytes`; a cut text ends in `…[cut]`.
    ///
    /// Each text from outside has a limit of its own (`user_agent` and `referer` 512 bytes);
    /// `uri` and `query` share what the others leave. It fits for any `max_bytes` of at least
    /// [`CAP_MIN`], as long as the names (accounts, services, orders …) are within the limits
    /// of [`decode`](crate::decode) and need no escapes. `life` is never cut, and needs 160
    /// bytes more, and 21 for each worker of the previous epoch.
    pub fn cap(&mut self, max_bytes: usize) {
        self.cap_each();
        let frame = FRAME_MAX.saturating_add(self.life_max());
        let room = max_bytes.saturating_sub(frame);
        let raw =
            self.texts().iter().fold(0_usize, |sum, (_, text)| sum.saturating_add(text.len()));
        if raw.saturating_mul(ESCAPE_MAX) <= room {
            return;
        }
        let others = self.texts().into_iter().filter(|(key, _)| key.text_max() != usize::MAX);
        let shared = others.fold(room, |left, (_, text)| left.saturating_sub(escaped_len(text)));
        let (uri, query) = share(shared, escaped_len(&self.uri), escaped_len(&self.query));
        cut(&mut self.uri, uri);
        cut(&mut self.query, query);
    }

    /// Cuts what has a limit of its own.
    fn cap_each(&mut self) {
        for (key, text) in [
            (Key::Scheme, &mut self.scheme),
            (Key::Method, &mut self.method),
            (Key::Host, &mut self.host),
            (Key::Proto, &mut self.proto),
            (Key::Upip, &mut self.upip),
            (Key::ErrMsg, &mut self.err_msg),
            (Key::Phase, &mut self.phase),
            (Key::SecretId, &mut self.secret_id),
            (Key::AppCode, &mut self.app_code),
            (Key::UserAgent, &mut self.user_agent),
            (Key::Referer, &mut self.referer),
        ] {
            cut(text, key.text_max());
        }
    }

    fn life_max(&self) -> usize {
        let Some(life) = &self.life else { return 0 };
        let workers = life.previous.as_ref().map_or(0, |previous| previous.last.len());
        LIFE_MAX.saturating_add(workers.saturating_mul(LIFE_WORKER_MAX))
    }
}

/// Parts `room` between two texts of these lengths: each may have half, and what the other
/// does not need.
fn share(room: usize, first: usize, second: usize) -> (usize, usize) {
    let half = room / 2;
    if first <= half {
        (first, room.saturating_sub(first))
    } else if second <= half {
        (room.saturating_sub(second), second)
    } else {
        (half, half)
    }
}

/// Cuts a text so that it takes at most `max` bytes between the quotes of a JSON string.
fn cut(text: &mut Cow<'_, str>, max: usize) {
    if text.len().saturating_mul(ESCAPE_MAX) <= max || escaped_len(text) <= max {
        return;
    }
    let Some(room) = max.checked_sub(MARK.len()) else {
        *text = Cow::Borrowed("");
        return;
    };
    let mut taken = 0_usize;
    let mut keep = 0;
    for (at, sign) in text.char_indices() {
        let end = at.saturating_add(sign.len_utf8());
        taken = taken.saturating_add(escaped_len(&text[at..end]));
        if taken > room {
            break;
        }
        keep = end;
    }
    *text = Cow::Owned([&text[..keep], MARK].concat());
}

#[cfg(test)]
mod tests;
