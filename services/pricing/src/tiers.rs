//! Graduated tiers: P(use), the price of cumulative use, in parts.
//!
//! A period costs P(use at its end) − P(use at its start). Every step of use (a call, 0.0001 GB)
//! has one tier, by its place in the month: step n belongs to the first tier with n ≤ `up_to`.
//! So a quantity is split by places alone, its parts sum to it exactly, and slicing it further
//! changes nothing.

use rust_decimal::Decimal;

/// One tier of a book's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The last step that belongs to it, counted over the month; none in the last tier.
    /// Calls: one call. Traffic: 0.0001 GB.
    pub up_to: Option<u128>,
    /// Price of one call or one GB.
    pub unit_price: Decimal,
}

/// Tiers in order: bounds ascend, the last one has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers(Vec<Tier>);

/// What of a quantity falls into one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The number of the tier, from 1.
    pub tier: u16,
    /// Steps in this tier, above 0.
    pub steps: u128,
    /// Price of one call or one GB.
    pub unit_price: Decimal,
}

impl Tiers {
    /// None when there are no tiers, a bound does not ascend, or the bound is missing anywhere
    /// but in the last tier.
    pub fn new(tiers: Vec<Tier>) -> Option<Self> {
        let (last, bounded) = tiers.split_last()?;
        let mut below = 0;
        for tier in bounded {
            let up_to = tier.up_to.filter(|&up_to| up_to > below)?;
            below = up_to;
        }
        (last.up_to.is_none() && u16::try_from(tiers.len()).is_ok()).then_some(Self(tiers))
    }

    /// The tiers, in order.
    pub fn as_slice(&self) -> &[Tier] {
        &self.0
    }

    /// Splits the steps that follow after `used` ones. Parts are in the order of the tiers and
    /// sum to `steps`; none when `used + steps` is beyond a `u128`.
    pub fn split(&self, used: u128, steps: u128) -> Option<Vec<Part>> {
        used.checked_add(steps)?;
        let mut parts = Vec::new();
        let (mut place, mut left) = (used, steps);
        for (tier, number) in self.0.iter().zip(1..) {
            let room = tier.up_to.unwrap_or(u128::MAX).saturating_sub(place);
            let taken = room.min(left);
            if taken > 0 {
                parts.push(Part { tier: number, steps: taken, unit_price: tier.unit_price });
            }
            place = place.checked_add(taken)?;
            left = left.checked_sub(taken)?;
        }
        assert_eq!(left, 0, "the last tier has no bound");
        Some(parts)
    }
}
