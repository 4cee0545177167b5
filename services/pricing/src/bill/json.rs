//! Canonical JSON of a bill: what is stored, compared byte for byte (BILL-1), and read back.

use record::Hour;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Bill, State};
use crate::json::{JsonError, decimal, read, value, write};
use crate::line::{Corrects, Item, Line, TierName};
use crate::money::{Currency, Money, sum};
use crate::usage::json::{HourJson, direction_of, instance_kind};

/// Decimals of an amount.
const AMOUNT_SCALE: u32 = 8;

/// The order of the fields is the order of the keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BillJson {
    hour: String,
    account: String,
    state: String,
    currency: String,
    lines: Vec<LineJson>,
    total: String,
    usage: HourJson,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineJson {
    id: String,
    item: String,
    region: String,
    direction: String,
    instance_type: String,
    tier: String,
    quantity: String,
    unit: String,
    unit_price: String,
    amount: String,
    price_book: String,
    price_book_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrects_hour: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrects_line: Option<String>,
}

pub(super) fn to_json(bill: &Bill) -> String {
    write(&BillJson {
        hour: bill.hour.to_string(),
        account: bill.account.clone(),
        state: bill.state.as_str().to_owned(),
        currency: bill.total.currency.to_string(),
        lines: bill.lines.iter().map(line_to_json).collect(),
        total: fixed(bill.total.amount, AMOUNT_SCALE),
        usage: HourJson::from(&bill.usage),
    })
}

pub(super) fn from_json(text: &str) -> Result<Bill, JsonError> {
    let json: BillJson = read(text)?;
    let lines = json.lines.into_iter().map(line_from_json).collect::<Result<Vec<_>, _>>()?;
    let currency = value("currency", &json.currency, |text| text.parse::<Currency>().ok())?;
    let total = decimal("total", &json.total, AMOUNT_SCALE)?;
    let summed = sum(lines.iter().map(|line| line.amount)).ok();
    if summed != Some(total) {
        let sum = summed.map_or_else(|| "more than is kept exactly".to_owned(), |s| s.to_string());
        return Err(JsonError::Total { sum, total: json.total });
    }
    let wrong_state = || JsonError::Value { field: "state", text: json.state.clone() };
    Ok(Bill {
        hour: hour("hour", &json.hour)?,
        account: json.account,
        state: State::parse(&json.state).ok_or_else(wrong_state)?,
        lines,
        total: Money { amount: total, currency },
        usage: json.usage.try_into()?,
    })
}

fn line_to_json(line: &Line) -> LineJson {
    let corrects = line.corrects.as_ref();
    LineJson {
        id: line.id.clone(),
        item: line.item.as_str().to_owned(),
        region: line.region.clone(),
        direction: line
            .direction
            .map(|direction| direction.as_str())
            .unwrap_or_default()
            .to_owned(),
        instance_type: line.instance_type.as_str().to_owned(),
        tier: line.tier.to_string(),
        quantity: fixed(line.quantity, quantity_scale(line.item)),
        unit: line.item.unit().to_owned(),
        unit_price: line.unit_price.normalize().to_string(),
        amount: fixed(line.amount, AMOUNT_SCALE),
        price_book: line.price_book.clone(),
        price_book_id: line.price_book_id.clone(),
        corrects_hour: corrects.map(|corrects| corrects.hour.to_string()),
        corrects_line: corrects.map(|corrects| corrects.line.clone()),
    }
}

fn line_from_json(json: LineJson) -> Result<Line, JsonError> {
    let wrong = |field, text: &str| JsonError::Value { field, text: text.to_owned() };
    let item = Item::parse(&json.item).ok_or_else(|| wrong("item", &json.item))?;
    if json.unit != item.unit() {
        return Err(wrong("unit", &json.unit));
    }
    let direction = match (item, json.direction.as_str()) {
        (Item::Calls, "") => None,
        (Item::Calls, other) => return Err(wrong("direction", other)),
        (Item::Traffic, direction) => Some(direction_of(direction)?),
    };
    let corrects = match (json.corrects_hour, json.corrects_line) {
        (None, None) => None,
        (Some(at), Some(line)) => Some(Corrects { hour: hour("corrects_hour", &at)?, line }),
        (Some(text), None) => return Err(wrong("corrects_hour", &text)),
        (None, Some(text)) => return Err(wrong("corrects_line", &text)),
    };
    Ok(Line {
        item,
        direction,
        instance_type: instance_kind(&json.instance_type)?,
        tier: value("tier", &json.tier, TierName::parse)?,
        quantity: decimal("quantity", &json.quantity, quantity_scale(item))?,
        unit_price: value("unit_price", &json.unit_price, |text| {
            Some(Decimal::from_str_exact(text).ok()?.normalize())
        })?,
        amount: decimal("amount", &json.amount, AMOUNT_SCALE)?,
        id: json.id,
        region: json.region,
        price_book: json.price_book,
        price_book_id: json.price_book_id,
        corrects,
    })
}

fn hour(field: &'static str, text: &str) -> Result<Hour, JsonError> {
    value(field, text, |text| text.parse().ok())
}

/// Calls are whole, GB have 4 decimals.
fn quantity_scale(item: Item) -> u32 {
    match item {
        Item::Calls => 0,
        Item::Traffic => 4,
    }
}

/// The text of a decimal with exactly so many decimals, which it never has more of.
fn fixed(decimal: Decimal, scale: u32) -> String {
    assert!(decimal.scale() <= scale, "{decimal} has more than {scale} decimals");
    let mut decimal = decimal;
    decimal.rescale(scale);
    decimal.to_string()
}
