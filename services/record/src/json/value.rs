//! Values of the JSON form, read from their text.
//!
//! Each function gets the exact text of one value, already known to be JSON. `None` means that
//! the value is of another kind or out of its range. No number becomes a float on the way.

use std::borrow::Cow;

use crate::{EPOCH_END, Life, Millis, PreviousLife, Time};

/// An empty value, or the value.
pub(super) type Maybe<T> = Option<T>;

/// `null`, an empty text and `-`.
fn absent(raw: &str) -> bool {
    matches!(raw, "null" | "\"\"" | "\"-\"")
}

/// A text, borrowed unless it holds escapes.
pub(super) fn text(raw: &str) -> Option<Cow<'_, str>> {
    if absent(raw) {
        return Some(Cow::Borrowed(""));
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    let unescaped: String = serde_json::from_str(raw).ok()?;
    Some(Cow::Owned(if unescaped == "-" { String::new() } else { unescaped }))
}

/// A status or a list of them: a text, or one status as a number.
pub(super) fn statuses(raw: &str) -> Option<Cow<'_, str>> {
    let number = raw.len() == 3 && raw.bytes().all(|byte| byte.is_ascii_digit());
    if number { Some(Cow::Borrowed(raw)) } else { text(raw) }
}

/// A whole number within its type.
pub(super) fn whole<N: std::str::FromStr>(raw: &str) -> Option<Maybe<N>> {
    // JSON has no leading `+`, and `-`, `.` and `e` are no digits of an unsigned number.
    if absent(raw) { Some(None) } else { raw.parse().ok().map(Some) }
}

/// A duration in seconds.
pub(super) fn seconds(raw: &str) -> Option<Maybe<Millis>> {
    if absent(raw) { Some(None) } else { Millis::parse_seconds(raw).map(Some) }
}

/// A time in which a record may lie.
pub(super) fn time(raw: &str) -> Option<Time> {
    Time::parse_rfc3339(&text(raw)?).filter(|time| time.storable())
}

/// The object `life`. Such records are rare, so serde may allocate for them.
pub(super) fn life(raw: &str) -> Option<Maybe<Box<Life>>> {
    #[derive(serde::Deserialize)]
    struct LifeForm {
        workers: u16,
        previous: Option<PreviousForm>,
        #[serde(default)]
        refused: u64,
        #[serde(default)]
        unrecorded: u64,
        #[serde(default)]
        retires: bool,
    }
    #[derive(serde::Deserialize)]
    struct PreviousForm {
        epoch: u64,
        last: Vec<Option<u64>>,
    }
    if absent(raw) {
        return Some(None);
    }
    let LifeForm { workers, previous, refused, unrecorded, retires } =
        serde_json::from_str(raw).ok()?;
    let previous = previous.map(|form| PreviousLife { epoch: form.epoch, last: form.last });
    let within =
        |life: &PreviousLife| life.epoch < EPOCH_END && life.last.len() <= usize::from(u16::MAX);
    if !previous.as_ref().is_none_or(within) {
        return None;
    }
    Some(Some(Box::new(Life { workers, previous, refused, unrecorded, retires })))
}
