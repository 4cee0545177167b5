//! What is known of one stream: which of its numbers are stored, dead or on their way.
//!
//! Invariants:
//! - A number is in at most one of `stored` and `dead`, or in flight; never in two of them.
//! - [`Known::judge`] says `Fresh` at most once for a number: so no number is sent twice in one
//!   attempt (DUP-1).
//! - Nothing here is trusted over the store: after any doubt the value is dropped and made anew
//!   from what stands there.

use std::collections::VecDeque;

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
    /// Number and hash of the bytes, in the order of the numbers. Numbers come in order but for a
    /// few, so a new one is mostly the last.
    flight: VecDeque<(u64, u64)>,
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
        Self { stored, dead, flight: VecDeque::new(), next }
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
        match self.find(seq) {
            Ok(at) => {
                let twin = self.flight[at].1 == hash;
                return if twin { Judged::Twin } else { Judged::Collision };
            }
            Err(at) => self.flight.insert(at, (seq, hash)),
        }
        let next = self.next;
        self.next = next.max(seq.saturating_add(1));
        Judged::Fresh(match seq.cmp(&next) {
            std::cmp::Ordering::Equal => Fresh::Next,
            std::cmp::Ordering::Greater => Fresh::Gap { first: next, last: seq - 1 },
            std::cmp::Ordering::Less => Fresh::Fills,
        })
    }

    /// All numbers that are still in flight have become rows; how many those are.
    pub fn landed(&mut self) -> u64 {
        let landed = self.flight.len() as u64;
        for (seq, _) in self.flight.drain(..) {
            self.stored.insert(seq, seq);
        }
        landed
    }

    /// A number in flight has become a dead letter.
    pub fn dead(&mut self, seq: u64) {
        let at = self.find(seq);
        let flew = at.ok().and_then(|at| self.flight.remove(at));
        assert!(flew.is_some(), "DUP-1: only what was judged fresh becomes a dead letter");
        self.dead.insert(seq, seq);
    }

    /// Where a number stands in `flight`, or belongs.
    fn find(&self, seq: u64) -> Result<usize, usize> {
        match self.flight.back() {
            Some((last, _)) if *last >= seq => {
                self.flight.binary_search_by_key(&seq, |(flying, _)| *flying)
            }
            _ => Err(self.flight.len()),
        }
    }
}

#[cfg(test)]
mod tests;
