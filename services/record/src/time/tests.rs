//! Times against dates known from elsewhere (`date -u -d @SECONDS`), and against chrono.

use chrono::{DateTime, SecondsFormat};
use proptest::prelude::*;

use super::{Hour, Millis, NoHour, Time};

#[test]
fn known_times_are_written_and_read() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_705_464_529_000, "2024-01-17T04:08:49.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (951_782_400_007, "2000-02-29T00:00:00.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(Time(ms).to_rfc3339(), text);
        assert_eq!(Time::parse_rfc3339(text), Some(Time(ms)));
    }
}

#[test]
fn other_offsets_and_finer_fractions_are_read() {
    let time = Some(Time(1_705_464_529_041));
    assert_eq!(Time::parse_rfc3339("2024-01-17T12:08:49.041+08:00"), time);
    assert_eq!(Time::parse_rfc3339("2024-01-17T04:08:49.041999Z"), time);
    for text in ["", "2024-01-17", "2024-01-17T04:08:49", "2024-02-30T00:00:00Z", "1705464529"] {
        assert_eq!(Time::parse_rfc3339(text), None, "{text}");
    }
}

#[test]
fn times_beyond_four_digits_of_year_are_held_at_the_bound() {
    assert_eq!(Time(i64::MAX).to_rfc3339(), "9999-12-31T23:59:59.999Z");
    assert_eq!(Time(i64::MIN).to_rfc3339(), "0000-01-01T00:00:00.000Z");
}

#[test]
fn only_years_from_1970_to_2105_can_be_stored() {
    assert!(Time(0).storable());
    assert!(!Time(-1).storable());
    let end = Time::parse_rfc3339("2106-01-01T00:00:00Z").expect("a time");
    assert!(!end.storable());
    assert!(Time(end.0.saturating_sub(1)).storable());
}

#[test]
fn an_hour_is_read_in_three_forms_only() {
    let hour = Time(1_705_464_529_000).hour();
    assert_eq!(hour.to_string(), "2024-01-17T04:00:00Z");
    for text in ["2024-01-17T04", "2024-01-17T04:00Z", "2024-01-17T04:00:00Z"] {
        assert_eq!(text.parse(), Ok(hour), "{text}");
    }
    for text in [
        "",
        "2024-01-17",
        "2024-01-17T4",
        "2024-01-17T04Z",
        "2024-01-17T04:00",
        "2024-01-17T04:30:00Z",
        "2024-01-17T24",
        "2024-13-17T04",
        "2024-01-17T04:00:00+08:00",
        "2024-01-17T0é",
    ] {
        assert_eq!(text.parse::<Hour>(), Err(NoHour), "{text}");
    }
}

#[test]
fn hours_are_half_open_and_follow_each_other() {
    let hour = Hour(473_740);
    assert_eq!(hour.start().hour(), hour);
    assert_eq!(Time(hour.end().0.saturating_sub(1)).hour(), hour);
    assert_eq!(hour.end(), hour.next().start());
    assert_eq!(hour.next().prev(), hour);
    assert_eq!(Time(-1).hour(), Hour(-1));
}

#[test]
fn seconds_are_written_with_three_decimals() {
    for (ms, text) in [(0, "0.000"), (41, "0.041"), (1000, "1.000"), (1_800_020, "1800.020")] {
        assert_eq!(Millis(ms).to_string(), text);
        let mut out = Vec::new();
        Millis(ms).write(&mut out);
        assert_eq!(out, text.as_bytes());
    }
}

#[test]
fn seconds_are_read_without_floats() {
    for (text, ms) in [
        ("0", 0),
        ("7", 7000),
        ("0.4", 400),
        ("0.04", 40),
        ("0.041", 41),
        ("0.0419", 41),
        ("0.29", 290),
        ("18446744073709551.615", u64::MAX),
    ] {
        assert_eq!(Millis::parse_seconds(text), Some(Millis(ms)), "{text}");
    }
    for text in
        ["", ".5", "5.", "-1", "+1", "1e3", "1.5e1", " 1", "1,5", "1.2.3", "18446744073709551.616"]
    {
        assert_eq!(Millis::parse_seconds(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn times_are_written_as_chrono_does(ms in 0..4_000_000_000_000_i64) {
        let theirs = DateTime::from_timestamp_millis(ms).expect("in range");
        let text = Time(ms).to_rfc3339();
        prop_assert_eq!(&text, &theirs.to_rfc3339_opts(SecondsFormat::Millis, true));
        prop_assert_eq!(Time::parse_rfc3339(&text), Some(Time(ms)));
    }

    #[test]
    fn a_time_lies_in_its_hour(ms in -4_000_000_000_000..4_000_000_000_000_i64) {
        let hour = Time(ms).hour();
        prop_assert!(hour.start() <= Time(ms) && Time(ms) < hour.end());
    }

    #[test]
    fn seconds_come_back(ms in any::<u64>()) {
        prop_assert_eq!(Millis::parse_seconds(&Millis(ms).to_string()), Some(Millis(ms)));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,30}") {
        let read = (Time::parse_rfc3339(&text), text.parse::<Hour>(), Millis::parse_seconds(&text));
        prop_assert!(read.1.is_err() || text.len() >= 13);
    }
}
