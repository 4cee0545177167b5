//! A price book's text to a [`Book`]: every mistake at once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use settings::{Fields, Value};
use sha2::{Digest, Sha256};

use super::scalars::{FullHour, Graduated, Id, Per, Price};
use super::{Book, FreeTier};
use crate::money::Gb;
use crate::tiers::{Tier, Tiers};

/// More tiers than any price list has; each can become a line of each hour.
const TIERS_MAX: usize = 32;
/// Decimals that an amount keeps, and so the finest price of one call.
const CALL_PRICE_DECIMALS_MAX: u32 = 8;

/// Reads the whole book. Each part adds its own mistakes before any of them ends the reading.
pub(super) fn book(root: &Value<'_>, text: &str) -> Option<Book> {
    let fields = root.fields()?;
    let id = fields.get("id");
    let currency = fields.get("currency");
    let zone = fields.get("month_zone");
    let effective_from = fields.get("effective_from");
    let calls = fields.required("calls").and_then(|value| calls(&value));
    let traffic = fields.required("traffic").and_then(|value| traffic(&value));
    let free_tier = fields.optional("free_tier").map(|value| free_tier(&value));
    fields.close();

    let Id(id) = id?;
    let FullHour(effective_from) = effective_from?;
    Some(Book {
        id,
        sha256: sha256(text),
        text: text.to_owned(),
        currency: currency?,
        zone: zone?,
        effective_from,
        calls: calls?,
        traffic: traffic?,
        free_tier: free_tier.unwrap_or_default(),
    })
}

fn sha256(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn calls(value: &Value<'_>) -> Option<Tiers> {
    let fields = value.fields()?;
    model(&fields);
    let per: Option<Per> = fields.get("per");
    let bound = |value: &Value<'_>| value.scalar::<u64>().map(u128::from);
    let price = |value: &Value<'_>| call_price(value, per);
    let tiers = fields.required("tiers").and_then(|value| tiers(&value, &bound, &price));
    fields.close();
    per.and(tiers)
}

/// The price of one call, when that of `per` calls is known.
fn call_price(value: &Value<'_>, per: Option<Per>) -> Option<Decimal> {
    let Price(price) = value.scalar()?;
    let scale = price.scale().checked_add(per?.zeros)?;
    let one = Decimal::try_from_i128_with_scale(price.mantissa(), scale).ok()?.normalize();
    if one.scale() > CALL_PRICE_DECIMALS_MAX {
        value.mistake(format!(
            "one call would cost {one}, but prices of one call have at most \
             {CALL_PRICE_DECIMALS_MAX} decimals, as amounts do"
        ));
        return None;
    }
    Some(one)
}

fn traffic(value: &Value<'_>) -> Option<BTreeMap<String, Tiers>> {
    let mut by_region: BTreeMap<String, Tiers> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let groups = value.items();
    if groups.is_empty() {
        value.mistake("at least one group of regions is needed");
    }
    for group in &groups {
        let Some(fields) = group.fields() else { continue };
        model(&fields);
        let regions = regions(&fields, &mut seen);
        let bound = |value: &Value<'_>| value.scalar::<Gb>().map(Gb::steps);
        let price = |value: &Value<'_>| value.scalar().map(|Price(price)| price);
        let tiers = fields.required("tiers").and_then(|value| tiers(&value, &bound, &price));
        fields.close();
        if let Some(tiers) = tiers {
            by_region.extend(regions.into_iter().map(|region| (region, tiers.clone())));
        }
    }
    Some(by_region)
}

/// The regions of one group; `seen` has those of all groups so far, with their lines.
fn regions(fields: &Fields<'_>, seen: &mut BTreeMap<String, usize>) -> Vec<String> {
    let Some(list) = fields.required("regions") else { return Vec::new() };
    let mut regions = Vec::new();
    for item in list.items() {
        let Some(Id(region)) = item.scalar() else { continue };
        match seen.insert(region.clone(), item.line()) {
            None => regions.push(region),
            Some(line) => item.mistake(format!("`{region}` has its price in line {line} already")),
        }
    }
    regions
}

/// The model of an item; `graduated` when it is not named.
fn model(fields: &Fields<'_>) {
    if let Some(model) = fields.optional("model") {
        // Reading it is all: a model that this version has not is a mistake.
        let _: Option<Graduated> = model.scalar();
    }
}

fn tiers(
    value: &Value<'_>,
    bound: &dyn Fn(&Value<'_>) -> Option<u128>,
    price: &dyn Fn(&Value<'_>) -> Option<Decimal>,
) -> Option<Tiers> {
    let items = value.items();
    if items.is_empty() || items.len() > TIERS_MAX {
        value.mistake(format!("from 1 to {TIERS_MAX} tiers are accepted"));
        return None;
    }
    let mut below = 0;
    let mut tiers = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Some(fields) = item.fields() else { continue };
        let is_last = index.checked_add(1) == Some(items.len());
        let up_to = fields.optional("up_to");
        let unit_price = fields.required("price").and_then(|value| price(&value));
        match &up_to {
            Some(value) if is_last => {
                value.mistake("the last tier has no bound: leave `up_to` out");
            }
            None if !is_last => item.mistake("`up_to` is missing; only the last tier has none"),
            Some(_) | None => {}
        }
        let up_to = up_to.and_then(|value| {
            let found = bound(&value)?;
            if found <= below {
                value.mistake("a bound must be above 0 and above the one before it");
            }
            below = found;
            Some(found)
        });
        fields.close();
        tiers.extend(unit_price.map(|unit_price| Tier { up_to, unit_price }));
    }
    // What is missing here was named above, at its place.
    if tiers.len() == items.len() { Tiers::new(tiers) } else { None }
}

fn free_tier(value: &Value<'_>) -> Option<FreeTier> {
    let fields = value.fields()?;
    let calls = fields.get_or("calls", 0);
    let traffic = fields.get_or("traffic_gb", Gb::ZERO);
    let months = fields.optional("months");
    let months = months.and_then(|value| match value.scalar() {
        Some(0) => {
            value.mistake("at least 1; leave `months` out for a free tier without end");
            None
        }
        months => months,
    });
    fields.close();
    Some(FreeTier { calls, traffic, months })
}
