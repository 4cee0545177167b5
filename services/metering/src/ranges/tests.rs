use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

use super::*;

impl Ranges {
    /// One span; empty when `first` is above `last`.
    pub(crate) fn span(first: u64, last: u64) -> Self {
        let spans = if first <= last { vec![(first, last)] } else { Vec::new() };
        Self { spans }
    }
}

/// Small numbers, so that spans meet, touch and overlap all the time.
fn spans() -> impl Strategy<Value = Vec<(u64, u64)>> {
    proptest::collection::vec((0_u64..60, 0_u64..6), 0..20)
        .prop_map(|list| list.into_iter().map(|(first, more)| (first, first + more)).collect())
}

fn model(spans: &[(u64, u64)]) -> BTreeSet<u64> {
    spans.iter().flat_map(|&(first, last)| first..=last).collect()
}

/// The set holds exactly the numbers of `expect`, in the one form that there is.
fn check(ranges: &Ranges, expect: &BTreeSet<u64>) {
    let held: Vec<u64> = ranges.spans().iter().flat_map(|&(first, last)| first..=last).collect();
    assert_eq!(held, expect.iter().copied().collect::<Vec<_>>());
    assert_eq!(ranges.count(), expect.len() as u64);
    assert_eq!(ranges.min(), expect.first().copied());
    assert_eq!(ranges.max(), expect.last().copied());
    assert_eq!(ranges.is_empty(), expect.is_empty());
    for pair in ranges.spans().windows(2) {
        assert!(pair[0].1 + 1 < pair[1].0, "{pair:?} touch");
    }
    for seq in 0..70 {
        assert_eq!(ranges.contains(seq), expect.contains(&seq), "{seq}");
        let run = (seq..).take_while(|at| expect.contains(at)).last();
        assert_eq!(ranges.reach(seq), run, "{seq}");
    }
}

proptest! {
    #[test]
    fn insertion_in_any_order_gives_the_same_set(spans in spans()) {
        let mut ranges = Ranges::new();
        for &(first, last) in &spans {
            ranges.insert(first, last);
        }
        check(&ranges, &model(&spans));
        assert_eq!(ranges, spans.into_iter().collect());
    }

    #[test]
    fn union_minus_and_clip_are_those_of_sets(a in spans(), b in spans(), from in 0_u64..60, more in 0_u64..30) {
        let (left, right): (Ranges, Ranges) =
            (a.iter().copied().collect(), b.iter().copied().collect());
        let (set, other) = (model(&a), model(&b));
        check(&left.union(&right), &set.union(&other).copied().collect());
        check(&left.minus(&right), &set.difference(&other).copied().collect());
        check(&left.clip(from, from + more), &set.range(from..=from + more).copied().collect());
    }

    #[test]
    fn the_ends_of_the_numbers_do_not_overflow(
        first in prop_oneof![Just(0), Just(u64::MAX - 1), Just(u64::MAX)],
        last in prop_oneof![Just(0), Just(u64::MAX - 1), Just(u64::MAX)],
    ) {
        let mut ranges = Ranges::span(u64::MAX, u64::MAX);
        ranges.insert(first, last);
        assert!(ranges.contains(u64::MAX));
        assert_eq!(ranges.contains(0), first == 0);
        let rest = ranges.minus(&Ranges::span(u64::MAX, u64::MAX));
        assert!(!rest.contains(u64::MAX));
        assert_eq!(ranges.clip(u64::MAX, u64::MAX).count(), 1);
    }
}

#[test]
fn an_empty_span_adds_nothing() {
    let mut ranges = Ranges::new();
    ranges.insert(5, 4);
    assert!(ranges.is_empty() && Ranges::span(1, 0).is_empty());
    assert_eq!(Ranges::span(0, u64::MAX).count(), u64::MAX);
}
