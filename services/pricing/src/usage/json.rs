//! Canonical JSON of use.

use super::{HourUsage, MonthUse};
use crate::json::JsonError;

pub(super) fn hour_to_json(_usage: &HourUsage) -> String {
    String::new()
}

pub(super) fn hour_from_json(text: &str) -> Result<HourUsage, JsonError> {
    Err(JsonError::Value { field: "usage", text: text.to_owned() })
}

pub(super) fn month_to_json(_month: &MonthUse) -> String {
    String::new()
}

pub(super) fn month_from_json(text: &str) -> Result<MonthUse, JsonError> {
    Err(JsonError::Value { field: "month", text: text.to_owned() })
}
