//! Why an id was not found: it may still arrive, has expired, or is unknown.
//!
//! An id of ours holds its arrival. Its record is stored some time after that; the newest stored
//! record of anybody tells how far storing has come.

use std::time::Duration;

use record::{Time, arrival};

use super::SLACK_MS;
use crate::app::Shared;
use crate::problem::{Code, Problem};

/// Once storing is this far past an arrival, the record of nearly every request is there: requests
/// end sooner, and streams lag each other less.
const SETTLED_MS: i64 = 60_000;

/// The newest stored record is looked for among those of this span; gateways beat every few
/// seconds, so without any in it nothing is being stored.
const NEWEST_WITHIN_MS: i64 = 24 * 3_600 * 1000;

/// The problem to answer with.
pub(super) async fn explain(app: &Shared, id: &str) -> Result<Problem, Problem> {
    let now = app.now();
    let Some(at) = arrival(id).filter(|at| at.storable()) else {
        return Ok(unknown(app.retention));
    };
    let since = Time(at.0.max(now.0.saturating_sub(NEWEST_WITHIN_MS)));
    let newest = app.reader.newest(since).await?;
    Ok(judge(at, newest, now, app.retention))
}

/// How long ago it arrived; `None` when that is still to come.
fn age(at: Time, now: Time) -> Option<Duration> {
    let ms = now.0.saturating_sub(at.0);
    (ms >= -SLACK_MS).then(|| Duration::from_millis(ms.max(0).unsigned_abs()))
}

fn judge(at: Time, newest: Option<Time>, now: Time, retention: Duration) -> Problem {
    let Some(age) = age(at, now) else {
        let detail = format!("the id is of {at}, which is after now, {now}");
        return Problem::new(Code::RecordUnknown, detail);
    };
    if age > retention {
        let kept = kept(retention);
        let detail = format!("the id is of {at}, and records are kept for {kept}");
        return Problem::new(Code::RecordExpired, detail);
    }
    let settled = newest.is_some_and(|newest| newest.0 >= at.0.saturating_add(SETTLED_MS));
    if settled { unknown(retention) } else { arriving(at, newest) }
}

fn arriving(at: Time, newest: Option<Time>) -> Problem {
    let stored = match newest {
        Some(newest) => format!("the newest stored record is of {newest}"),
        None => "no record of that time or later is stored yet".to_owned(),
    };
    let detail = format!(
        "the id is of {at}, and {stored}: ask again in a moment; a record is written when its \
         request ends"
    );
    Problem::new(Code::RecordArriving, detail)
}

fn unknown(retention: Duration) -> Problem {
    let detail = format!(
        "no record that this token may read has this request id or client request id; records are \
         kept for {}, and a request that still runs has none yet",
        kept(retention)
    );
    Problem::new(Code::RecordUnknown, detail)
}

fn kept(retention: Duration) -> String {
    match retention.as_secs() / 3_600 {
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 24 * 60 * MINUTE;
    const NOW: i64 = 100 * DAY;

    fn check(at: i64, newest: Option<i64>, expected: Code) {
        let retention = Duration::from_secs(30 * 86_400);
        let problem = judge(Time(at), newest.map(Time), Time(NOW), retention);
        assert_eq!(problem.code, expected, "{at} {newest:?}: {}", problem.detail);
    }

    #[test]
    fn an_id_may_arrive_until_storing_is_past_it() {
        check(NOW - 1_000, None, Code::RecordArriving);
        check(NOW - 1_000, Some(NOW), Code::RecordArriving);
        check(NOW - 5 * MINUTE, Some(NOW - 4 * MINUTE - 1), Code::RecordArriving);
        check(NOW - 5 * MINUTE, Some(NOW - 4 * MINUTE), Code::RecordUnknown);
        check(NOW - DAY, None, Code::RecordArriving);
        check(NOW - 2 * DAY, None, Code::RecordArriving);
        check(NOW + SLACK_MS, None, Code::RecordArriving);
    }

    #[test]
    fn an_id_is_unknown_when_it_should_be_there() {
        check(NOW - 2 * DAY, Some(NOW), Code::RecordUnknown);
        check(NOW - 30 * DAY, Some(NOW), Code::RecordUnknown);
        check(NOW + SLACK_MS + 1, None, Code::RecordUnknown);
    }

    #[test]
    fn an_id_expires_with_its_record() {
        check(NOW - 30 * DAY - 1, None, Code::RecordExpired);
        check(0, None, Code::RecordExpired);
    }

    #[test]
    fn a_retention_of_hours_expires_within_the_day() {
        let at = Time(NOW - 2 * 60 * MINUTE);
        let retention = Duration::from_secs(3_600);
        let problem = judge(at, Some(Time(NOW)), Time(NOW), retention);
        assert_eq!(problem.code, Code::RecordExpired);
    }
}
