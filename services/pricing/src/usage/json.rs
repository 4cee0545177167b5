//! Canonical JSON of use.

use std::collections::BTreeMap;

use record::InstanceType;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{CallsKey, Direction, HourUsage, MonthUse, TrafficKey};
use crate::json::{JsonError, read, value, write};
use crate::money::Gb;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HourJson {
    calls: Vec<CallsJson>,
    traffic: Vec<BytesJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsJson {
    instance_type: String,
    calls: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BytesJson {
    region: String,
    direction: String,
    instance_type: String,
    bytes: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MonthJson {
    month: String,
    since: Option<String>,
    calls: String,
    traffic: Vec<GbJson>,
    free_calls: String,
    free_traffic_gb: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GbJson {
    region: String,
    gb: String,
}

// === impl HourUsage ===

impl From<&HourUsage> for HourJson {
    fn from(usage: &HourUsage) -> Self {
        let calls = usage.calls.iter().map(|(key, calls)| CallsJson {
            instance_type: key.instance_type.as_str().to_owned(),
            calls: calls.to_string(),
        });
        let traffic = usage.traffic.iter().map(|(key, bytes)| BytesJson {
            region: key.region.clone(),
            direction: key.direction.as_str().to_owned(),
            instance_type: key.instance_type.as_str().to_owned(),
            bytes: bytes.to_string(),
        });
        Self { calls: calls.collect(), traffic: traffic.collect() }
    }
}

impl TryFrom<HourJson> for HourUsage {
    type Error = JsonError;

    fn try_from(json: HourJson) -> Result<Self, JsonError> {
        let mut usage = Self::default();
        for CallsJson { instance_type, calls } in json.calls {
            let key = CallsKey { instance_type: instance_kind(&instance_type)? };
            let calls = value("calls", &calls, |text| text.parse().ok())?;
            once("instance_type", instance_type, usage.calls.insert(key, calls))?;
        }
        for BytesJson { region, direction, instance_type, bytes } in json.traffic {
            let instance_type = instance_kind(&instance_type)?;
            let direction = direction_of(&direction)?;
            let bytes = value("bytes", &bytes, |text| text.parse().ok())?;
            let key = TrafficKey { region: region.clone(), direction, instance_type };
            once("region", region, usage.traffic.insert(key, bytes))?;
        }
        Ok(usage)
    }
}

pub(super) fn hour_to_json(usage: &HourUsage) -> String {
    write(&HourJson::from(usage))
}

pub(super) fn hour_from_json(text: &str) -> Result<HourUsage, JsonError> {
    read::<HourJson>(text)?.try_into()
}

pub(crate) fn instance_kind(text: &str) -> Result<InstanceType, JsonError> {
    let wrong = || JsonError::Value { field: "instance_type", text: text.to_owned() };
    InstanceType::parse(text).ok_or_else(wrong)
}

pub(crate) fn direction_of(text: &str) -> Result<Direction, JsonError> {
    let wrong = || JsonError::Value { field: "direction", text: text.to_owned() };
    Direction::parse(text).ok_or_else(wrong)
}

/// A key stands once in its list.
fn once<T>(field: &'static str, text: String, before: Option<T>) -> Result<(), JsonError> {
    if before.is_some() { Err(JsonError::Value { field, text }) } else { Ok(()) }
}

// === impl MonthUse ===

pub(super) fn month_to_json(month: &MonthUse) -> String {
    let traffic = month.traffic.iter();
    write(&MonthJson {
        month: month.month.to_string(),
        since: month.since.map(|since| since.to_string()),
        calls: month.calls.to_string(),
        traffic: traffic
            .map(|(region, gb)| GbJson { region: region.clone(), gb: gb.to_string() })
            .collect(),
        free_calls: month.free_calls.to_string(),
        free_traffic_gb: month.free_traffic.to_string(),
    })
}

pub(super) fn month_from_json(text: &str) -> Result<MonthUse, JsonError> {
    let json: MonthJson = read(text)?;
    let month = |field, text: &str| value(field, text, |text| text.parse().ok());
    let mut traffic = BTreeMap::new();
    for GbJson { region, gb } in json.traffic {
        once("region", region.clone(), traffic.insert(region, quantity("gb", &gb)?))?;
    }
    Ok(MonthUse {
        month: month("month", &json.month)?,
        since: json.since.map(|since| month("since", &since)).transpose()?,
        calls: value("calls", &json.calls, |text| text.parse().ok())?,
        traffic,
        free_calls: value("free_calls", &json.free_calls, |text| text.parse().ok())?,
        free_traffic: quantity("free_traffic_gb", &json.free_traffic_gb)?,
    })
}

fn quantity(field: &'static str, text: &str) -> Result<Gb, JsonError> {
    value(field, text, |text| Gb::from_decimal(Decimal::from_str_exact(text).ok()?))
}
