//! The calendar month of a price book: which month an hour belongs to.
//!
//! A book's month is that of a fixed offset from UTC, in whole hours: so a month begins on a UTC
//! hour, and no hour belongs to two months. Summer time is left out for the same reason that
//! people leave it out of contracts: an account's month would not have a fixed length.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate};
use record::Hour;
use settings::Scalar;

/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3_600;
/// Offsets in use reach from -12:00 to +14:00.
const OFFSETS: std::ops::RangeInclusive<i8> = -12..=14;

/// A calendar month, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    /// 1 to 12.
    month: u8,
}

/// A fixed offset from UTC in whole hours, written `+08:00` or `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone {
    hours: i8,
}

// === impl Month ===

impl Month {
    /// Year 1 to 9999, month 1 to 12.
    pub fn new(year: u16, month: u8) -> Option<Self> {
        let fits = (1..=9999).contains(&year) && (1..=12).contains(&month);
        fits.then_some(Self { year, month })
    }

    /// Whole months from `earlier` to here; negative when `earlier` is later.
    pub fn months_since(self, earlier: Self) -> i32 {
        self.index().saturating_sub(earlier.index())
    }

    fn index(self) -> i32 {
        i32::from(self.year).saturating_mul(12).saturating_add(i32::from(self.month))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (year, month) = text.split_once('-').ok_or(())?;
        let digits =
            |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(());
        }
        let (year, month) = (year.parse().map_err(|_| ())?, month.parse().map_err(|_| ())?);
        Self::new(year, month).ok_or(())
    }
}

impl Scalar for Month {
    const EXPECTED: &'static str = "a month, like `2026-11`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        text.parse().map_err(|()| String::new())
    }
}

// === impl Zone ===

impl Zone {
    /// An offset in whole hours, from -12 to +14.
    pub fn new(hours: i8) -> Option<Self> {
        OFFSETS.contains(&hours).then_some(Self { hours })
    }

    /// The month that an hour belongs to; none outside the years 1 to 9999.
    pub fn month_of(self, hour: Hour) -> Option<Month> {
        let local = hour.0.checked_add(i64::from(self.hours))?.checked_mul(HOUR_SECONDS)?;
        let date = DateTime::from_timestamp(local, 0)?.date_naive();
        Month::new(u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?)
    }

    /// The first UTC hour of a month.
    pub fn first_hour(self, month: Month) -> Hour {
        let date = NaiveDate::from_ymd_opt(i32::from(month.year), u32::from(month.month), 1);
        let start = date.and_then(|date| date.and_hms_opt(0, 0, 0));
        let start = start.expect("a month is a valid date").and_utc().timestamp();
        Hour(start.div_euclid(HOUR_SECONDS).saturating_sub(i64::from(self.hours)))
    }

    /// True when a month begins with this hour.
    pub fn begins_month(self, hour: Hour) -> bool {
        self.month_of(hour).is_some_and(|month| self.first_hour(month) == hour)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+03}:00", self.hours)
    }
}

impl Scalar for Zone {
    const EXPECTED: &'static str = "a fixed offset from UTC, like `+08:00` or `Z`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        if text == "Z" {
            return Ok(Self { hours: 0 });
        }
        let (hours, minutes) = text.split_once(':').ok_or_else(String::new)?;
        let shape = hours.len() == 3 && hours.starts_with(['+', '-']) && minutes.len() == 2;
        let (Ok(hours), Ok(minutes)) = (hours.parse(), minutes.parse::<u8>()) else {
            return Err(String::new());
        };
        if !shape || minutes > 59 {
            return Err(String::new());
        }
        if minutes != 0 {
            return Err("a month must begin on a UTC hour, so the offset is in whole hours".into());
        }
        Self::new(hours).ok_or_else(|| "offsets reach from -12:00 to +14:00".to_owned())
    }
}
