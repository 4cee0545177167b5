//! The runtime lets a task read and write so many times before others get their turn, and then says
//! of everything that the task asks for, timers too, that it is not ready. Both sides of that matter
//! where a peer always has something more to say.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::{consume_budget, unconstrained};
use tokio::time::Sleep;

/// Polls a timer although the budget is spent: whoever always has something to say would never be
/// late.
pub(crate) fn poll_timer(sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    pin!(unconstrained(sleep)).poll(cx)
}

/// Takes one step from the budget. Pending: it is spent, and the task will be woken. A read may bring
/// thousands of things to do, each of which has to count: the worker's other connections wait.
pub(crate) fn poll_step(cx: &mut Context<'_>) -> Poll<()> {
    pin!(consume_budget()).poll(cx)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{Instant, sleep_until};

    use super::*;

    #[tokio::test]
    async fn steps_end_and_a_timer_rings_all_the_same() {
        let mut sleep = pin!(sleep_until(Instant::now() - Duration::from_secs(1)));
        poll_fn(|cx| {
            let steps = (0..1000).take_while(|_| poll_step(cx).is_ready()).count();
            assert!((1..1000).contains(&steps), "{steps} steps without a pause");
            assert_eq!(poll_timer(sleep.as_mut(), cx), Poll::Ready(()));
            Poll::Ready(())
        })
        .await;
    }
}
