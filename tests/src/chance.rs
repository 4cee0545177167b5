//! Random moments that can be had again: each test prints its seed, and takes one.
//!
//! `TOLLGATE_TEST_SEED=N` repeats a run as far as the machine allows, `TOLLGATE_TEST_ROUNDS=N` makes
//! tests of many rounds longer.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator of numbers.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// From `TOLLGATE_TEST_SEED`, else from the clock; the seed is printed.
    ///
    /// # Panics
    /// When the variable is no number.
    pub fn new(test: &str) -> Self {
        let seed = number("TOLLGATE_TEST_SEED").unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
            u64::from(now.subsec_nanos())
        });
        eprintln!("{test}: TOLLGATE_TEST_SEED={seed}");
        Self::seeded(seed)
    }

    /// From a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// Brings things into an order of chance.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = self.between(0, last as u64);
            things.swap(last, usize::try_from(other).expect("a place"));
        }
    }

    /// A number of a range, both ends included (splitmix64).
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low + 1)
    }
}

/// How many rounds a test makes: `usual`, or what `TOLLGATE_TEST_ROUNDS` says.
///
/// # Panics
/// When the variable is no number.
pub fn rounds(usual: u64) -> u64 {
    number("TOLLGATE_TEST_ROUNDS").unwrap_or(usual)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is `{text}`, which is no number")))
}
