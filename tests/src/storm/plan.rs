//! What happens when: kills and jumps of the clock, by how many requests have been made. So they
//! fall under load however fast the machine is, and a seed gives the same ones again.

use crate::chance::Chance;

/// The last kill comes when so many of a hundred requests have been made.
const KILLS_END: u64 = 95;

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A process of this kind is killed; the number chooses among several.
    Kill(&'static str, u64),
    /// The clock is set on by an hour.
    Hour,
}

/// All events in their order, each with the number of requests that have been made by then. Every
/// kind takes as many kills as the others, one more or less; the clock is set on `jumps` times.
pub fn plan(
    seed: u64,
    requests: u64,
    kills: u64,
    kinds: &[&'static str],
    jumps: u64,
) -> Vec<(u64, Event)> {
    let mut chance = Chance::seeded(seed);
    let mut deck: Vec<&'static str> = kinds.iter().copied().cycle().take(count(kills)).collect();
    chance.shuffle(&mut deck);
    let end = requests * KILLS_END / 100;
    let kill = |(number, kind): (usize, &'static str)| {
        // A part of the run for each kill, and a random moment of it.
        let part = end / kills;
        let moment = number as u64 * part + chance.between(0, part.saturating_sub(1));
        (moment, Event::Kill(kind, chance.between(0, 99)))
    };
    let mut events: Vec<(u64, Event)> = deck.into_iter().enumerate().map(kill).collect();
    events.extend((1..=jumps).map(|jump| (requests * jump / (jumps + 1), Event::Hour)));
    events.sort_by_key(|(moment, _)| *moment);
    events
}

fn count(number: u64) -> usize {
    usize::try_from(number).expect("a number of kills")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_shared_out_and_fall_under_load() {
        for seed in 0..50 {
            let events = plan(seed, 1000, 10, &["one", "two", "three"], 2);
            let of = |kind: &str| {
                let is =
                    |(_, event): &&(u64, Event)| matches!(event, Event::Kill(k, _) if *k == kind);
                events.iter().filter(is).count()
            };
            assert_eq!((of("one"), of("two"), of("three")), (4, 3, 3));
            let hours: Vec<u64> =
                events.iter().filter(|e| e.1 == Event::Hour).map(|e| e.0).collect();
            assert_eq!(hours, [333, 666]);
            assert!(events.iter().all(|(moment, _)| *moment < 950), "{events:?}");
            assert!(events.is_sorted_by_key(|(moment, _)| *moment));
        }
        assert_eq!(plan(7, 1000, 10, &["one"], 2), plan(7, 1000, 10, &["one"], 2));
        assert_ne!(plan(7, 1000, 10, &["one"], 2), plan(8, 1000, 10, &["one"], 2));
    }
}
