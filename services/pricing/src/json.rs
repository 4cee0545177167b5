//! What all canonical JSON of this crate has in common.
//!
//! Numbers are texts: JSON numbers above 2^53 and decimals lose digits in many readers.

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
