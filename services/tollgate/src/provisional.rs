//! Metering's view of an hour that is not closed, as the query API wants it.

use std::sync::Arc;

use metering::Clock;
use pricing::Prices;
use query::{ProvisionalBill, ProvisionalError, ProvisionalFuture};
use record::Hour;
use store::Store;

/// See [`query::Provisional`].
pub(crate) struct Provisional {
    store: Store,
    prices: Arc<Prices>,
    clock: Clock,
}

// === impl Provisional ===

impl Provisional {
    pub(crate) fn new(store: Store, prices: Arc<Prices>, clock: Clock) -> Self {
        Self { store, prices, clock }
    }
}

impl query::Provisional for Provisional {
    fn bills<'a>(&'a self, hour: Hour, account: Option<&'a str>) -> ProvisionalFuture<'a> {
        Box::pin(async move {
            let counted =
                metering::provisional(&self.store, Some(&self.prices), account, (self.clock)())
                    .await;
            let counted =
                counted.map_err(|error| ProvisionalError { hour, source: Box::new(error) })?;
            let of_hour = counted.bills.into_iter().filter(|bill| bill.hour == hour);
            let bill = |bill: pricing::Bill| ProvisionalBill {
                bill: bill.to_json(),
                account: bill.account,
            };
            Ok(of_hour.map(bill).collect())
        })
    }
}
