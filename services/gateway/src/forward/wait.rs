//! Waiting for the head of a backend's answer, while the request goes out.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use http::response;
use tokio::time::{Sleep, sleep_until};

use super::Call;
use crate::backend::{Channel, Heard, Link, Unsent};
use crate::budget::poll_timer;

/// What came of waiting.
pub(super) enum Waited {
    Answered(response::Parts),
    /// The connection broke, what came is no answer, or the body of the request is cut.
    Broken,
    /// A limit was reached.
    Late,
}

/// Waits for the head of the answer, at most as long as the limits say.
pub(super) async fn for_head(call: &Call<'_>, channel: &mut Channel) -> Waited {
    let sent = channel.link.sent();
    let mut whole = call.upload.ended();
    let mut timer = pin!(None);
    arm(call, timer.as_mut(), limit(call, &channel.link, whole), channel.link.sent_at());
    let waited = poll_fn(|cx| {
        match channel.link.poll_send(cx) {
            Poll::Ready(Err(Unsent::Body)) => return Poll::Ready(Waited::Broken),
            // What it said was not said to this request.
            Poll::Ready(Err(Unsent::Socket)) if channel.link.sent() == sent => {
                return Poll::Ready(Waited::Broken);
            }
            // A backend that takes no more may have said why.
            Poll::Ready(_) | Poll::Pending => {}
        }
        while let Poll::Ready(heard) =
            channel.poll_head(cx, call.method, &mut call.room.borrow_mut())
        {
            match heard {
                Ok(Heard::Early(head)) => call.wire.inform(call.exchange.id, &head),
                Ok(Heard::Answer(head)) => return Poll::Ready(Waited::Answered(head)),
                Err(_) => return Poll::Ready(Waited::Broken),
            }
        }
        if whole.is_none() && call.upload.ended().is_some() {
            // The request is out whole: from now on the limit of the head counts.
            whole = call.upload.ended();
            let limit = limit(call, &channel.link, whole);
            arm(call, timer.as_mut(), limit, Instant::now());
        }
        while rings(call, timer.as_mut(), cx) {
            let (limit, now) = (limit(call, &channel.link, whole), Instant::now());
            if limit <= now {
                return Poll::Ready(Waited::Late);
            }
            arm(call, timer.as_mut(), limit, now);
        }
        Poll::Pending
    })
    .await;
    call.wire.wake_at(None);
    waited
}

/// Has this task woken at `limit`. A timer of its own costs each request two locks, so a limit that
/// is far enough is left to whoever looks at all connections; it is kept to a quarter of itself.
fn arm(call: &Call<'_>, mut timer: Pin<&mut Option<Sleep>>, limit: Instant, now: Instant) {
    let far = limit.saturating_duration_since(now) >= 4 * call.wire.worker.tick;
    call.wire.wake_at(far.then_some(limit));
    timer.set(if far { None } else { Some(sleep_until(limit.into())) });
}

fn rings(call: &Call<'_>, sleep: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> bool {
    match sleep.as_pin_mut() {
        Some(sleep) => poll_timer(sleep, cx).is_ready(),
        None => call.wire.woken(),
    }
}

/// Until when the backend may take. While the body is on its way: as long as bytes move; a client
/// that does not send them is not the backend's fault, and has a limit of its own.
fn limit(call: &Call<'_>, link: &Link, whole: Option<Instant>) -> Instant {
    let timeouts = &call.backend.timeouts;
    let limit = match whole {
        // From the last byte sent: a head that trickles does not put it off.
        Some(_) => link.sent_at() + timeouts.head,
        None if call.wire.body_wanted.get() => Instant::now() + timeouts.idle,
        None => link.moved() + timeouts.idle,
    };
    limit.min(call.deadline)
}
