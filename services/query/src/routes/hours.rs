//! An hour in a path, and how far its bill is.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use record::{Hour, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::Shared;
use crate::problem::{Code, Problem};
use crate::scope::{Scope, Select, Table};

/// How far an hour's bill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HourState {
    /// The hour still runs.
    Open,
    /// It is over, and waits for its last records; figures may change.
    Provisional,
    /// Its bill stands and never changes.
    Closed,
}

/// The row that closed an hour.
#[derive(Debug, Deserialize)]
pub(crate) struct Closing {
    /// JSON.
    pub(crate) proof: String,
    /// RFC 3339.
    pub(crate) stored_at: String,
}

/// The hour of the path.
pub(crate) fn hour_of(path: Result<Path<String>, PathRejection>) -> Result<Hour, Problem> {
    let Path(text) = path?;
    text.parse().map_err(|error| {
        Problem::new(Code::ParameterInvalid, format!("`{text}` is no hour: {error}"))
    })
}

/// The row that closed the hour, if it is closed.
pub(crate) async fn closing(
    app: &Shared,
    scope: &Scope,
    hour: Hour,
) -> Result<Option<Closing>, Problem> {
    let rows = app.reader.fetch(scope, &closing_sql(hour)).await?;
    Ok(rows.into_iter().next())
}

fn closing_sql(hour: Hour) -> Select {
    Select::new(Table::Closings, "proof, stored_at")
        .filter("hour = {hour:DateTime('UTC')}")
        .param("hour", hour)
        .limit(1)
}

/// The state of an hour that has no closing row.
pub(crate) fn unclosed(hour: Hour, now: Time) -> Result<HourState, Problem> {
    if now < hour.start() {
        let detail = format!("{hour} begins after now, {now}");
        return Err(Problem::new(Code::HourFuture, detail));
    }
    Ok(if now < hour.end() { HourState::Open } else { HourState::Provisional })
}

/// Refuses an hour that will never close: hours are counted from that of the first record on.
pub(crate) async fn counted(app: &Shared, scope: &Scope, hour: Hour) -> Result<(), Problem> {
    let rows: Vec<First> = app.reader.fetch(scope, &first_sql()).await?;
    match rows.first() {
        Some(&First { first_s, closed: 1.. }) if hour.start().0 / 1000 < first_s => {
            let first = Time(first_s.saturating_mul(1000)).hour();
            let detail = format!("the first hour that was counted is {first}");
            Err(Problem::new(Code::HourUncounted, detail))
        }
        _ => Ok(()),
    }
}

/// The first hour that was closed.
#[derive(Debug, Deserialize)]
struct First {
    first_s: i64,
    closed: u64,
}

fn first_sql() -> Select {
    Select::new(
        Table::Closings,
        "toInt64(toUnixTimestamp(min(hour))) AS first_s, count() AS closed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_without_closing_is_open_while_it_runs() {
        let hour: Hour = "2026-11-20T13".parse().expect("an hour");
        let at = |text: &str| {
            unclosed(hour, Time::parse_rfc3339(text).expect("a time")).map_err(|p| p.code)
        };
        assert_eq!(at("2026-11-20T12:59:59.999Z"), Err(Code::HourFuture));
        assert_eq!(at("2026-11-20T13:00:00Z"), Ok(HourState::Open));
        assert_eq!(at("2026-11-20T13:59:59.999Z"), Ok(HourState::Open));
        assert_eq!(at("2026-11-20T14:00:00Z"), Ok(HourState::Provisional));
    }

    #[test]
    fn the_closing_is_one_row_of_its_hour() {
        let sql = closing_sql(Hour(0)).sql(&Scope::all());
        assert_eq!(
            sql.text(),
            "SELECT proof, stored_at\nFROM closings\nWHERE (hour = {hour:DateTime('UTC')})\nLIMIT 1"
        );
    }
}
