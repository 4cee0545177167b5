//! What all canonical JSON of this crate has in common.
//!
//! - Numbers are texts: JSON numbers above 2^53 and decimals lose digits in many readers.
//! - A value has one text only. A reader that meets another one (`1.50` for `1.5000`) refuses it:
//!   what is stored was written here, or it was altered.

use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a text is not what one of our writers wrote.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or another shape.
    #[error("the text is not the JSON that was expected")]
    Shape(#[source] serde_json::Error),
    /// A value that can not stand there.
    #[error("`{text}` can not stand in `{field}`")]
    Value {
        /// The key.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// BILL-3 does not hold for a stored bill.
    #[error("the lines sum to {sum}, the total says {total}")]
    Total {
        /// The sum of the lines.
        sum: String,
        /// What the total says.
        total: String,
    },
}

pub(crate) fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and lists of texts can always be written")
}

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    serde_json::from_str(text).map_err(JsonError::Shape)
}

/// The value of a text, when it is the text that the value is written as.
pub(crate) fn value<T: ToString>(
    field: &'static str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, JsonError> {
    let parsed = parse(text).filter(|value| value.to_string() == text);
    parsed.ok_or_else(|| JsonError::Value { field, text: text.to_owned() })
}

/// A decimal with exactly so many decimals.
pub(crate) fn decimal(field: &'static str, text: &str, scale: u32) -> Result<Decimal, JsonError> {
    value(field, text, |text| {
        Decimal::from_str_exact(text).ok().filter(|decimal| decimal.scale() == scale)
    })
}
