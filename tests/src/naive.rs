//! A bill computed a second time, in plain integers, from the sample calls themselves.
//!
//! Prices and rules are those of the provider's documentation, written down once more: calls of
//! shared instances in three tiers of the month, traffic by region, 1 GB = 1024³ bytes at four
//! decimals, half away from zero.

use std::collections::BTreeMap;

use crate::lines::Call;

/// Where the first tier of calls ends.
pub const FIRST_TIER: u64 = 10_000_000;
/// Where the second one ends.
const SECOND_TIER: u64 = 100_000_000;
/// Price of a call in each tier, 10⁻⁸ USD: 0.0089, 0.0059 and 0.0045 for 10,000.
const CALL_PRICES: [i128; 3] = [89, 59, 45];

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `calls`, or `traffic REGION DIRECTION`, and the tier.
    pub place: String,
    /// In 10⁻⁸.
    pub quantity: i128,
    /// In 10⁻⁸.
    pub unit_price: i128,
    /// In 10⁻⁸.
    pub amount: i128,
}

/// Price of a GB, 10⁻⁸ USD; none for a region that the book does not know.
pub fn traffic_price(region: &str) -> Option<i128> {
    match region {
        "ap-guangzhou" => Some(12_000_000),
        "ap-hongkong" => Some(15_000_000),
        _ => None,
    }
}

/// GB of some bytes, in 10⁻⁴, half away from zero.
pub fn gigabytes(bytes: u128) -> i128 {
    let gb = 1024 * 1024 * 1024;
    i128::try_from((bytes * 10_000 * 2 + gb) / (gb * 2)).expect("few")
}

/// The lines of one account in one hour; `before` is the month's use of calls until then.
///
/// # Panics
/// For a region without a price.
pub fn bill<'c>(calls: impl IntoIterator<Item = &'c Call>, before: u64) -> Vec<Line> {
    let (mut count, mut bytes) = (0, BTreeMap::<(String, &str), u128>::new());
    for call in calls {
        count += u64::from(call.billable() && call.instance_type == "shared");
        let mut add = |direction, net, length: u64| {
            if net == "public" {
                *bytes.entry((call.region.clone(), direction)).or_default() += u128::from(length);
            }
        };
        add("response", call.net, call.rsp_len);
        add("backend", call.ups_net, call.ups_req_len);
    }
    let mut lines = Vec::new();
    let bounds = [0, FIRST_TIER, SECOND_TIER, u64::MAX];
    for (tier, price) in CALL_PRICES.into_iter().enumerate() {
        let (low, high) = (bounds[tier].max(before), bounds[tier + 1].min(before + count));
        if high > low {
            lines.push(line(format!("calls {}", tier + 1), i128::from(high - low) * UNIT, price));
        }
    }
    for ((region, direction), bytes) in bytes {
        let price = traffic_price(&region).expect("a region with a price");
        let quantity = gigabytes(bytes) * (UNIT / 10_000);
        if quantity > 0 {
            lines.push(line(format!("traffic {region} {direction} 1"), quantity, price));
        }
    }
    lines.sort_by(|one, other| one.place.cmp(&other.place));
    lines
}

/// How many of the calls count.
pub fn counted<'c>(calls: impl IntoIterator<Item = &'c Call>) -> u64 {
    let counts = |call: &&Call| call.billable() && call.instance_type == "shared";
    calls.into_iter().filter(counts).count() as u64
}

/// One, in 10⁻⁸.
const UNIT: i128 = 100_000_000;

fn line(place: String, quantity: i128, unit_price: i128) -> Line {
    let product = quantity * unit_price;
    assert_eq!(product % UNIT, 0, "no amount of the samples needs rounding");
    Line { place, quantity, unit_price, amount: product / UNIT }
}

/// A decimal text as a number of 10⁻⁸.
///
/// # Panics
/// When it is no decimal, or has more than eight decimals.
pub fn units(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(rest.len() <= 8, "{text} has more than eight decimals");
    let number: i128 = format!("{whole}{rest:0<8}").parse().unwrap_or_else(|_| panic!("{text}"));
    sign * number
}

/// The lines of a bill as the API gives it, in the same form; corrections are left out.
///
/// # Panics
/// When something is missing or is no text.
pub fn lines_of(bill: &serde_json::Value) -> Vec<Line> {
    let lines = bill["lines"].as_array().expect("lines");
    let own = lines.iter().filter(|line| line.get("corrects_hour").is_none());
    let mut lines: Vec<Line> = own
        .map(|line| {
            let word = |key: &str| line[key].as_str().unwrap_or_else(|| panic!("{key}: {line}"));
            let place = match word("item") {
                "calls" => format!("calls {}", word("tier")),
                item => {
                    format!("{item} {} {} {}", word("region"), word("direction"), word("tier"))
                }
            };
            Line {
                place,
                quantity: units(word("quantity")),
                unit_price: units(word("unit_price")),
                amount: units(word("amount")),
            }
        })
        .collect();
    lines.sort_by(|one, other| one.place.cmp(&other.place));
    lines
}

/// Asserts that all lines of a bill, corrections included, sum to its total exactly; gives it.
///
/// # Panics
/// When they do not.
pub fn total_of(bill: &serde_json::Value) -> i128 {
    let lines = bill["lines"].as_array().expect("lines");
    let sum = lines.iter().map(|line| units(line["amount"].as_str().expect("an amount"))).sum();
    assert_eq!(units(bill["total"].as_str().expect("a total")), sum, "BILL-3: {bill}");
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_values_of_the_documentation() {
        // 1 GB + 200 MB, 53,687 and 53,688 bytes, 1 GB + 300 MB.
        assert_eq!(gigabytes((1024 + 200) << 20), 11_953);
        assert_eq!(gigabytes((1024 + 300) << 20), 12_930);
        assert_eq!((gigabytes(53_687), gigabytes(53_688)), (0, 1));
        assert_eq!((units("-4.45"), units("0.00000089")), (-445_000_000, 89));
        // An hour of 3 calls at 9,999,999.
        let calls: Vec<Call> = (0..3).map(|n| Call { rsp_len: 0, ..Call::new(n, 0, 0) }).collect();
        let found = bill(&calls, FIRST_TIER - 1);
        let shown: Vec<_> = found.iter().map(|line| (&*line.place, line.quantity / UNIT)).collect();
        assert_eq!(shown, [("calls 1", 1), ("calls 2", 2)]);
    }
}
