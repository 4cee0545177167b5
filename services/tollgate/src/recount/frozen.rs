//! Which numbers belong to the hour, and a slot in memory for each.
//!
//! - The hour's own: the numbers in the ranges of the cut's shares, and its strays; without those
//!   that the cut names as late rows of earlier hours, which lie between them.
//! - Slots are dense, and ascend by stream and number.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use record::Stream;

/// The most numbers that are recounted: with 9 bytes each, 576 MiB. An hour of 18,600 records a
/// second.
pub(crate) const NUMBERS_MAX: u64 = 64 << 20;

/// Numbers from and to, both included.
pub(crate) type Span = (u64, u64);

/// Spans by stream.
pub(crate) type Spans = BTreeMap<Stream, Vec<Span>>;

/// The numbers of an hour.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    shares: Vec<Share>,
    by_stream: HashMap<Stream, usize>,
    count: usize,
}

#[derive(Debug)]
struct Share {
    stream: Stream,
    /// Ascending, apart; each with the slot of its first number.
    spans: Vec<(Span, usize)>,
    slots: Range<usize>,
}

/// There are more numbers than fit.
#[derive(Debug, thiserror::Error)]
#[error(
    "the hour has {numbers} records, and at most {NUMBERS_MAX} are recounted: their fingerprints \
     are held in memory"
)]
pub(crate) struct TooMany {
    numbers: u64,
}

/// Whether a gateway's name is that of a file that was taken in; such records came through no topic.
pub(crate) fn is_file(gateway: &str) -> bool {
    gateway.starts_with("ingest:")
}

// === impl Frozen ===

impl Frozen {
    /// What is in `own` and not in `earlier`.
    pub(crate) fn new(own: Spans, mut earlier: Spans) -> Result<Self, TooMany> {
        let (mut frozen, mut numbers) = (Self::default(), 0_u64);
        let mut shares = Vec::new();
        for (stream, spans) in own {
            let without = united(earlier.remove(&stream).unwrap_or_default());
            let spans = less(&united(spans), &without);
            for &(first, last) in &spans {
                numbers = numbers.saturating_add((last - first).saturating_add(1));
            }
            shares.push((stream, spans));
        }
        if numbers > NUMBERS_MAX {
            return Err(TooMany { numbers });
        }
        for (stream, spans) in shares.into_iter().filter(|(_, spans)| !spans.is_empty()) {
            let begin = frozen.count;
            let mut placed = Vec::with_capacity(spans.len());
            for span in spans {
                placed.push((span, frozen.count));
                let length = usize::try_from(span.1 - span.0).expect("below the bound");
                frozen.count += length + 1;
            }
            frozen.by_stream.insert(stream.clone(), frozen.shares.len());
            frozen.shares.push(Share { stream, spans: placed, slots: begin..frozen.count });
        }
        Ok(frozen)
    }

    /// How many numbers there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot of a number, if it belongs to the hour.
    pub(crate) fn slot(&self, stream: &Stream, seq: u64) -> Option<usize> {
        let share = &self.shares[*self.by_stream.get(stream)?];
        let next = share.spans.partition_point(|((first, _), _)| *first <= seq);
        let ((first, last), slot) = *share.spans.get(next.checked_sub(1)?)?;
        let within = usize::try_from(seq.checked_sub(first)?).ok()?;
        (seq <= last).then_some(slot + within)
    }

    /// The number that has this slot.
    pub(crate) fn place(&self, slot: usize) -> (&Stream, u64) {
        let next = self.shares.partition_point(|share| share.slots.start <= slot);
        let share = &self.shares[next - 1];
        let next = share.spans.partition_point(|(_, begin)| *begin <= slot);
        let ((first, _), begin) = share.spans[next - 1];
        (&share.stream, first + (slot - begin) as u64)
    }

    /// The numbers, as ascending spans of the streams.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (&Stream, u64, u64)> {
        self.shares.iter().flat_map(|share| {
            share.spans.iter().map(|((first, last), _)| (&share.stream, *first, *last))
        })
    }

    /// The streams, each with its slots.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (&Stream, Range<usize>)> {
        self.shares.iter().map(|share| (&share.stream, share.slots.clone()))
    }
}

/// The same numbers as ascending spans that do not overlap.
fn united(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|(first, last)| first <= last);
    spans.sort_unstable();
    let mut found: Vec<Span> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match found.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => found.push((first, last)),
        }
    }
    found
}

/// What is in `spans` and not in `without`; both ascend and do not overlap.
fn less(spans: &[Span], without: &[Span]) -> Vec<Span> {
    let mut found = Vec::with_capacity(spans.len());
    for &(first, last) in spans {
        let from = without.partition_point(|hole| hole.1 < first);
        let holes = without[from..].iter().take_while(|hole| hole.0 <= last);
        let mut next = Some(first);
        for &(hole_first, hole_last) in holes {
            if let Some(first) = next
                && first < hole_first
            {
                found.push((first, hole_first - 1));
            }
            next = hole_last.checked_add(1);
        }
        if let Some(first) = next
            && first <= last
        {
            found.push((first, last));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Spans {
        let mut spans = Spans::new();
        for entry in text.split_whitespace() {
            let (stream, range) = entry.split_once('=').expect("stream=first-last");
            let (first, last) = range.split_once('-').expect("first-last");
            let span = (first.parse().expect("a number"), last.parse().expect("a number"));
            spans.entry(stream.parse().expect("a stream")).or_default().push(span);
        }
        spans
    }

    fn check(own: &str, earlier: &str, expect: &str) {
        let frozen = Frozen::new(spans(own), spans(earlier)).expect("few");
        let places = (0..frozen.len()).map(|slot| {
            let (stream, seq) = frozen.place(slot);
            assert_eq!(frozen.slot(stream, seq), Some(slot));
            format!("{stream}={seq}")
        });
        assert_eq!(places.collect::<Vec<_>>().join(" "), expect, "{own} less {earlier}");
        let slots: usize = frozen.streams().map(|(_, slots)| slots.len()).sum();
        assert_eq!((slots, frozen.is_empty()), (frozen.len(), expect.is_empty()));
        for outside in ["a/1/0=9", "a/1/1=0", "b/2/0=1"] {
            let (stream, seq) = outside.split_once('=').expect("stream=seq");
            let slot =
                frozen.slot(&stream.parse().expect("a stream"), seq.parse().expect("a number"));
            assert_eq!(slot.is_some(), expect.split(' ').any(|place| place == outside));
        }
    }

    #[test]
    fn every_number_of_the_hour_has_one_slot_and_no_other_has() {
        check("", "", "");
        check("a/1/0=0-2", "", "a/1/0=0 a/1/0=1 a/1/0=2");
        check("a/1/0=5-6 a/1/0=0-0 b/2/0=1-1", "", "a/1/0=0 a/1/0=5 a/1/0=6 b/2/0=1");
        // Late rows of earlier hours lie between them; a file's share may hold nothing else.
        check("a/1/0=0-4", "a/1/0=1-2 a/1/0=4-9", "a/1/0=0 a/1/0=3");
        check("a/1/0=0-4 b/2/0=1-1", "a/1/0=0-4", "b/2/0=1");
        check("a/1/0=3-4", "a/1/0=0-3 b/2/0=1-1", "a/1/0=4");
        // A cut never freezes a number twice; whoever altered it counts it once.
        check("a/1/0=0-2 a/1/0=1-3", "", "a/1/0=0 a/1/0=1 a/1/0=2 a/1/0=3");
        check(
            "a/1/0=18446744073709551615-18446744073709551615",
            "a/1/0=3-18446744073709551615",
            "",
        );
    }

    #[test]
    fn more_numbers_than_fit_are_refused() {
        let all = |last: u64| Frozen::new(spans(&format!("a/1/0=0-{last}")), Spans::new());
        assert_eq!(all(NUMBERS_MAX - 1).expect("they fit").len() as u64, NUMBERS_MAX);
        let error = all(NUMBERS_MAX).expect_err("one more").to_string();
        assert!(
            error.starts_with("the hour has 67108865 records, and at most 67108864 "),
            "{error}"
        );
        all(u64::MAX).expect_err("all there are");
    }
}
