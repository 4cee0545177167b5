//! Respond: the answer as the client gets it.
//!
//! - A complete answer of the backend passes unchanged, whatever its status (FAULT-1): only what
//!   belongs to the backend's connection is dropped, and the request id is added.
//! - Every answer carries `X-Api-RequestId`.
//! - Whoever hands over the last of an answer says so first ([`Wire::end`]); an answer without a
//!   body is whole with its head. An answer whose head forbids a body never has one here, so that
//!   hyper never drops one in silence.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chrono::DateTime;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, response};
use http_body::{Body, Frame, SizeHint};
use policy::{Mock, Refusal};
use record::Time;

use crate::exchange::Exchange;
use crate::forward::{BackendBody, BodyCut, X_API_REQUEST_ID, drop_hop_by_hop};
use crate::wire::Wire;
use crate::worker::Stage;

/// The body of an answer.
pub(crate) struct Answer {
    wire: Rc<Wire>,
    source: Source,
}

enum Source {
    /// Made by the gateway; taken in one piece.
    Own(Bytes),
    Backend(BackendBody),
}

/// A refusal or a failure, with the text of the catalog.
pub(crate) fn refusal(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    method: &Method,
    refusal: &Refusal<'_>,
) -> Response<Answer> {
    let entry = refusal.entry;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = entry.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    own(wire, exchange, method, status, headers, Bytes::from(refusal.body()))
}

/// An answer of the configuration.
pub(crate) fn mock(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    method: &Method,
    mock: &Mock,
) -> Response<Answer> {
    own(wire, exchange, method, mock.status, mock.headers.clone(), mock.body.clone())
}

/// The answer to a preflight.
pub(crate) fn preflight(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    headers: HeaderMap,
) -> Response<Answer> {
    own(wire, exchange, &Method::OPTIONS, StatusCode::NO_CONTENT, headers, Bytes::new())
}

/// An answer of the backend.
pub(crate) fn backend(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    mut head: response::Parts,
    body: BackendBody,
) -> Response<Answer> {
    drop_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
    if exchange.facts.borrow().request.http_10 && body.unframed() {
        wire.reset_if_cut();
    }
    finish(wire, exchange, head, Source::Backend(body))
}

fn own(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    method: &Method,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Answer> {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status;
    head.headers = headers;
    if let Ok(date) = HeaderValue::from_str(&date(wire.worker.now())) {
        head.headers.insert(DATE, date);
    }
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if *method == Method::HEAD && !bodiless {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let body = if bodiless || *method == Method::HEAD { Bytes::new() } else { body };
    finish(wire, exchange, head, Source::Own(body))
}

/// The `Date` of an answer that the gateway makes (RFC 9110, 5.6.7).
fn date(now: Time) -> String {
    let at = DateTime::from_timestamp_millis(now.0).unwrap_or_default();
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What all answers have in common.
fn finish(
    wire: &Rc<Wire>,
    exchange: &Exchange,
    mut head: response::Parts,
    source: Source,
) -> Response<Answer> {
    if let Some(id) = wire.worker.values.copy(exchange.id.as_str().as_bytes()) {
        head.headers.insert(X_API_REQUEST_ID, id);
    }
    // Where the next request begins is not known before this one is here whole.
    let unclear = wire.refused().is_some() || !wire.request_complete();
    let closes = unclear || wire.crowded || wire.worker.stage.get() != Stage::Serving;
    if closes {
        head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut facts = exchange.facts.borrow_mut();
    facts.status = head.status.as_u16();
    if !closes && facts.request.stays {
        wire.stay();
    }
    drop(facts);
    let answer = Answer { wire: wire.clone(), source };
    if answer.is_end_stream() {
        wire.end();
    }
    Response::from_parts(head, answer)
}

// === impl Answer ===

impl Body for Answer {
    type Data = Bytes;
    type Error = BodyCut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyCut>>> {
        let this = &mut *self;
        let (frame, last) = match &mut this.source {
            Source::Own(body) => {
                let body = std::mem::take(body);
                (if body.is_empty() { None } else { Some(Ok(Frame::data(body))) }, true)
            }
            Source::Backend(body) => {
                let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
                let last = match &frame {
                    None => true,
                    Some(Ok(frame)) => frame.is_trailers() || body.is_end_stream(),
                    Some(Err(_)) => false,
                };
                (frame, last)
            }
        };
        if last && !this.wire.held() {
            this.wire.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(body) => body.is_empty(),
            Source::Backend(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(body) => SizeHint::with_exact(body.len() as u64),
            Source::Backend(body) => body.size_hint(),
        }
    }
}
