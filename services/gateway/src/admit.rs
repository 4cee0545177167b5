//! Admit: may the caller do this, and whose call is it.

use http::request::Parts;
use policy::{Match, Policy, Refusal};

use crate::exchange::{CallerFacts, Exchange};
use crate::worker::Worker;

/// Admits one request.
pub(crate) fn admit<'p>(
    (worker, policy): (&Worker, &'p Policy),
    exchange: &Exchange,
    matched: &Match<'p>,
    head: &Parts,
) -> Result<(), Refusal<'p>> {
    let caller = policy.admit(matched, &head.headers, worker.now())?;
    exchange.facts.borrow_mut().caller = CallerFacts {
        account: caller.account.to_owned(),
        secret_id: caller.secret_id.to_owned(),
        plan_id: caller.plan_id.to_owned(),
        order_id: caller.order_id.to_owned(),
        goods_id: caller.goods_id.to_owned(),
    };
    Ok(())
}
