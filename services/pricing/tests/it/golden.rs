//! Values from outside, and the edges that we pin.

use pricing::{Gb, RateError, billed_gb, line_amount, rate};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::tables::{book, month, month_use, published, text, tiered, usage};

/// 1 MB and 1 KB in bytes.
const MB: u128 = 1024 * 1024;
const KB: u128 = 1024;
const GB: u128 = 1024 * MB;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).expect("a decimal")
}

/// Half away from zero at so many decimals, as statements and the sources round.
fn rounded(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

#[test]
fn bytes_become_gb_by_1024_with_four_decimals() {
    let table = [
        // From the sources: 1 GB + 200 MB is billed as 1.1953 GB.
        (GB + 200 * MB, "1.1953"),
        // Ours: 1.29296875 rounds up; below half of 0.0001 GB nothing, from half on one.
        (GB + 300 * MB, "1.2930"),
        (53_687, "0.0000"),
        (53_688, "0.0001"),
        (0, "0.0000"),
        (GB, "1.0000"),
        (15_000_000 * KB, "14.3051"),
        (5_000_000 * KB, "4.7684"),
        // 32 MB are 0.03125 GB, a middle: away from zero, not to the even digit.
        (32 * MB, "0.0313"),
        (32 * MB - 1, "0.0312"),
    ];
    for (bytes, gb) in table {
        assert_eq!(billed_gb(bytes).expect("small enough").to_string(), gb, "{bytes} bytes");
    }
    let largest = Gb::from_steps(10_u128.pow(24) - 1).expect("the largest quantity");
    assert_eq!(largest.to_string(), "99999999999999999999.9999");
    assert!(billed_gb(u128::MAX).is_err());
}

#[test]
fn amounts_round_half_away_from_zero_at_eight_decimals() {
    let table = [
        ("1.1953", "0.12", "0.14343600"),
        ("0.0001", "0.00005", "0.00000001"),
        ("0.0001", "0.00004999", "0.00000000"),
        ("-0.0001", "0.00005", "-0.00000001"),
        ("3", "0.00000089", "0.00000267"),
        ("5", "2", "10.00000000"),
    ];
    for (quantity, price, amount) in table {
        let got = line_amount(decimal(quantity), decimal(price)).expect("small enough");
        assert_eq!(got.to_string(), amount, "{quantity} x {price}");
    }
    let huge = decimal("99999999999999999999");
    assert!(line_amount(huge, huge).is_err(), "too large for an exact product");
    assert!(line_amount(huge, decimal("2")).is_err(), "too large for an exact amount");
}

/// Rates with the published book.
fn check(before: &str, hour: &str, expect: &str) -> Decimal {
    let before = month_use(before);
    let rated = rate(&published(), &before, &usage(hour)).expect("it can be rated");
    let expect: String = expect.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(text(&rated.lines), expect, "{before:?} + {hour}");
    rated.total.amount
}

#[test]
fn published_example_costs_what_the_sources_say() {
    let calls = check("", "calls 5_000_000", "calls:t1 5000000 x 0.00000089 = 4.45000000");
    assert_eq!(calls, decimal("4.45"));

    let traffic = check(
        "",
        "response ap-guangzhou 15_360_000_000; backend ap-guangzhou 5_120_000_000",
        "traffic:ap-guangzhou:response:shared:t1 14.3051 x 0.12 = 1.71661200
         traffic:ap-guangzhou:backend:shared:t1 4.7684 x 0.12 = 0.57220800",
    );
    // The sources say 14.3 and 4.77 GB, 2.29 USD.
    assert_eq!(rounded(decimal("14.3051"), 1), decimal("14.3"));
    assert_eq!(rounded(decimal("4.7684"), 2), decimal("4.77"));
    assert_eq!(rounded(traffic, 2), decimal("2.29"));

    let both = check(
        "",
        "calls 5_000_000; response ap-guangzhou 15_360_000_000; \
         backend ap-guangzhou 5_120_000_000",
        "calls:t1 5000000 x 0.00000089 = 4.45000000
         traffic:ap-guangzhou:response:shared:t1 14.3051 x 0.12 = 1.71661200
         traffic:ap-guangzhou:backend:shared:t1 4.7684 x 0.12 = 0.57220800",
    );
    assert_eq!(rounded(both, 2), decimal("6.74"));
}

#[test]
fn regions_cost_what_is_published() {
    let table = [
        ("0.12", "ap-beijing ap-chengdu ap-chongqing ap-guangzhou ap-nanjing ap-shanghai"),
        ("0.12", "ap-singapore ap-seoul eu-frankfurt eu-moscow ap-tokyo"),
        ("0.15", "ap-hongkong"),
        ("0.074", "na-toronto na-siliconvalley na-ashburn ap-bangkok ap-mumbai"),
    ];
    let book = published();
    assert_eq!(book.traffic.len(), 17);
    for (price, regions) in table {
        for region in regions.split(' ') {
            let hour = usage(&format!("response {region} {GB}"));
            let rated = rate(&book, &month_use(""), &hour).expect("a known region");
            assert_eq!(rated.total.amount, decimal(price), "{region}");
        }
    }
}

#[test]
fn yuan_prices_of_calls_are_the_published_ones() {
    let tiers: Vec<_> = tiered().calls.as_slice().to_vec();
    let expect =
        [(Some(10_000_000), "0.000006"), (Some(100_000_000), "0.000004"), (None, "0.000003")];
    for (tier, (up_to, price)) in tiers.iter().zip(expect) {
        assert_eq!((tier.up_to, tier.unit_price), (up_to, decimal(price)));
    }
    assert_eq!(tiers.len(), expect.len());
}

#[test]
fn a_bound_belongs_to_the_tier_that_it_ends() {
    check(
        "calls 9_999_999",
        "calls 3",
        "calls:t1 1 x 0.00000089 = 0.00000089
         calls:t2 2 x 0.00000059 = 0.00000118",
    );
    check("calls 9_999_999", "calls 1", "calls:t1 1 x 0.00000089 = 0.00000089");
    check("calls 10_000_000", "calls 1", "calls:t2 1 x 0.00000059 = 0.00000059");
    check("calls 100_000_000", "calls 1", "calls:t3 1 x 0.00000045 = 0.00000045");
}

#[test]
fn an_hour_that_spans_three_tiers_has_three_lines() {
    check(
        "calls 9_999_999",
        "calls 90_000_002",
        "calls:t1 1 x 0.00000089 = 0.00000089
         calls:t2 90000000 x 0.00000059 = 53.10000000
         calls:t3 1 x 0.00000045 = 0.00000045",
    );
}

#[test]
fn dedicated_instances_pay_traffic_and_no_calls() {
    check(
        "",
        "calls dedicated 7; response ap-hongkong dedicated 1_073_741_824",
        "traffic:ap-hongkong:response:dedicated:t1 1.0000 x 0.15 = 0.15000000",
    );
}

#[test]
fn shared_and_dedicated_bytes_of_a_direction_are_converted_once() {
    // Each is below half of 0.0001 GB; together they are above it.
    check(
        "",
        "response ap-tokyo 30_000; response ap-tokyo dedicated 30_000",
        "traffic:ap-tokyo:response:dedicated:t1 0.0001 x 0.12 = 0.00001200",
    );
    // Directions are converted each for itself.
    check("", "response ap-tokyo 30_000; backend ap-tokyo 30_000", "");
}

#[test]
fn nothing_used_gives_no_lines() {
    check("", "", "");
    check("", "calls 0; response ap-tokyo 0; response mars 0", "");
}

#[test]
fn an_unknown_region_is_an_error_that_names_it() {
    let wrong = rate(&published(), &month_use(""), &usage("calls 1; response mars 1"));
    let expect = RateError::UnknownRegion { region: "mars".into(), book: "published-usd".into() };
    assert_eq!(wrong, Err(expect.clone()));
    assert_eq!(
        expect.to_string(),
        "price book `published-usd` has no price for traffic of region `mars`"
    );
}

#[test]
fn traffic_tiers_count_both_directions_of_their_region() {
    let mut before = month_use("ap-tokyo 1.4; ap-seoul 0.2");
    before.since = None;
    let hour = usage(&format!(
        "backend ap-tokyo {GB}; response ap-tokyo {}; response ap-seoul {GB}",
        GB / 20
    ));
    let rated = rate(&tiered(), &before, &hour).expect("it can be rated");
    assert_eq!(
        text(&rated.lines),
        "traffic:ap-seoul:response:shared:t1 1.0000 x 0.9 = 0.90000000\n\
         traffic:ap-tokyo:response:shared:t1 0.0500 x 0.9 = 0.04500000\n\
         traffic:ap-tokyo:backend:shared:t1 0.0500 x 0.9 = 0.04500000\n\
         traffic:ap-tokyo:backend:shared:t2 0.9500 x 0.81 = 0.76950000\n"
    );
    assert_eq!(rated.after.traffic["ap-tokyo"].to_string(), "2.4500");
    assert_eq!(rated.after.traffic["ap-seoul"].to_string(), "1.2000");
}

#[test]
fn the_free_tier_comes_first_and_does_not_move_the_tiers() {
    let mut before = month_use("free_calls 999_990; free_gb 0.9");
    before.since = Some(month("2026-01"));
    let hour = usage(&format!("calls 15; response ap-seoul {GB}; response ap-tokyo {GB}"));
    let rated = rate(&tiered(), &before, &hour).expect("it can be rated");
    assert_eq!(
        text(&rated.lines),
        "calls:free 10 x 0 = 0.00000000\n\
         calls:t1 5 x 0.000006 = 0.00003000\n\
         traffic:ap-seoul:response:shared:free 0.1000 x 0 = 0.00000000\n\
         traffic:ap-seoul:response:shared:t1 0.9000 x 0.9 = 0.81000000\n\
         traffic:ap-tokyo:response:shared:t1 1.0000 x 0.9 = 0.90000000\n"
    );
    assert_eq!((rated.after.calls, rated.after.free_calls), (5, 1_000_000));
    assert_eq!(rated.after.free_traffic.to_string(), "1.0000");
    assert_eq!(rated.after.traffic["ap-seoul"].to_string(), "0.9000");
}

#[test]
fn the_free_tier_lasts_for_twelve_months_from_the_first() {
    let book = tiered();
    let table = [
        (None, false),
        (Some("2026-11"), true),
        (Some("2025-12"), true),
        (Some("2025-11"), false),
        (Some("2026-12"), false),
    ];
    for (since, free) in table {
        let mut before = month_use("");
        before.since = since.map(month);
        let rated = rate(&book, &before, &usage("calls 1")).expect("it can be rated");
        let id = if free { "calls:free" } else { "calls:t1" };
        assert_eq!(rated.lines[0].id, id, "since {since:?}");
    }
}

#[test]
fn numbers_beyond_any_use_are_errors() {
    let before = month_use("calls 18446744073709551615");
    assert!(rate(&published(), &before, &usage("calls 1")).is_err());
    let huge = usage(&format!("response ap-tokyo {}", u128::MAX));
    assert!(rate(&published(), &month_use(""), &huge).is_err());
    let two = format!("response ap-tokyo {0}; response ap-tokyo dedicated {0}", u128::MAX);
    assert!(rate(&published(), &month_use(""), &usage(&two)).is_err());
}

#[test]
fn every_line_names_its_book_by_id_and_hash() {
    // The hash is that of another tool over the same file: sha256sum books/published.yaml.
    let text = include_str!("../../books/published.yaml");
    let rated = rate(&book(text), &month_use(""), &usage("calls 1")).expect("it can be rated");
    assert_eq!(rated.lines[0].price_book_id, "published-usd");
    assert_eq!(rated.lines[0].price_book, PUBLISHED_SHA256);
}

const PUBLISHED_SHA256: &str = "0a30525c1bb00da752cbc99f935349b791eda5c9883cccbb24114a99c242764f";
