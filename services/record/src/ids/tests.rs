//! Ids against the standard's example (RFC 9562, appendix A.6) and those that the provider's
//! documentation shows.

use proptest::prelude::*;

use super::{RequestIds, arrival, normalize_id};
use crate::Time;

const STANDARD: &str = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
const STANDARD_AT: Time = Time(1_645_557_742_000);

#[test]
fn the_arrival_stands_in_the_id() {
    assert_eq!(arrival(STANDARD), Some(STANDARD_AT));
    assert_eq!(arrival("017f22e279b07cc398c4dc0c0c07398f"), Some(STANDARD_AT));
    let at = 1_705_464_529_041;
    let id = RequestIds::new().next(at);
    assert_eq!(arrival(id.as_str()), Some(Time(1_705_464_529_041)));
}

#[test]
fn foreign_ids_have_no_arrival() {
    for id in [
        "016f000a044cc9d3ff6f0c99e7cdc1",
        "7ceea94af3f765f75e58ada0991432f2",
        "1efc65a11efc88e75ff52d75fec115f",
        // Version 4, and version 7 with another variant.
        "017f22e279b04cc398c4dc0c0c07398f",
        "017f22e279b07cc318c4dc0c0c07398f",
        "",
        "-",
    ] {
        assert_eq!(arrival(id), None, "{id}");
    }
}

#[test]
fn ids_of_one_worker_ascend_whatever_the_clock_does() {
    let ids = RequestIds::new();
    let clock = [1_000_000, 1_000_000, 1_000_001, 999_000, 1_000_001, 1_000_002];
    let made: Vec<String> = clock
        .iter()
        .flat_map(|&now| (0..2000).map(move |_| now))
        .map(|now| ids.next(now).to_string())
        .collect();
    assert!(made.is_sorted_by(|earlier, later| earlier < later));
    assert!(made.iter().all(|id| id.len() == 32 && arrival(id).is_some()));
}

#[test]
fn two_workers_do_not_make_the_same_id() {
    let (one, other) = (RequestIds::new(), RequestIds::new());
    for _ in 0..1000 {
        assert_ne!(one.next(1_000_000), other.next(1_000_000));
    }
}

#[test]
fn ids_are_looked_up_in_one_form() {
    let ours = "017f22e279b07cc398c4dc0c0c07398f";
    for id in
        [ours, STANDARD, "017F22E279B07CC398C4DC0C0C07398F", " 017f22e279b07cc398c4dc0c0c07398f\n"]
    {
        assert_eq!(normalize_id(id).as_deref(), Some(ours), "{id}");
    }
    let longest = "x".repeat(64);
    for foreign in ["016f000a044cc9d3ff6f0c99e7cdc1", "Req-7", "ä", longest.as_str()] {
        assert_eq!(normalize_id(foreign).as_deref(), Some(foreign));
    }
    let too_long = "x".repeat(65);
    for nothing in ["", "  ", "a\nb", "a\u{0}", too_long.as_str()] {
        assert_eq!(normalize_id(nothing), None, "{nothing:?}");
    }
}

proptest! {
    #[test]
    fn normalizing_twice_changes_nothing(id in "\\PC{0,70}|[0-9A-Fa-f-]{30,40}") {
        if let Some(once) = normalize_id(&id) {
            prop_assert!(once.len() <= super::ID_MAX);
            prop_assert_eq!(normalize_id(&once), Some(once.clone()));
        }
    }
}
