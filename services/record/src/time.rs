//! Times, hours and durations as whole numbers.
//!
//! No clock is asked here: who needs `now` gets it as a parameter.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: RFC 3339 has four digits of year.
const WRITABLE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// 2106-01-01T00:00:00Z. Stores keep seconds in 32 bits, and no record of ours is near it.
const STORABLE_END: i64 = 4_291_747_200_000;

/// Milliseconds since 1970-01-01 UTC. The record's `time`: when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl Time {
    /// The hour that the time lies in; it decides the bill.
    pub const fn hour(self) -> Hour {
        Hour(self.0.div_euclid(HOUR_MS))
    }

    /// `2024-01-17T04:08:49.000Z`. Outside the years 0000 to 9999: the nearest such text.
    pub fn to_rfc3339(self) -> String {
        self.to_string()
    }

    /// Any RFC 3339 time with any offset; what is finer than a millisecond is cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(parsed.timestamp_millis()))
    }

    /// Lies in the years 1970 to 2105, the only ones in which a record may lie.
    pub const fn storable(self) -> bool {
        0 <= self.0 && self.0 < STORABLE_END
    }

    /// The time for the calendar, held within the years 0000 to 9999.
    pub(crate) fn utc(self) -> DateTime<Utc> {
        let ms = self.0.clamp(*WRITABLE.start(), *WRITABLE.end());
        DateTime::from_timestamp_millis(ms).expect("four digits of year are within the calendar")
    }

    /// The 24 bytes of the RFC 3339 form.
    pub(crate) fn rfc3339_bytes(self) -> [u8; 24] {
        let at = self.utc();
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put(&mut out[0..4], at.year().unsigned_abs());
        put(&mut out[5..7], at.month());
        put(&mut out[8..10], at.day());
        put(&mut out[11..13], at.hour());
        put(&mut out[14..16], at.minute());
        put(&mut out[17..19], at.second());
        put(&mut out[20..23], at.timestamp_subsec_millis());
        out
    }
}

/// Writes `number` right-aligned over the zeros of `digits`.
fn put(digits: &mut [u8], number: u32) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add((rest % 10) as u8);
        rest /= 10;
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.rfc3339_bytes()).unwrap_or_default())
    }
}

/// A UTC hour, counted from 1970-01-01T00. The period of billing: `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hour(pub i64);

impl Hour {
    /// Its first millisecond.
    pub const fn start(self) -> Time {
        Time(self.0.saturating_mul(HOUR_MS))
    }

    /// The first millisecond after it.
    pub const fn end(self) -> Time {
        self.next().start()
    }

    /// The hour after it.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The hour before it.
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Hour {
    /// `2024-01-17T04:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.start().rfc3339_bytes();
        write!(f, "{}Z", std::str::from_utf8(&bytes[..19]).unwrap_or_default())
    }
}

/// The text is no UTC hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an hour is written as `2024-01-17T04:00:00Z`, or shorter `2024-01-17T04`, in UTC")]
pub struct NoHour;

impl FromStr for Hour {
    type Err = NoHour;

    /// `2024-01-17T04`, `2024-01-17T04:00Z` or `2024-01-17T04:00:00Z`; nothing else.
    fn from_str(text: &str) -> Result<Self, NoHour> {
        let (hour, rest) = text.split_at_checked(13).ok_or(NoHour)?;
        if !matches!(rest, "" | ":00Z" | ":00:00Z") {
            return Err(NoHour);
        }
        Time::parse_rfc3339(&format!("{hour}:00:00Z")).map(Time::hour).ok_or(NoHour)
    }
}

/// A span in milliseconds; written in seconds with exactly 3 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Reads seconds: `0`, `0.041`, `12.5`. Further decimals are cut off.
    ///
    /// `None` for a sign, an exponent, anything else, and for more than `u64` milliseconds.
    pub fn parse_seconds(text: &str) -> Option<Self> {
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) {
            return None;
        }
        let seconds: u64 = whole.parse().ok()?;
        let mut ms = 0_u64;
        for place in 0..3 {
            let digit = decimals.as_bytes().get(place).map_or(0, |byte| byte.wrapping_sub(b'0'));
            ms = ms.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(Self(seconds.checked_mul(1000)?.checked_add(ms)?))
    }

    /// Appends the text of [`fmt::Display`].
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let mut fraction = *b".000";
        put(&mut fraction[1..], (self.0 % 1000) as u32);
        out.extend_from_slice(itoa::Buffer::new().format(self.0 / 1000).as_bytes());
        out.extend_from_slice(&fraction);
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests;
