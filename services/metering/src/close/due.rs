//! When an hour closes: pure.
//!
//! It closes when nothing is waited for. At the deadline it closes all the same, with what was
//! missing in its proof. The deadline is for gateways that are silent, not for metering that is
//! behind; and a gateway that nobody has heard of yet is not waited for. So whoever closes has
//! consumed the sources to their ends first, and looked again.
//! A file that is being taken in is not late: its deadline counts from its latest row.

use std::collections::BTreeMap;
use std::time::Duration;

use record::{Hour, Stream, Time};

use super::assess::Waiting;

/// What is to be done with an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The hour has not ended.
    Open,
    /// Everything that is known of is there: close it once the sources are consumed to their ends.
    Complete,
    /// Something is still to come; look again, at this time at the latest.
    Wait {
        /// The deadline.
        until: Time,
    },
    /// The deadline has passed: close it once the sources are consumed to their ends.
    Deadline,
}

/// Says what is to be done at `now`. `stored_at`: when the latest row was stored of those `ingest:`
/// streams that are waited for.
pub fn due(
    hour: Hour,
    waiting: &[Waiting],
    stored_at: &BTreeMap<Stream, Time>,
    now: Time,
    deadline: Duration,
) -> Due {
    if now < hour.end() {
        return Due::Open;
    }
    if waiting.is_empty() {
        return Due::Complete;
    }
    let files = waiting.iter().filter_map(|waiting| match waiting {
        Waiting::Stream(stream) => stored_at.get(stream),
        Waiting::Gateway(_) => None,
    });
    let from = files.copied().chain([hour.end()]).max().unwrap_or(hour.end());
    let until = later(from, deadline);
    if now < until { Due::Wait { until } } else { Due::Deadline }
}

/// `time`, so much later.
pub(crate) fn later(time: Time, by: Duration) -> Time {
    Time(time.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// `minute`: of the hour that follows the one in question. Answers `deadline`, `wait 25` …
    fn check(minute: i64, waiting: &[Waiting], file_minute: Option<i64>, expect: &str) {
        let hour = Hour(10);
        let at = |minute: i64| Time(hour.end().0 + minute * MINUTE);
        let stored = file_minute.map(|minute| (file(), at(minute))).into_iter().collect();
        let found = due(hour, waiting, &stored, at(minute), Duration::from_secs(25 * 60));
        let shown = match found {
            Due::Open => "open".to_owned(),
            Due::Complete => "complete".to_owned(),
            Due::Wait { until } => format!("wait {}", (until.0 - hour.end().0) / MINUTE),
            Due::Deadline => "deadline".to_owned(),
        };
        assert_eq!(shown, expect);
    }

    fn file() -> Stream {
        Stream { gateway: "ingest:a".into(), epoch: 1, worker: 0 }
    }

    #[test]
    fn an_hour_closes_when_complete_or_at_the_deadline() {
        let gateway = [Waiting::Gateway("g".into())];
        check(-1, &[], None, "open");
        check(0, &[], None, "complete");
        check(24, &gateway, None, "wait 25");
        check(25, &gateway, None, "deadline");
    }

    #[test]
    fn the_deadline_of_a_file_counts_from_its_latest_row() {
        let waiting = [Waiting::Stream(file())];
        check(60, &waiting, Some(50), "wait 75");
        check(75, &waiting, Some(50), "deadline");
        // Nobody waits for a file that is done.
        check(60, &[Waiting::Gateway("g".into())], None, "deadline");
    }
}
