//! What becomes of a message, and how many became what.

use std::sync::atomic::Ordering;

use crate::counters::{Counters, add};

/// What became of a message. Exactly one of these, whatever happens in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its record is a row now.
    Stored,
    /// Its record was a row, or its number a dead letter, before.
    Duplicate,
    /// It is a dead letter now.
    Dead,
    /// Another record has its number: it is a dead letter now, and an alarm.
    Collision,
}

/// The outcomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Tally {
    /// Messages read.
    pub read: u64,
    /// Outcomes, in the order of [`Outcome`].
    pub stored: u64,
    /// See [`Outcome::Duplicate`].
    pub duplicates: u64,
    /// See [`Outcome::Dead`].
    pub dead: u64,
    /// See [`Outcome::Collision`].
    pub collisions: u64,
    /// Jumps in the numbers.
    pub gaps: u64,
    /// Numbers that had been skipped before.
    pub filled: u64,
    /// The latest time of a stored record, ms since 1970; 0 when none was stored.
    pub newest_ms: i64,
}

// === impl Tally ===

impl Tally {
    /// Adds the outcome of one message.
    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Stored => self.stored += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Dead => self.dead += 1,
            Outcome::Collision => self.collisions += 1,
        }
    }

    /// Counts the batch, once it is settled.
    ///
    /// # Panics
    /// When a message has no outcome, or two.
    pub(super) fn count(&self, counters: &Counters) {
        let outcomes = self.stored + self.duplicates + self.dead + self.collisions;
        assert_eq!(self.read, outcomes, "every message has one outcome");
        add(&counters.read, self.read);
        add(&counters.stored, self.stored);
        add(&counters.duplicates, self.duplicates);
        add(&counters.dead, self.dead);
        add(&counters.collisions, self.collisions);
        add(&counters.gaps, self.gaps);
        add(&counters.filled, self.filled);
        counters.newest_ms.fetch_max(self.newest_ms, Ordering::Relaxed);
    }
}
