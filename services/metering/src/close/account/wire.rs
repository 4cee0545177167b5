//! The canonical JSON of a bill's basis.

use std::error::Error;

use pricing::{HourUsage, MonthUse};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Basis, LateUse};

#[derive(Serialize, Deserialize)]
struct BasisText {
    book: String,
    before: Box<RawValue>,
    after: Box<RawValue>,
    late: Vec<LateText>,
}

#[derive(Serialize, Deserialize)]
struct LateText {
    hour: String,
    book: String,
    usage: Box<RawValue>,
}

pub(super) fn write(basis: &Basis) -> String {
    let late = basis.late.iter().map(|late| LateText {
        hour: late.hour.to_string(),
        book: late.book.clone(),
        usage: raw(late.usage.to_json()),
    });
    let text = BasisText {
        book: basis.book.clone(),
        before: raw(basis.before.to_json()),
        after: raw(basis.after.to_json()),
        late: late.collect(),
    };
    serde_json::to_string(&text).expect("texts become JSON")
}

pub(super) fn read(text: &str) -> Result<Basis, Box<dyn Error + Send + Sync>> {
    let BasisText { book, before, after, late } = serde_json::from_str(text)?;
    let mut uses = Vec::new();
    for LateText { hour, book, usage } in late {
        let usage = HourUsage::from_json(usage.get())?;
        uses.push(LateUse { hour: hour.parse()?, book, usage });
    }
    let (before, after) = (MonthUse::from_json(before.get())?, MonthUse::from_json(after.get())?);
    Ok(Basis { book, before, after, late: uses })
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).expect("use is written as JSON")
}
