//! Random books, hours and late records, against the auditor.

use std::collections::BTreeMap;

use pricing::{
    Bill, Book, CallsKey, Direction, HourUsage, KnownHour, MonthUse, State, Tier, Tiers,
    TrafficKey, billed_for, correct, rate,
};
use proptest::prelude::*;
use record::{Hour, InstanceType};
use rust_decimal::Decimal;

use crate::auditor::{NaiveBook, NaiveMonth, NaiveTiers, audit, priced};
use crate::tables::{book, hour, month};

/// 2026-11-01T00:00 of UTC+8.
const MONTH_START: &str = "2026-10-31T16:00:00Z";

/// Tiers of a random item: ascending bounds in steps, prices in 10^-8 with a common unit.
fn tiers(bound_max: u64, price_unit: i128) -> impl Strategy<Value = NaiveTiers> {
    let bounds = prop::collection::btree_set(1..bound_max, 0..4);
    (bounds, prop::collection::vec(0_i128..1000, 5)).prop_map(move |(bounds, prices)| {
        let bounds = bounds.into_iter().chain([u64::MAX]);
        NaiveTiers(bounds.zip(prices).map(|(up_to, price)| (up_to, price * price_unit)).collect())
    })
}

fn books() -> impl Strategy<Value = NaiveBook> {
    // Prices per GB of 10^-7 and finer make lines whose amounts are rounded.
    let region = || tiers(300, 3);
    (tiers(40, 1), region(), region(), 0_u64..30, 0_u64..200).prop_map(
        |(calls, near, far, free_calls, free_steps)| NaiveBook {
            calls,
            traffic: BTreeMap::from([("near".to_owned(), near), ("far".to_owned(), far)]),
            free_calls,
            free_steps,
        },
    )
}

/// An hour of few units, so that the auditor can count them; bytes near the middle of a step.
fn hours() -> impl Strategy<Value = HourUsage> {
    let kind = || prop_oneof![Just(InstanceType::Shared), Just(InstanceType::Dedicated)];
    let calls = prop::collection::btree_map(
        kind().prop_map(|instance_type| CallsKey { instance_type }),
        0_u64..25,
        0..3,
    );
    let key = (
        prop_oneof![Just("near".to_owned()), Just("far".to_owned())],
        prop_oneof![Just(Direction::Response), Just(Direction::Backend)],
        kind(),
    );
    let key = key.prop_map(|(region, direction, instance_type)| TrafficKey {
        region,
        direction,
        instance_type,
    });
    let bytes = prop_oneof![0_u128..200_000, 0_u128..20_000_000, Just(33_554_432_u128)];
    let traffic = prop::collection::btree_map(key, bytes, 0..6);
    (calls, traffic).prop_map(|(calls, traffic)| HourUsage { calls, traffic })
}

/// The same book as a text, read as any other.
fn written(naive: &NaiveBook) -> Book {
    let tiers = |tiers: &NaiveTiers, decimals: u32| -> String {
        let last = tiers.0.len() - 1;
        let line = |(index, &(up_to, price)): (usize, &(u64, i128))| {
            let bound = Decimal::try_from_i128_with_scale(i128::from(up_to), decimals);
            let bound = if index == last {
                String::new()
            } else {
                format!("up_to: {}, ", bound.expect("a small bound"))
            };
            let price = Decimal::try_from_i128_with_scale(price, 8).expect("a small price");
            format!("{{{bound}price: {price}}}")
        };
        tiers.0.iter().enumerate().map(line).collect::<Vec<_>>().join(", ")
    };
    let region = |name: &str| {
        format!("  - regions: [{name}]\n    tiers: [{}]\n", tiers(&naive.traffic[name], 4))
    };
    let free_gb = Decimal::try_from_i128_with_scale(i128::from(naive.free_steps), 4);
    book(&format!(
        "id: random\ncurrency: USD\nmonth_zone: +08:00\n\
         effective_from: 2026-01-01T00:00:00Z\n\
         calls:\n  per: 1\n  tiers: [{}]\ntraffic:\n{}{}\
         free_tier: {{calls: {}, traffic_gb: {}}}\n",
        tiers(&naive.calls, 0),
        region("near"),
        region("far"),
        naive.free_calls,
        free_gb.expect("small")
    ))
}

fn sum(one: &HourUsage, other: &HourUsage) -> HourUsage {
    let mut both = one.clone();
    for (key, calls) in &other.calls {
        *both.calls.entry(*key).or_default() += calls;
    }
    for (key, bytes) in &other.traffic {
        *both.traffic.entry(key.clone()).or_default() += bytes;
    }
    both
}

fn opening() -> MonthUse {
    MonthUse::new(month("2026-11"), None)
}

proptest! {
    #[test]
    fn hours_cost_what_the_auditor_counts(naive in books(), usages in prop::collection::vec(hours(), 1..5)) {
        let book = written(&naive);
        let (mut ours, mut theirs) = (opening(), NaiveMonth::default());
        for usage in &usages {
            let rated = rate(&book, &ours, usage).expect("it can be rated");
            prop_assert_eq!(priced(&rated.lines), audit(&naive, &mut theirs, usage));
            let total: i128 = rated.lines.iter().map(|line| line.amount.mantissa()).sum();
            prop_assert_eq!(total, rated.total.amount.mantissa());
            let again = rate(&book, &ours, usage).expect("it can be rated");
            prop_assert_eq!(&again, &rated);
            ours = rated.after;
        }
    }

    #[test]
    fn however_a_month_is_sliced_calls_cost_the_same(
        naive in books(),
        slices in prop::collection::vec(0_u64..40, 1..12),
    ) {
        let book = written(&naive);
        let calls = |calls: u64| {
            let key = CallsKey { instance_type: InstanceType::Shared };
            HourUsage { calls: BTreeMap::from([(key, calls)]), ..HourUsage::default() }
        };
        let mut sliced = 0;
        let mut month = opening();
        for &slice in &slices {
            let rated = rate(&book, &month, &calls(slice)).expect("it can be rated");
            sliced += rated.total.amount.mantissa();
            month = rated.after;
        }
        let whole = rate(&book, &opening(), &calls(slices.iter().sum())).expect("it can be rated");
        prop_assert_eq!(whole.total.amount.mantissa(), sliced);
        prop_assert_eq!(whole.after, month);
    }

    #[test]
    fn parts_sum_to_the_whole_and_slices_to_the_same_parts(
        bounds in prop::collection::btree_set(1_u128..1_000_000_000, 0..6),
        used in 0_u128..2_000_000_000,
        first in 0_u128..1_000_000_000,
        second in 0_u128..1_000_000_000,
    ) {
        let bounds = bounds.into_iter().map(Some).chain([None]);
        let list = bounds.map(|up_to| Tier { up_to, unit_price: Decimal::ONE }).collect();
        let tiers = Tiers::new(list).expect("ascending bounds");
        let by_tier = |used, steps| {
            let mut by_tier: BTreeMap<u16, u128> = BTreeMap::new();
            for part in tiers.split(used, steps).expect("small") {
                *by_tier.entry(part.tier).or_default() += part.steps;
            }
            by_tier
        };
        let whole = by_tier(used, first + second);
        prop_assert_eq!(whole.values().sum::<u128>(), first + second);
        let mut sliced = by_tier(used, first);
        for (tier, steps) in by_tier(used + first, second) {
            *sliced.entry(tier).or_default() += steps;
        }
        prop_assert_eq!(whole, sliced);
    }

    #[test]
    fn what_was_billed_and_its_corrections_are_the_hours_rated_once(
        naive in books(),
        hours in prop::collection::vec((hours(), hours(), hours()), 1..5),
    ) {
        let book = written(&naive);
        let start: Hour = hour(MONTH_START);
        let at = |index: usize| Hour(start.0 + i64::try_from(index).expect("small"));

        // In time: each hour is billed with what is known. `bills[i]` is the bill of hour i.
        let mut bills: Vec<Bill> = Vec::new();
        let mut month = opening();
        for (index, (in_time, _, _)) in hours.iter().enumerate() {
            let rated = rate(&book, &month, in_time).expect("it can be rated");
            let bill = Bill::new("acme", at(index), State::Closed, in_time, &rated, &[]);
            bills.push(bill.expect("one currency"));
            month = rated.after;
        }
        // Twice something comes late for every hour, and is billed in a later, else empty one.
        let mut known: Vec<HourUsage> = hours.iter().map(|hour| hour.0.clone()).collect();
        for round in 0..2 {
            for (usage, (_, late, later)) in known.iter_mut().zip(&hours) {
                *usage = sum(usage, if round == 0 { late } else { later });
            }
            let closed = known.iter().enumerate().map(|(index, usage)| KnownHour {
                hour: at(index),
                book: &book,
                usage: usage.clone(),
                billed: billed_for(at(index), &bills),
            });
            let corrected = correct(&opening(), &closed.collect::<Vec<_>>()).expect("a correction");
            let nothing = HourUsage::default();
            let rated = rate(&book, &corrected.after, &nothing).expect("it can be rated");
            let open = at(hours.len() + round);
            let bill = Bill::new("acme", open, State::Closed, &nothing, &rated, &[corrected]);
            bills.push(bill.expect("one currency"));
        }
        // By hour and line: all that was billed is what the auditor counts with everything known.
        let mut theirs = NaiveMonth::default();
        for (index, usage) in known.iter().enumerate() {
            let billed = priced(&billed_for(at(index), &bills));
            prop_assert_eq!(billed, audit(&naive, &mut theirs, usage), "hour {}", index);
        }
        // Nothing is left to correct, and the bytes of bills survive.
        let closed = known.iter().enumerate().map(|(index, usage)| KnownHour {
            hour: at(index),
            book: &book,
            usage: usage.clone(),
            billed: billed_for(at(index), &bills),
        });
        let corrected = correct(&opening(), &closed.collect::<Vec<_>>()).expect("a correction");
        prop_assert_eq!(corrected.lines, Vec::new());
        for bill in &bills {
            let text = bill.to_json();
            let read = Bill::from_json(&text).expect("it was written by us");
            prop_assert_eq!(&read, bill);
            prop_assert_eq!(read.to_json(), text);
        }
        let month = corrected.after;
        prop_assert_eq!(MonthUse::from_json(&month.to_json()).expect("ours"), month);
        for usage in known {
            prop_assert_eq!(HourUsage::from_json(&usage.to_json()).expect("ours"), usage);
        }
    }
}
