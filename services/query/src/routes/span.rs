//! Times in parameters, and how long a span may be.

use record::Time;

use crate::problem::{Code, Problem};

/// Longest span of one question, milliseconds: a month of records. The store reads all of it in
/// the worst case.
pub(crate) const SPAN_MAX_MS: i64 = 31 * 24 * 3_600 * 1000;

/// From the first time on, up to the second, which is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Time,
    pub(crate) to: Time,
}

/// A time of a parameter.
pub(crate) fn time(name: &str, text: Option<&str>) -> Result<Option<Time>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let time = Time::parse_rfc3339(text).filter(|time| time.storable());
    time.map(Some).ok_or_else(|| {
        let detail = format!("`{name}` is a time as `2026-11-20T13:00:00Z`, not `{text}`");
        Problem::new(Code::ParameterInvalid, detail)
    })
}

// === impl Span ===

impl Span {
    /// Not empty, and not too long.
    pub(crate) fn new(from: Time, to: Time) -> Result<Self, Problem> {
        if from >= to {
            let detail = format!("`from`, {from}, is not before `to`, {to}");
            return Err(Problem::new(Code::ParameterInvalid, detail));
        }
        if to.0.saturating_sub(from.0) > SPAN_MAX_MS {
            let days = SPAN_MAX_MS / (24 * 3_600 * 1000);
            let detail = format!("from {from} to {to} is more than {days} days: ask for less");
            return Err(Problem::new(Code::SpanTooLong, detail));
        }
        Ok(Self { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_length_within_bounds() {
        let check = |from, to| Span::new(Time(from), Time(to)).map_err(|problem| problem.code);
        assert!(check(0, 1).is_ok() && check(0, SPAN_MAX_MS).is_ok());
        assert_eq!(check(1, 1), Err(Code::ParameterInvalid));
        assert_eq!(check(2, 1), Err(Code::ParameterInvalid));
        assert_eq!(check(0, SPAN_MAX_MS + 1), Err(Code::SpanTooLong));
    }

    #[test]
    fn a_time_is_written_in_full() {
        assert!(time("from", None).expect("good").is_none());
        assert_eq!(time("from", Some("1970-01-01T00:00:01Z")).expect("good"), Some(Time(1000)));
        let wrong = time("from", Some("today")).expect_err("no time");
        assert_eq!(wrong.code, Code::ParameterInvalid);
    }
}
