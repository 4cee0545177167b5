//! What was used: in one hour, and so far in the month.

use std::collections::BTreeMap;

use record::InstanceType;

use crate::json::JsonError;
use crate::money::Gb;
use crate::month::Month;

pub(crate) mod json;

/// Which way billable traffic leaves over the public network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the client.
    Response,
    /// To a backend that is reached over the public network.
    Backend,
}

/// What calls are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallsKey {
    /// Only calls of shared instances cost anything.
    pub instance_type: InstanceType,
}

/// What traffic is counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrafficKey {
    /// The region of the gateway.
    pub region: String,
    /// Which way it left.
    pub direction: Direction,
    /// The kind of instance.
    pub instance_type: InstanceType,
}

/// What one account used in one hour. Billable only: what is not billable, and what stays in
/// the private network, is not counted in here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HourUsage {
    /// Billable calls.
    pub calls: BTreeMap<CallsKey, u64>,
    /// Bytes that left over the public network.
    pub traffic: BTreeMap<TrafficKey, u128>,
}

/// What one account used of a calendar month so far: where the next hour stands in the tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthUse {
    /// The month, in the zone of the account's price book.
    pub month: Month,
    /// The account's first month; without it there is no free tier that is limited in months.
    pub since: Option<Month>,
    /// Calls of shared instances beyond the free tier: the N of the tiers.
    pub calls: u64,
    /// Traffic beyond the free tier, per region.
    pub traffic: BTreeMap<String, Gb>,
    /// Calls covered by the free tier.
    pub free_calls: u64,
    /// Traffic covered by the free tier, all regions together.
    pub free_traffic: Gb,
}

// === impl Direction ===

impl Direction {
    /// `response` or `backend`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Backend => "backend",
        }
    }

    /// The other way.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "response" => Some(Self::Response),
            "backend" => Some(Self::Backend),
            _ => None,
        }
    }
}

// === impl HourUsage ===

impl HourUsage {
    /// True when nothing was used.
    pub fn is_empty(&self) -> bool {
        self.calls.values().all(|&calls| calls == 0) && self.traffic.values().all(|&b| b == 0)
    }

    /// Canonical JSON: fixed order of keys, no spaces, numbers as texts.
    pub fn to_json(&self) -> String {
        json::hour_to_json(self)
    }

    /// Reads what [`HourUsage::to_json`] wrote.
    ///
    /// # Errors
    /// Text that is not of this form.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        json::hour_from_json(text)
    }
}

// === impl MonthUse ===

impl MonthUse {
    /// A month without use.
    pub fn new(month: Month, since: Option<Month>) -> Self {
        let (calls, free_calls, free_traffic) = (0, 0, Gb::ZERO);
        Self { month, since, calls, traffic: BTreeMap::new(), free_calls, free_traffic }
    }

    /// Canonical JSON: fixed order of keys, no spaces, numbers as texts.
    pub fn to_json(&self) -> String {
        json::month_to_json(self)
    }

    /// Reads what [`MonthUse::to_json`] wrote.
    ///
    /// # Errors
    /// Text that is not of this form.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        json::month_from_json(text)
    }
}
