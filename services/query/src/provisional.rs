//! What an hour that is not closed costs as far as is known: asked of whoever counts.
//!
//! This service knows no metering. The binary gives it something that answers.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use record::Hour;

/// Bills of an hour that is not closed, as it stands now.
pub trait Provisional: Send + Sync + 'static {
    /// One bill for each account with use in the hour, or for `account` only. What the caller may
    /// not see is sorted out here afterwards, so it need not be.
    fn bills<'a>(&'a self, hour: Hour, account: Option<&'a str>) -> ProvisionalFuture<'a>;
}

/// The answer of a [`Provisional`].
pub type ProvisionalFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<ProvisionalBill>, ProvisionalError>> + Send + 'a>>;

/// One account's bill so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionalBill {
    /// Who would be billed.
    pub account: String,
    /// The bill as JSON, in the form of a stored one.
    pub bill: String,
}

/// It can not be counted now.
#[derive(Debug, thiserror::Error)]
#[error("failed to count the hour {hour} so far")]
pub struct ProvisionalError {
    /// The hour.
    pub hour: Hour,
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
