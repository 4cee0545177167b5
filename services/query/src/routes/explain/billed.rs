//! What of a record stands in which bill.
//!
//! A closed hour's cut says whether the record belongs to its bill. The bill's lines are sums, so the
//! record is part of those of its item, region and direction; which tier it fell into is not said of
//! single records.

use record::{InstanceType, Net, Part, Record};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Language;
use crate::app::Shared;
use crate::problem::{Code, Problem};
use crate::roles::{Resource, Role};
use crate::routes::bills::{self, LineBody};
use crate::routes::hours::{HourState, closing, unclosed};
use crate::routes::logs::VerdictBody;
use crate::routes::proofs::own;
use crate::scope::Scope;

/// What of a record stands in which bill.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Billed {
    /// The hour of billing, RFC 3339.
    #[schema(example = "2026-11-20T13:00:00Z")]
    hour: String,
    /// `billed`, `free`, `held`, `late`, `open`, `provisional`, or `hidden` to this token.
    #[schema(example = "billed")]
    state: &'static str,
    /// In words.
    words: &'static str,
    /// The lines of the hour's bill that the record is part of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<LineBody>)]
    lines: Vec<Value>,
}

/// How a record stands to its hour's bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Hidden,
    Open,
    Provisional,
    Late,
    Held,
    Free,
    InLines,
}

/// Finds the lines of the record.
pub(super) async fn find(
    app: &Shared,
    scope: &Scope,
    role: Role,
    record: &Record<'_>,
    verdict: &VerdictBody,
    language: Language,
) -> Result<Billed, Problem> {
    let (hour, account) = (record.time.hour(), &*record.account);
    let say = |stands: Stands, lines| Billed {
        hour: hour.to_string(),
        state: stands.as_str(),
        words: stands.words(language),
        lines,
    };
    if !role.may_read(Resource::Bills) || !scope.holds(account) {
        return Ok(say(Stands::Hidden, Vec::new()));
    }
    let Some(closing) = closing(app, scope, hour).await? else {
        let stands = match unclosed(hour, app.now()) {
            Ok(HourState::Provisional | HourState::Closed) => Stands::Provisional,
            Ok(HourState::Open) => Stands::Open,
            // A gateway's clock is ahead of ours.
            Err(Problem { code: Code::HourFuture, .. }) => Stands::Open,
            Err(problem) => return Err(problem),
        };
        return Ok(say(stands, Vec::new()));
    };
    if !own::cut(app, scope, hour).await?.holds(record) {
        return Ok(say(Stands::Late, Vec::new()));
    }
    let bill = bills::stored(app, scope, hour, Some(account)).await?.into_iter().next();
    let lines = match &bill {
        Some(bill) => lines(bill, record, verdict)?,
        None => Vec::new(),
    };
    let stands = if !lines.is_empty() {
        Stands::InLines
    } else if !bills::held(&closing.proof, scope, Some(account))?.is_empty() {
        Stands::Held
    } else {
        Stands::Free
    };
    Ok(say(stands, lines))
}

/// The lines that the record adds to.
fn lines(bill: &str, record: &Record<'_>, verdict: &VerdictBody) -> Result<Vec<Value>, Problem> {
    let mut bill: Value = serde_json::from_str(bill).map_err(Problem::internal)?;
    let Some(Value::Array(mut lines)) = bill.get_mut("lines").map(Value::take) else {
        return Ok(Vec::new());
    };
    let shared = record.instance_type == InstanceType::Shared;
    let calls = verdict.billable && record.part == Part::Final && shared;
    let response = record.net == Net::Public && record.rsp_len > 0;
    let backend = record.ups_net == Net::Public && record.ups_req_len > 0;
    lines.retain(|line| {
        let word = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        let place = word("region") == record.region;
        let adds = match (word("item"), word("direction")) {
            ("calls", _) => calls,
            ("traffic", "response") => response && place,
            ("traffic", "backend") => backend && place,
            _ => false,
        };
        let corrects = !word("corrects_hour").is_empty();
        adds && !corrects && word("instance_type") == record.instance_type.as_str()
    });
    Ok(lines)
}

// === impl Stands ===

impl Stands {
    fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Open => "open",
            Self::Provisional => "provisional",
            Self::Late => "late",
            Self::Held => "held",
            Self::Free => "free",
            Self::InLines => "billed",
        }
    }

    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Hidden => language.pick(
                "The bill is for the owner of the service to read.",
                "账单仅供服务的所有者查看。",
            ),
            Self::Open => language.pick(
                "Its hour still runs; nothing is billed yet.",
                "所属小时尚未结束，尚未计费。",
            ),
            Self::Provisional => language.pick(
                "Its hour is over and waits for its last records; nothing is billed yet.",
                "所属小时已结束，正在等待最后的记录，尚未计费。",
            ),
            Self::Late => language.pick(
                "It came after its hour was closed; a correction in a later hour's bill counts it.",
                "记录在所属小时关账之后到达，由之后某小时账单中的更正项计入。",
            ),
            Self::Held => language.pick(
                "Use of its hour could not be rated and is held back; it is billed when it is \
                 released.",
                "所属小时的用量暂时无法计价而被挂起，放行后再计费。",
            ),
            Self::Free => language.pick(
                "It adds to no line of its hour's bill: it costs nothing.",
                "不计入所属小时账单的任何一行，不产生费用。",
            ),
            Self::InLines => language.pick(
                "It is part of these lines of its hour's bill; the bill is closed.",
                "计入所属小时账单的以下各行，该账单已关账。",
            ),
        }
    }
}

/// For tests of what stands around it.
#[cfg(test)]
pub(super) fn nothing() -> Billed {
    let words = Stands::Open.words(Language::Zh);
    Billed { hour: String::new(), state: Stands::Open.as_str(), words, lines: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BILL: &str = r#"{"lines":[
        {"id":"0","item":"calls","region":"","direction":"","instance_type":"shared"},
        {"id":"1","item":"calls","region":"","direction":"","instance_type":"shared",
         "corrects_hour":"2026-11-20T12:00:00Z"},
        {"id":"2","item":"traffic","region":"r","direction":"response","instance_type":"shared"},
        {"id":"3","item":"traffic","region":"q","direction":"response","instance_type":"shared"},
        {"id":"4","item":"traffic","region":"r","direction":"backend","instance_type":"shared"},
        {"id":"5","item":"traffic","region":"r","direction":"response","instance_type":"dedicated"}
    ]}"#;

    fn check(record: &Record<'_>, billable: bool, expected: &[&str]) {
        let verdict = VerdictBody { billable, reason: "ok", rule: 1 };
        let lines = lines(BILL, record, &verdict).expect("good");
        let ids: Vec<_> = lines.iter().map(|line| line["id"].as_str().expect("a text")).collect();
        assert_eq!(ids, expected, "{record:?}");
    }

    #[test]
    fn a_record_is_part_of_the_lines_that_it_adds_to() {
        let all = Record { region: "r".into(), rsp_len: 1, ups_req_len: 1, ..Record::default() };
        check(&all, true, &["0", "2", "4"]);
        check(&all, false, &["2", "4"]);
        check(&Record { net: Net::Private, ..all.clone() }, true, &["0", "4"]);
        check(&Record { ups_net: Net::Private, rsp_len: 0, ..all.clone() }, false, &[]);
        check(&Record { part: Part::Interim, ..all.clone() }, true, &["2", "4"]);
        check(&Record { instance_type: InstanceType::Dedicated, ..all }, true, &["5"]);
    }

    #[test]
    fn each_state_has_its_words() {
        let all = [
            Stands::Hidden,
            Stands::Open,
            Stands::Provisional,
            Stands::Late,
            Stands::Held,
            Stands::Free,
            Stands::InLines,
        ];
        let names: std::collections::BTreeSet<_> = all.iter().map(|one| one.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for one in all {
            assert!(one.words(Language::En).is_ascii(), "{one:?}");
            assert!(!one.words(Language::Zh).is_ascii(), "{one:?}");
        }
    }
}
