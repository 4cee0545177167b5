//! Sets of sequence numbers, kept as ranges.
//!
//! - Both ends are included; spans ascend and never touch each other, so that two equal sets are
//!   equal values and give the same bytes in a cut.
//! - A stream without holes is one span whatever its length: the cost is that of the holes.

/// A set of `seq`: ascending spans, both ends included, with at least one number between two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges {
    spans: Vec<(u64, u64)>,
}

// === impl Ranges ===

impl Ranges {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a span. Nothing happens when `first` is above `last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        // Most insertions are at the end: the next numbers of a stream.
        if let Some(tail) = self.spans.last_mut()
            && first >= tail.0
            && first <= tail.1.saturating_add(1)
        {
            tail.1 = tail.1.max(last);
            return;
        }
        let from = self.spans.partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = self.spans.partition_point(|&(start, _)| start <= last.saturating_add(1));
        let touched = &self.spans[from..to];
        let merged_first = touched.first().map_or(first, |&(start, _)| start.min(first));
        let merged_last = touched.last().map_or(last, |&(_, end)| end.max(last));
        self.spans.splice(from..to, [(merged_first, merged_last)]);
    }

    /// Whether `seq` is in the set.
    pub fn contains(&self, seq: u64) -> bool {
        let index = self.spans.partition_point(|&(_, last)| last < seq);
        self.spans.get(index).is_some_and(|&(first, _)| first <= seq)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many numbers are in it; `u64::MAX` stands for all 2^64 of them too.
    pub fn count(&self) -> u64 {
        let length = |&(first, last): &(u64, u64)| (last - first).saturating_add(1);
        self.spans.iter().map(length).fold(0, u64::saturating_add)
    }

    /// The least number.
    pub fn min(&self) -> Option<u64> {
        self.spans.first().map(|&(first, _)| first)
    }

    /// The greatest number.
    pub fn max(&self) -> Option<u64> {
        self.spans.last().map(|&(_, last)| last)
    }

    /// The spans, ascending.
    pub fn spans(&self) -> &[(u64, u64)] {
        &self.spans
    }

    /// Where the unbroken run that begins with `first` ends; none when `first` is not in the set.
    pub fn reach(&self, first: u64) -> Option<u64> {
        let index = self.spans.partition_point(|&(_, last)| last < first);
        self.spans.get(index).filter(|span| span.0 <= first).map(|&(_, last)| last)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.spans.iter().chain(&other.spans).copied().collect()
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut spans = Vec::new();
        for &(first, last) in &self.spans {
            let mut from = first;
            let mut whole = false;
            let start = other.spans.partition_point(|&(_, end)| end < first);
            for &(hole_first, hole_last) in &other.spans[start..] {
                if hole_first > last {
                    break;
                }
                if hole_first > from {
                    spans.push((from, hole_first - 1));
                }
                whole = hole_last >= last;
                from = hole_last.saturating_add(1);
            }
            if !whole {
                spans.push((from, last));
            }
        }
        Self { spans }
    }

    /// What is in it from `first` to `last`, both included.
    #[must_use]
    pub fn clip(&self, first: u64, last: u64) -> Self {
        let within = |&(from, to): &(u64, u64)| {
            let (from, to) = (from.max(first), to.min(last));
            (from <= to).then_some((from, to))
        };
        Self { spans: self.spans.iter().filter_map(within).collect() }
    }
}

impl FromIterator<(u64, u64)> for Ranges {
    /// Spans in any order; they may overlap.
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(spans: I) -> Self {
        let mut sorted: Vec<_> = spans.into_iter().collect();
        sorted.sort_unstable();
        let mut ranges = Self::new();
        for (first, last) in sorted {
            ranges.insert(first, last);
        }
        ranges
    }
}

#[cfg(test)]
mod tests;
