//! Around every request: its id, a bound, the metrics, its line in the access log, and the body of a
//! problem.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use uuid::Uuid;

use crate::access_log::Line;
use crate::app::State;
use crate::metrics::{Metrics, Route};
use crate::problem::{Code, MEDIA_TYPE, Problem};

/// The header that names a request to the API; it stands in problems and in our log too.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Seconds until somebody who was refused for want of room may ask again.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// Counts a request for as long as it lasts: it is dropped halfway when its client leaves.
struct AtWork<'a>(&'a Metrics);

/// Runs one request.
pub(crate) async fn around(
    Extract(app): Extract<State>,
    mut request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let route = Route::of(request.uri().path());
    // Not the client's own: two requests never share one.
    let request_id = Uuid::new_v4().simple().to_string();
    let response = match Arc::clone(&app.room).try_acquire_owned() {
        Ok(place) => {
            let _work = AtWork::begin(&app.metrics);
            let line = Line::new(place);
            request.extensions_mut().insert(line.clone());
            let response = next.run(request).await;
            line.written().await.map_or_else(Problem::into_response, |()| response)
        }
        Err(_full) => Problem::new(Code::Busy, "try again in a moment").into_response(),
    };
    let response = finish(response, request_id);
    app.metrics.answered(route, response.status(), start.elapsed());
    response
}

fn finish(mut response: Response, request_id: String) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log(&problem, &request_id);
        response = body(problem, request_id.clone());
    }
    let headers = response.headers_mut();
    // What a token may read is nobody else's to keep.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let id = HeaderValue::from_str(&request_id).expect("hex digits make a header");
    headers.insert(REQUEST_ID, id);
    response
}

/// The one place where what went wrong inside is logged.
fn log(problem: &Problem, request_id: &str) {
    let Some(cause) = &problem.cause else { return };
    let chain = chain(&**cause);
    let code = problem.code.row().0;
    tracing::error!(request_id, code, error = chain, "request to the API failed");
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn body(problem: Problem, request_id: String) -> Response {
    let status = problem.code.row().1;
    let mut response = (status, Json(problem.body(request_id))).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, RETRY_AFTER_S);
    }
    response
}

// === impl AtWork ===

impl<'a> AtWork<'a> {
    fn begin(metrics: &'a Metrics) -> Self {
        metrics.at_work.inc();
        Self(metrics)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.at_work.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_dropped_is_not_at_work() {
        let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
        let work = AtWork::begin(&metrics);
        assert_eq!(metrics.at_work.get(), 1);
        drop(work);
        assert_eq!(metrics.at_work.get(), 0);
    }
}
