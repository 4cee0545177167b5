//! Values of groups, read from their text. `-` and nothing are the empty value.

use std::borrow::Cow;

use chrono::DateTime;

use super::LineError;
use crate::key::Key;
use crate::{Millis, Time, normalize_id};

type Outcome<T> = Result<T, LineError>;

/// Statuses have at most three digits.
const STATUS_MAX: u16 = 999;

fn absent(value: &str) -> bool {
    matches!(value, "" | "-")
}

/// A text of any length.
pub(super) fn text(value: &str) -> Cow<'_, str> {
    Cow::Borrowed(if absent(value) { "" } else { value })
}

/// What no client writes looks like no other group: a line where it does is not cut where it was
/// put together.
fn plain(value: &str, group: &'static str) -> Outcome<()> {
    let expected = "a name without brackets, control characters and `rsp_st:`";
    let strange = value.contains(|sign: char| sign.is_control() || matches!(sign, '[' | ']'));
    let forged = strange || value.contains("rsp_st:");
    if forged { Err(LineError::Unexpected { group, expected }) } else { Ok(()) }
}

/// A text within the limit of its key.
pub(super) fn name<'a>(value: &'a str, group: &'static str, key: Key) -> Outcome<Cow<'a, str>> {
    plain(value, group)?;
    let max = key.text_max();
    if value.len() > max { Err(LineError::LongGroup { group, max }) } else { Ok(text(value)) }
}

/// A request id, in the form in which it is looked up.
pub(super) fn id<'a>(value: &'a str, group: &'static str) -> Outcome<Cow<'a, str>> {
    if absent(value) {
        return Ok(Cow::Borrowed(""));
    }
    plain(value, group)?;
    let expected = "an id of at most 64 bytes";
    normalize_id(value).ok_or(LineError::Unexpected { group, expected })
}

/// A whole number within its type; none for an empty value.
pub(super) fn whole<N: std::str::FromStr>(value: &str, group: &'static str) -> Outcome<Option<N>> {
    if absent(value) {
        return Ok(None);
    }
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { value.parse().ok() } else { None };
    number.map(Some).ok_or(LineError::Unexpected { group, expected: "a whole number" })
}

pub(super) fn count(value: &str, group: &'static str) -> Outcome<u64> {
    whole(value, group).map(Option::unwrap_or_default)
}

pub(super) fn status(value: &str, group: &'static str) -> Outcome<u16> {
    let status = whole(value, group)?.unwrap_or_default();
    let expected = "a status of at most three digits";
    (status <= STATUS_MAX).then_some(status).ok_or(LineError::Unexpected { group, expected })
}

/// `17/Jan/2024:12:08:49 +0800`.
pub(super) fn time(value: &str, group: &'static str) -> Outcome<Time> {
    let parsed = DateTime::parse_from_str(value, "%d/%b/%Y:%H:%M:%S %z").ok();
    let expected = "a time like 17/Jan/2024:12:08:49 +0800";
    parsed
        .map(|at| Time(at.timestamp_millis()))
        .filter(|time| time.storable())
        .ok_or(LineError::Unexpected { group, expected })
}

/// All tries together; none when no try has a time.
pub(super) fn span_sum(value: &str, group: &'static str) -> Outcome<Option<Millis>> {
    let add = |sum: Millis, span: Millis| Millis(sum.0.saturating_add(span.0));
    let mut sum = None;
    for span in spans(value, group) {
        sum = span?.map(|span| sum.map_or(span, |sum| add(sum, span))).or(sum);
    }
    Ok(sum)
}

/// The last try that has a time.
pub(super) fn last_span(value: &str, group: &'static str) -> Outcome<Option<Millis>> {
    let mut last = None;
    for span in spans(value, group) {
        last = span?.or(last);
    }
    Ok(last)
}

/// The times of all tries, `0.012, -`; over several groups of servers nginx joins with ` : `.
fn spans<'a>(
    value: &'a str,
    group: &'static str,
) -> impl Iterator<Item = Outcome<Option<Millis>>> + 'a {
    value.split([',', ':']).map(str::trim).map(move |item| {
        if absent(item) {
            return Ok(None);
        }
        let expected = "seconds like 0.041";
        let span = Millis::parse_seconds(item);
        span.map(Some).ok_or(LineError::Unexpected { group, expected })
    })
}
