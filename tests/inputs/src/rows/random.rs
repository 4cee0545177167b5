//! Numbers by chance that are the same in every run.

/// SplitMix64.
pub struct Random(u64);

/// A number that belongs to `seed` for ever.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

// === impl Random ===

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small numbers often, large ones seldom.
    pub fn skewed(&mut self, end: u64) -> u64 {
        let (a, b, c) = (self.below(end), self.below(end), self.below(end));
        a * b / end * c / end
    }

    /// True so often.
    pub fn chance(&mut self, per_cent: u64) -> bool {
        self.below(100) < per_cent
    }

    /// About log-normal: `exp` of a normal number with this mean and spread.
    pub fn log_normal(&mut self, mean: f64, spread: f64) -> u64 {
        let bits = self.next();
        let part = |shift: u32| f64::from((bits >> shift) as u16) / 65_536.0;
        // The sum of four uniform numbers is close to normal, with a variance of a third.
        let sum = part(0) + part(16) + part(32) + part(48);
        let normal = (sum - 2.0) * 3.0_f64.sqrt();
        (mean + spread * normal).exp() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spread_as_they_should_be() {
        let mut random = Random::new(1);
        let mut sizes: Vec<u64> = (0..10_000).map(|_| random.log_normal(7.0, 1.0)).collect();
        sizes.sort_unstable();
        let (low, median, high) = (sizes[1_587], sizes[5_000], sizes[8_413]);
        // e^6, e^7, e^8.
        assert!((340..470).contains(&low), "{low}");
        assert!((1_000..1_200).contains(&median), "{median}");
        assert!((2_600..3_400).contains(&high), "{high}");
    }
}
