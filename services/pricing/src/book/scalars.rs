//! What may stand in one value of a price book.

use record::{Hour, Time};
use rust_decimal::Decimal;
use settings::Scalar;

use crate::money::{Currency, Gb};

/// Decimals of a price as written: finer ones would not survive in an amount.
const PRICE_DECIMALS_MAX: u32 = 8;
/// Digits of a price before the point; bounds the product with a quantity (10^24 steps times
/// 10^14 units fit in an `i128`).
const PRICE_DIGITS_MAX: usize = 6;
/// Ids stand in file names, lines and columns.
const ID_BYTES_MAX: usize = 64;

/// A price for some number of units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Price(pub Decimal);

/// The number of calls that a price is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Per {
    /// The number is 10 to the power of this.
    pub zeros: u32,
}

/// The only model so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Graduated;

/// An hour, written as a time with any offset.
#[derive(Debug, Clone, Copy)]
pub(super) struct FullHour(pub Hour);

/// The id of a book or a region.
#[derive(Debug, Clone)]
pub(crate) struct Id(pub String);

impl Scalar for Price {
    const EXPECTED: &'static str = "a price, like `0.0089`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let decimal = plain_decimal(text).ok_or_else(String::new)?.normalize();
        let whole = text.split('.').next().unwrap_or_default().trim_start_matches('0');
        if whole.len() > PRICE_DIGITS_MAX || decimal.scale() > PRICE_DECIMALS_MAX {
            return Err("at most 6 digits before and 8 after the point".to_owned());
        }
        Ok(Self(decimal))
    }
}

impl Scalar for Per {
    const EXPECTED: &'static str = "the number of calls that a price is for, like `10000`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let digits = text.replace('_', "");
        let zeros = digits.strip_prefix('1').filter(|rest| rest.bytes().all(|b| b == b'0'));
        match zeros.map(str::len) {
            Some(zeros @ 0..=9) => {
                Ok(Self { zeros: u32::try_from(zeros).expect("at most nine zeros") })
            }
            _ => Err("1, 10, 100 and so on to 1000000000, so that one call has an exact price"
                .to_owned()),
        }
    }
}

impl Scalar for Graduated {
    const EXPECTED: &'static str = "a model that this version has, which is `graduated` only";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        if text == "graduated" { Ok(Self) } else { Err(String::new()) }
    }
}

impl Scalar for FullHour {
    const EXPECTED: &'static str = "a time on a full UTC hour, like `2026-11-01T00:00:00+08:00`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let time = Time::parse_rfc3339(text).ok_or_else(String::new)?;
        let hour = time.hour();
        if hour.start() == time { Ok(Self(hour)) } else { Err(String::new()) }
    }
}

impl Scalar for Id {
    const EXPECTED: &'static str = "an id of lower-case letters, digits and `-`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.len() > ID_BYTES_MAX {
            return Err(format!("at most {ID_BYTES_MAX} bytes"));
        }
        let good = !text.is_empty() && text.bytes().all(known);
        if good { Ok(Self(text.to_owned())) } else { Err(String::new()) }
    }
}

impl Scalar for Currency {
    const EXPECTED: &'static str = "a currency of three capital letters, like `USD`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        text.parse().map_err(|()| String::new())
    }
}

impl Scalar for Gb {
    const EXPECTED: &'static str = "a quantity in GB with at most 4 decimals, like `12.5`";

    fn parse(text: &str, _plain: bool) -> Result<Self, String> {
        let decimal = plain_decimal(text).ok_or_else(String::new)?;
        Self::from_decimal(decimal.normalize()).ok_or_else(String::new)
    }
}

/// Digits with an optional point: no sign, no exponent. Underscores may group digits.
fn plain_decimal(text: &str) -> Option<Decimal> {
    let digits = text.replace('_', "");
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (all_digits(whole) && all_digits(part)).then(|| Decimal::from_str_exact(&digits).ok()).flatten()
}
