//! RULE-1: is a record billed, and why.

use crate::names::words;
use crate::{Part, Record};

/// Version of the rule below; stored with each verdict.
pub const RULE_VERSION: u16 = 1;

words! {
    /// Why a record is billed or not.
    pub enum Reason {
        /// The client got 200: billed.
        Ok = "ok",
        /// A try reached the backend: billed.
        BackendAnswered = "backend_answered",
        /// Not a `final` record.
        NotACall = "not_a_call",
        /// The gateway made a 4xx of its own.
        GatewayRejected = "gateway_rejected",
        /// The gateway made a 5xx of its own.
        GatewayFailed = "gateway_failed",
        /// The gateway made an answer below 400 that is not 200: a mock, a preflight.
        GatewayAnswered = "gateway_answered",
        /// 499 before the backend answered.
        ClientLeft = "client_left",
    }
}

/// Whether a record is billed, and why. Traffic counts whatever the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Counts as a call.
    pub billable: bool,
    /// Why, or why not.
    pub reason: Reason,
}

/// RULE-1.
pub fn judge(record: &Record<'_>) -> Verdict {
    let reason = reason(record);
    Verdict { billable: matches!(reason, Reason::Ok | Reason::BackendAnswered), reason }
}

fn reason(record: &Record<'_>) -> Reason {
    if record.part != Part::Final {
        return Reason::NotACall;
    }
    if record.rsp_st == 200 {
        return Reason::Ok;
    }
    if !empty(&record.ups_st) {
        return Reason::BackendAnswered;
    }
    match record.rsp_st {
        499 => Reason::ClientLeft,
        400..500 => Reason::GatewayRejected,
        500.. => Reason::GatewayFailed,
        _ => Reason::GatewayAnswered,
    }
}

/// Empty is: nothing, `-`, `null`, and a list of which all items are.
///
/// `:` separates too: so nginx joins the tries of one request over several server groups.
fn empty(status: &str) -> bool {
    status.split([',', ':']).map(str::trim).all(|item| matches!(item, "" | "-" | "null"))
}

#[cfg(test)]
mod tests;
