//! Waiting for the head of a backend's answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::sleep_until;

use super::{Call, RequestBody};
use crate::backend::Link;

/// What came of waiting.
pub(super) enum Waited {
    Answered(Response<Incoming>),
    /// The connection broke. `unsent`: hyper gave the request back.
    Broken {
        unsent: bool,
    },
    /// A limit was reached.
    Late,
}

/// Waits for the head of the answer, at most as long as the limits say.
pub(super) async fn for_head(
    call: &Call<'_>,
    link: &Link,
    sent: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
) -> Waited {
    let mut sent = pin!(sent);
    let mut whole = call.upload.ended();
    let mut timer = pin!(sleep_until(limit(call, link, whole).into()));
    poll_fn(|cx| {
        if let Poll::Ready(answered) = sent.as_mut().poll(cx) {
            return Poll::Ready(match answered {
                Ok(response) => Waited::Answered(response),
                Err(mut error) => Waited::Broken { unsent: error.take_message().is_some() },
            });
        }
        if whole.is_none() && call.upload.ended().is_some() {
            // The request is out whole: from now on the limit of the head counts.
            whole = call.upload.ended();
            timer.as_mut().reset(limit(call, link, whole).into());
        }
        call.upload.register(cx.waker());
        while timer.as_mut().poll(cx).is_ready() {
            let limit = limit(call, link, whole);
            if limit <= Instant::now() {
                return Poll::Ready(Waited::Late);
            }
            timer.as_mut().reset(limit.into());
        }
        Poll::Pending
    })
    .await
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
