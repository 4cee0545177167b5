//! Figures, ratios and bounds.

use super::*;

#[test]
fn the_median_of_an_even_number_lies_between() {
    let spread = Spread::of(&[4.0, 1.0, 2.0, 9.0]).expect("figures");
    assert_eq!(spread, Spread { median: 3.0, least: 1.0, most: 9.0 });
    assert_eq!(Spread::of(&[7.0]).expect("a figure").median, 7.0);
    assert_eq!(Spread::of(&[]), None);
}

#[test]
fn a_ratio_is_that_of_each_round() {
    // The medians are 2 and 4; the rounds say otherwise.
    let row = Row::new("row", "µs").paired(&[1.0, 2.0, 30.0], "peer", &[1.0, 4.0, 30.0]);
    assert_eq!(row.ratio.expect("a ratio").median, 1.0);
    assert_eq!(row.peer.expect("a peer").figure.median, 4.0);
}

#[test]
fn bounds_are_judged() {
    let row = |ours: f64| Row::new("row", "µs").paired(&[ours], "peer", &[10.0]);
    let judged =
        |ours: f64| row(ours).must(Bound::RatioAtMost(1.0)).aim(Bound::RatioAtMost(0.85)).met;
    assert_eq!(judged(8.5), Some(Met::Aim));
    assert_eq!(judged(9.0), Some(Met::Must));
    assert_eq!(judged(10.1), Some(Met::NotMust));
    assert_eq!(row(11.0).aim(Bound::RatioAtMost(1.0)).met, Some(Met::NotAim));
    assert_eq!(row(31.0).must(Bound::RatioAtLeast(3.0)).met, Some(Met::Must));
    assert_eq!(row(3.0).must(Bound::OursAtMost(2.0)).met, Some(Met::NotMust));
    assert_eq!(Row::new("row", "µs").must(Bound::RatioAtMost(1.0)).met, None);
}

#[test]
fn sides_take_turns_and_begin_in_turn() {
    let mut order = Vec::new();
    let done = turns(3, 2, |side| {
        order.push(side);
        Ok(order.len())
    });
    assert_eq!(done.expect("nothing fails"), [[1, 4, 5], [2, 3, 6]]);
    assert_eq!(order, [0, 1, 1, 0, 0, 1]);
}

#[test]
fn a_table_names_what_is_missing() {
    let mut report = Report::new("gateway");
    report.row(Row::new("against nginx", "µs").ours(&[12.345]).note("nginx is missing"));
    report.row(
        Row::new("second", "µs").paired(&[1.0], "nginx", &[2.0]).must(Bound::RatioAtMost(0.4)),
    );
    let text = markdown(&report);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(lines[1], "| against nginx | µs | 12.35 | | | | | nginx is missing |");
    assert_eq!(lines[2], "| second | µs | 1.00 | nginx 2.00 | 0.500 | ≤ 0.4 × | missed | |");
    assert!(table(&report).contains("nginx is missing"));
}
