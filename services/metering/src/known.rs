//! What is known of one stream: which of its numbers are stored, dead or on their way.
//!
//! Invariants:
//! - A number is in at most one of `stored` and `dead`, or in flight; never in two of them.
//! - [`Known::judge`] says `Fresh` at most once for a number: so no number is sent twice in one
//!   attempt (DUP-1).
//! - Nothing here is trusted over the store: after any doubt the value is dropped and made anew
//!   from what stands there.

use std::collections::BTreeMap;

use crate::ranges::Ranges;

/// The judgement of one message by its place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Not seen before; it is in flight now.
    Fresh(Fresh),
    /// A row with this number is stored. Whether it is the same record, only its id can tell.
    Stored,
    /// A dead letter has this number.
    Dead,
    /// The same bytes are in flight already.
    Twin,
    /// Other bytes with this number are in flight.
    Collision,
}

/// How a fresh number stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// The next one.
    Next,
    /// It jumped: `first..=last` were skipped. They may still come.
    Gap {
        /// The first number skipped.
        first: u64,
        /// The last number skipped.
        last: u64,
    },
    /// It was skipped before.
    Fills,
}

/// One stream, as far as metering has looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    stored: Ranges,
    dead: Ranges,
    /// By number: the hash of the bytes.
    flight: BTreeMap<u64, u64>,
    /// The first number that was never seen.
    next: u64,
}

// === impl Known ===

impl Known {
    /// From what was read back. A number that is stored is not dead, whatever its dead letters say.
    pub fn new(stored: Ranges, dead: &Ranges) -> Self {
        let dead = dead.minus(&stored);
        let greatest = stored.max().max(dead.max());
        let next = greatest.map_or(0, |seq| seq.saturating_add(1));
        Self { stored, dead, flight: BTreeMap::new(), next }
    }

    /// Forgets what is dead: it may be stored after all. For retries of dead letters.
    pub fn revive(&mut self) {
        self.dead = Ranges::new();
    }

    /// Judges a number; a fresh one is in flight from now on. `hash` is that of the bytes.
    pub fn judge(&mut self, seq: u64, hash: u64) -> Judged {
        if self.stored.contains(seq) {
            return Judged::Stored;
        }
        if self.dead.contains(seq) {
            return Judged::Dead;
        }
        if let Some(&other) = self.flight.get(&seq) {
            return if other == hash { Judged::Twin } else { Judged::Collision };
        }
        self.flight.insert(seq, hash);
        let next = self.next;
        self.next = next.max(seq.saturating_add(1));
        Judged::Fresh(match seq.cmp(&next) {
            std::cmp::Ordering::Equal => Fresh::Next,
            std::cmp::Ordering::Greater => Fresh::Gap { first: next, last: seq - 1 },
            std::cmp::Ordering::Less => Fresh::Fills,
        })
    }

    /// A number in flight has become a row.
    pub fn stored(&mut self, seq: u64) {
        let flew = self.flight.remove(&seq);
        assert!(flew.is_some(), "DUP-1: only what was judged fresh is stored");
        self.stored.insert(seq, seq);
    }

    /// A number in flight has become a dead letter.
    pub fn dead(&mut self, seq: u64) {
        let flew = self.flight.remove(&seq);
        assert!(flew.is_some(), "DUP-1: only what was judged fresh becomes a dead letter");
        self.dead.insert(seq, seq);
    }

    /// Whether nothing of it is in flight.
    pub fn at_rest(&self) -> bool {
        self.flight.is_empty()
    }
}

#[cfg(test)]
mod tests;
