//! Money and quantities, and the two roundings.
//!
//! - A decimal of 96 bits rounds in silence when a sum or a product does not fit. So values are
//!   bounded (below 10^20), and products are made of their integer mantissas.
//! - Both roundings are half away from zero, and nobody else rounds.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// Decimals of a billed quantity of traffic.
const GB_DECIMALS: u32 = 4;
/// Steps of 0.0001 GB in one GB.
const STEPS_PER_GB: u128 = 10_000;
/// 1 GB is 1024^3 bytes.
const BYTES_PER_GB: u128 = 1 << 30;
/// Decimals of an amount of a line.
const AMOUNT_DECIMALS: u32 = 8;
/// 10^20 in units of 10^-8: an amount has at most 28 digits, so that the sum of two is exact in
/// a decimal of 96 bits. Above every `u64` of calls.
const AMOUNT_MAX: i128 = 10_i128.pow(28);
/// 10^20 GB in steps, for the same reason.
const STEPS_MAX: u128 = 10_u128.pow(24);

/// Three capital letters of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An amount of one currency, at most 8 decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// The amount in the currency's unit, always with 8 decimals.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// A billed quantity of traffic: a whole number of 0.0001 GB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Gb(u128);

/// Why a calculation with money has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one sum.
    #[error("{left} and {right} can not be added")]
    Currencies {
        /// Currency of the left side.
        left: Currency,
        /// Currency of the right side.
        right: Currency,
    },
    /// An amount or quantity of 10^20 or more.
    #[error("an amount or a quantity is 10^20 or more")]
    TooLarge,
    /// An amount with more than 8 decimals, which only a rounding could keep.
    #[error("an amount has more than {AMOUNT_DECIMALS} decimals")]
    TooFine,
}

/// Bytes of one hour as billed: divided by 1024^3, rounded half away from zero at 4 decimals.
///
/// # Errors
/// [`MoneyError::TooLarge`] from 10^20 GB on.
pub fn billed_gb(bytes: u128) -> Result<Gb, MoneyError> {
    let whole = bytes.checked_div(BYTES_PER_GB).and_then(|gb| gb.checked_mul(STEPS_PER_GB));
    let rest = bytes.checked_rem(BYTES_PER_GB).and_then(|rest| rest.checked_mul(STEPS_PER_GB));
    let half = BYTES_PER_GB >> 1;
    let part = rest.and_then(|rest| rest.checked_add(half)?.checked_div(BYTES_PER_GB));
    let steps = whole.zip(part).and_then(|(whole, part)| whole.checked_add(part));
    steps.and_then(Gb::from_steps).ok_or(MoneyError::TooLarge)
}

/// What a line costs: quantity times unit price, rounded half away from zero at 8 decimals, and
/// written with all 8. The product itself is exact.
///
/// # Errors
/// [`MoneyError::TooLarge`] when the amount is 10^20 or more.
pub fn line_amount(quantity: Decimal, unit_price: Decimal) -> Result<Decimal, MoneyError> {
    let product = quantity.mantissa().checked_mul(unit_price.mantissa());
    let scale = quantity.scale().checked_add(unit_price.scale());
    let (product, scale) = product.zip(scale).ok_or(MoneyError::TooLarge)?;
    let mantissa = match scale.checked_sub(AMOUNT_DECIMALS) {
        Some(excess) => 10_i128.checked_pow(excess).and_then(|unit| {
            let half = (unit >> 1).checked_mul(product.signum())?;
            product.checked_add(half)?.checked_div(unit)
        }),
        None => 10_i128
            .checked_pow(AMOUNT_DECIMALS.saturating_sub(scale))
            .and_then(|unit| product.checked_mul(unit)),
    };
    amount(mantissa.ok_or(MoneyError::TooLarge)?)
}

/// An amount of so many units of 10^-8.
pub(crate) fn amount(mantissa: i128) -> Result<Decimal, MoneyError> {
    if mantissa.checked_abs().is_none_or(|size| size >= AMOUNT_MAX) {
        return Err(MoneyError::TooLarge);
    }
    Decimal::try_from_i128_with_scale(mantissa, AMOUNT_DECIMALS).map_err(|_| MoneyError::TooLarge)
}

/// The exact sum of amounts, with 8 decimals.
pub(crate) fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Result<Decimal, MoneyError> {
    let mut total = 0_i128;
    for amount in amounts {
        total = total.checked_add(units(amount)?).ok_or(MoneyError::TooLarge)?;
    }
    amount(total)
}

/// The amount with the other sign.
pub(crate) fn negated(value: Decimal) -> Result<Decimal, MoneyError> {
    amount(units(value)?.checked_neg().ok_or(MoneyError::TooLarge)?)
}

/// An amount in units of 10^-8.
fn units(amount: Decimal) -> Result<i128, MoneyError> {
    let lift = AMOUNT_DECIMALS.checked_sub(amount.scale()).ok_or(MoneyError::TooFine)?;
    let lifted = 10_i128.checked_pow(lift).and_then(|unit| amount.mantissa().checked_mul(unit));
    lifted.filter(|units| units.abs() < AMOUNT_MAX).ok_or(MoneyError::TooLarge)
}

// === impl Currency ===

impl Currency {
    /// US dollar.
    pub const USD: Self = Self(*b"USD");
    /// Chinese yuan.
    pub const CNY: Self = Self(*b"CNY");

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }
}

impl FromStr for Currency {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| ())?;
        if code.iter().all(u8::is_ascii_uppercase) { Ok(Self(code)) } else { Err(()) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Money ===

impl Money {
    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::from_parts(0, 0, 0, false, AMOUNT_DECIMALS), currency }
    }

    /// An amount of a currency, written with 8 decimals.
    ///
    /// # Errors
    /// [`MoneyError::TooFine`] beyond 8 decimals, [`MoneyError::TooLarge`] from 10^20 on.
    pub fn new(value: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        Ok(Self { amount: amount(units(value)?)?, currency })
    }

    /// The exact sum.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`] or [`MoneyError::TooLarge`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        let (left, right) = (self.currency, other.currency);
        if left != right {
            return Err(MoneyError::Currencies { left, right });
        }
        Ok(Self { amount: sum([self.amount, other.amount])?, currency: left })
    }

    /// The exact difference.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(Self { amount: negated(other.amount)?, currency: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

// === impl Gb ===

impl Gb {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many steps of 0.0001 GB; none from 10^20 GB on.
    pub fn from_steps(steps: u128) -> Option<Self> {
        (steps < STEPS_MAX).then_some(Self(steps))
    }

    /// The number of steps of 0.0001 GB.
    pub fn steps(self) -> u128 {
        self.0
    }

    /// The exact sum; none from 10^20 GB on.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_steps)
    }

    /// The exact difference; none below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// As a decimal in GB, with 4 decimals.
    pub fn to_decimal(self) -> Decimal {
        let steps = i128::try_from(self.0).expect("steps are bounded by STEPS_MAX");
        Decimal::try_from_i128_with_scale(steps, GB_DECIMALS).expect("25 digits fit in 96 bits")
    }

    /// From a decimal in GB; none when it is negative, has more than 4 decimals, or is 10^20
    /// or more.
    pub fn from_decimal(gb: Decimal) -> Option<Self> {
        let lift = GB_DECIMALS.checked_sub(gb.scale())?;
        let steps = gb.mantissa().checked_mul(10_i128.checked_pow(lift)?)?;
        Self::from_steps(u128::try_from(steps).ok()?)
    }
}

impl fmt::Display for Gb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}
