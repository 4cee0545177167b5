//! SQL over the frozen ranges of a cut: which rows belong to an hour.
//!
//! A row is matched with the last range of its stream that begins at or before its number (`ASOF`),
//! and belongs to the hour when it lies within. Ranges are read from the cut itself, so whoever
//! runs the text sees the same rows.

use record::Hour;

/// The ranges of the cut's own shares, one row each: `gateway, epoch, worker, first, last`.
/// `{shares}` is a query that gives one `share` per row.
fn spans(shares: &str, key: &str) -> String {
    format!(
        "\
SELECT
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, '{key}', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last
        FROM
        (
            {shares}
        )"
    )
}

/// The shares of the cut of an hour; `key` is `ranges` or `dead`. `hour` is an SQL expression,
/// `cuts` the name of the table.
pub(crate) fn own(cuts: &str, hour: &str, key: &str) -> String {
    spans(
        &format!(
            "SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
            FROM {cuts}
            WHERE hour = {hour}"
        ),
        key,
    )
}

/// The late ranges of one earlier hour (`of`, its RFC 3339 text) in the cut of an hour.
pub(crate) fn late(cuts: &str, hour: &str, of: &str) -> String {
    spans(
        &format!(
            "SELECT arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
            FROM
            (
                SELECT arrayJoin(JSONExtractArrayRaw(cut, 'late')) AS entry
                FROM {cuts}
                WHERE hour = {hour}
            )
            WHERE JSONExtractString(entry, 'hour') = {of}"
        ),
        "ranges",
    )
}

/// All late ranges in the cut of an hour, each with its hour as `of`.
pub(crate) fn all_late(cuts: &str, hour: &str) -> String {
    format!(
        "\
SELECT
            {LATE_HOUR} AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last
        FROM
        (
            {shares}
        )",
        shares = late_shares("cut", cuts, hour)
    )
}

/// The hour of a late `entry`.
pub(crate) const LATE_HOUR: &str =
    "parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC')";

/// The late `share`s of a cut or a proof, each with its `entry`.
pub(crate) fn late_shares(column: &str, table: &str, hour: &str) -> String {
    format!(
        "\
SELECT entry, arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
            FROM
            (
                SELECT arrayJoin(JSONExtractArrayRaw({column}, 'late')) AS entry
                FROM {table}
                WHERE hour = {hour}
            )"
    )
}

/// Joins rows of table alias `r` with the ranges of `frozen`; the caller adds `r.seq <= f.last`.
/// Its further lines begin with `margin`.
pub(crate) fn join(frozen: &str, margin: &str) -> String {
    let lines = [
        &format!("ASOF INNER JOIN {frozen} AS f"),
        "    ON r.gateway = f.gateway",
        "   AND r.epoch = f.epoch",
        "   AND r.worker = f.worker",
        "   AND r.seq >= f.first",
    ];
    lines.join(&format!("\n{margin}"))
}

/// An hour as an SQL literal.
pub(crate) fn literal(hour: Hour) -> String {
    format!("toDateTime('{}', 'UTC')", plain(hour))
}

/// A condition on `column` (a `DateTime64`) that holds within these hours, and is a bound on the
/// key: hours that follow each other are one interval.
pub(crate) fn within(column: &str, hours: &[Hour]) -> String {
    let mut intervals: Vec<(Hour, Hour)> = Vec::new();
    for &hour in hours {
        match intervals.last_mut() {
            Some((_, end)) if *end == hour => *end = hour.next(),
            _ => intervals.push((hour, hour.next())),
        }
    }
    let condition = |&(from, to): &(Hour, Hour)| {
        let time = |hour| format!("toDateTime64('{}', 3, 'UTC')", plain(hour));
        format!("({column} >= {} AND {column} < {})", time(from), time(to))
    };
    let conditions: Vec<String> = intervals.iter().map(condition).collect();
    match conditions.as_slice() {
        [] => "false".to_owned(),
        [one] => one.clone(),
        some => format!("({})", some.join(" OR ")),
    }
}

/// A condition that holds for the rows of these hours, of which there is at least one; also over the
/// sums that stand with the rows.
pub(crate) fn among(hours: &[Hour]) -> String {
    let hours: Vec<String> = hours.iter().map(|&hour| literal(hour)).collect();
    format!("toStartOfHour(time) IN ({})", hours.join(", "))
}

/// `2026-11-20 13:00:00`, the one form that a parameter of type `DateTime` is read from.
pub(crate) fn plain(hour: Hour) -> String {
    hour.to_string().replace('T', " ").replace('Z', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_follow_each_other_are_one_interval() {
        let hour: Hour = "2026-11-20T13".parse().expect("an hour");
        let at = |text: &str| format!("toDateTime64('2026-11-20 {text}:00:00', 3, 'UTC')");
        let (eleven, twelve, three, four) = (at("11"), at("12"), at("13"), at("15"));
        assert_eq!(within("t", &[hour.prev().prev()]), format!("(t >= {eleven} AND t < {twelve})"));
        assert_eq!(
            within("t", &[hour.prev().prev(), hour, hour.next()]),
            format!("((t >= {eleven} AND t < {twelve}) OR (t >= {three} AND t < {four}))")
        );
        assert_eq!(within("t", &[]), "false");
        assert_eq!(literal(hour), "toDateTime('2026-11-20 13:00:00', 'UTC')");
        let both = "toStartOfHour(time) IN (toDateTime('2026-11-20 12:00:00', 'UTC'), \
                    toDateTime('2026-11-20 13:00:00', 'UTC'))";
        assert_eq!(among(&[hour.prev(), hour]), both);
    }
}
