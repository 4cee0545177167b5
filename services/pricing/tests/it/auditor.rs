//! A second computation of an hour, naive on purpose: one unit after the other, in integers.
//!
//! It shares no code with the crate but the keys of use. Prices are in units of 10^-8 per unit
//! of use, quantities in steps (one call, 0.0001 GB).

use std::collections::BTreeMap;

use pricing::{CallsKey, HourUsage, Line};
use record::InstanceType;

/// Bounds (in steps) and prices, in units of 10^-8 per call or GB; the last bound is never met.
#[derive(Debug, Clone)]
pub struct NaiveTiers(pub Vec<(u64, i128)>);

#[derive(Debug, Clone)]
pub struct NaiveBook {
    pub calls: NaiveTiers,
    pub traffic: BTreeMap<String, NaiveTiers>,
    pub free_calls: u64,
    pub free_steps: u64,
}

/// How far the month is.
#[derive(Debug, Clone, Default)]
pub struct NaiveMonth {
    calls: u64,
    free_calls: u64,
    steps: BTreeMap<String, u64>,
    free_steps: u64,
}

/// Steps and amount (10^-8) by line id.
pub type Priced = BTreeMap<String, (i128, i128)>;

/// What the hour costs; the month moves on.
pub fn audit(book: &NaiveBook, month: &mut NaiveMonth, usage: &HourUsage) -> Priced {
    let mut steps: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    let shared = CallsKey { instance_type: InstanceType::Shared };
    for _ in 0..usage.calls.get(&shared).copied().unwrap_or(0) {
        let (tier, price) = if month.free_calls < book.free_calls {
            month.free_calls += 1;
            ("free".to_owned(), 0)
        } else {
            month.calls += 1;
            tier_of(&book.calls, month.calls)
        };
        steps.entry(format!("calls:{tier}")).or_insert((0, price)).0 += 1;
    }
    let mut priced: Priced = BTreeMap::new();
    for (id, (count, price)) in std::mem::take(&mut steps) {
        priced.insert(id, (count, count * price));
    }
    for (place, region, count) in billed(usage) {
        for _ in 0..count {
            let (tier, price) = if month.free_steps < book.free_steps {
                month.free_steps += 1;
                ("free".to_owned(), 0)
            } else {
                let used = month.steps.entry(region.clone()).or_default();
                *used += 1;
                tier_of(&book.traffic[&region], *used)
            };
            steps.entry(format!("{place}:{tier}")).or_insert((0, price)).0 += 1;
        }
    }
    for (id, (count, price)) in steps {
        // A step is a ten-thousandth of a GB; half away from zero, and nothing is below zero.
        priced.insert(id, (count, (2 * count * price + 10_000) / 20_000));
    }
    priced
}

/// The tier of the n-th unit: looked for from above.
fn tier_of(tiers: &NaiveTiers, nth: u64) -> (String, i128) {
    let mut found = tiers.0.len() - 1;
    while found > 0 && nth <= tiers.0[found - 1].0 {
        found -= 1;
    }
    (format!("t{}", found + 1), tiers.0[found].1)
}

/// Steps of each region, direction and instance type, by hand: the sum of the direction is
/// converted, shared instances have their own bytes converted, dedicated ones the rest.
fn billed(usage: &HourUsage) -> Vec<(String, String, i128)> {
    let mut list = Vec::new();
    let places: std::collections::BTreeSet<_> =
        usage.traffic.keys().map(|key| (key.region.clone(), key.direction)).collect();
    for (region, direction) in places {
        let of = |kind: InstanceType| -> u128 {
            let found = usage.traffic.iter().find(|(key, _)| {
                key.region == region && key.direction == direction && key.instance_type == kind
            });
            found.map_or(0, |(_, &bytes)| bytes)
        };
        let all = steps_of(of(InstanceType::Shared) + of(InstanceType::Dedicated));
        let shared = steps_of(of(InstanceType::Shared));
        let name = direction.as_str();
        list.push((format!("traffic:{region}:{name}:shared"), region.clone(), shared));
        list.push((format!("traffic:{region}:{name}:dedicated"), region.clone(), all - shared));
    }
    list
}

/// The least number of steps that is nearest to the bytes; of two nearest ones the greater.
fn steps_of(bytes: u128) -> i128 {
    let scaled = bytes * 20_000; // twice the bytes, in units of 2^-30 of a step
    let mut steps = scaled >> 31;
    while (2 * steps + 1) << 30 <= scaled {
        steps += 1;
    }
    i128::try_from(steps).expect("small")
}

/// The same view of our lines.
pub fn priced(lines: &[Line]) -> Priced {
    let mut priced = Priced::new();
    for line in lines {
        let corrected = line.corrects.as_ref().map(|corrects| corrects.line.clone());
        let id = corrected.unwrap_or_else(|| line.id.clone());
        let entry = priced.entry(id).or_default();
        entry.0 += line.quantity.mantissa();
        assert_eq!(line.amount.scale(), 8, "{line:?}");
        entry.1 += line.amount.mantissa();
    }
    priced.retain(|_, value| *value != (0, 0));
    priced
}
