//! Timers that are looked at whatever else there is to do.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::Sleep;

/// Polls a timer apart from the task's budget. The runtime lets a task have so many reads and
/// writes before others get their turn, and then says of all it asks for, timers too, that they are
/// not ready: a peer that always has something to be read would never be late.
pub(super) fn poll(sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    pin!(unconstrained(sleep)).poll(cx)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::task::coop::{consume_budget, has_budget_remaining};
    use tokio::time::{Instant, sleep_until};

    use super::*;

    #[tokio::test]
    async fn a_timer_rings_although_the_budget_is_spent() {
        let mut sleep = pin!(sleep_until(Instant::now() - Duration::from_secs(1)));
        poll_fn(|cx| {
            while has_budget_remaining() {
                let _ = pin!(consume_budget()).poll(cx);
            }
            assert_eq!(poll(sleep.as_mut(), cx), Poll::Ready(()));
            Poll::Ready(())
        })
        .await;
    }
}
