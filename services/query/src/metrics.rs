//! What this service counts. Names are constants here, labels closed lists.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Counter: requests answered, by route and class of status.
pub(crate) const REQUESTS: &str = "query_requests";
/// Histogram, seconds: from a request's head to its answer, by route.
pub(crate) const DURATION: &str = "query_request_duration";
/// Gauge: requests at work now.
pub(crate) const AT_WORK: &str = "query_requests_at_work";
/// Counter: connections refused because there were too many.
pub(crate) const CONNECTIONS_REFUSED: &str = "query_connections_refused";

/// Seconds: a lookup by id takes 10 ms, the longest query 30 s.
const BUCKETS: [f64; 8] = [0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// The parts of the API that are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Route {
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    logs,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    bills,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    proofs,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    orders,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    usage,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    errors,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    health,
    #[expect(non_camel_case_types, reason = "label values are written in snake case")]
    other,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: Route,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    route: Route,
    status: &'static str,
}

/// The counters of this service.
#[derive(Clone)]
pub(crate) struct Metrics {
    requests: Family<AnswerLabel, Counter>,
    duration: Family<RouteLabel, Histogram, fn() -> Histogram>,
    pub(crate) at_work: Gauge,
    pub(crate) connections_refused: Counter<u64, AtomicU64>,
}

// === impl Route ===

impl Route {
    /// By the path, so that no text of a client becomes a label.
    pub(crate) fn of(path: &str) -> Self {
        let begins = |prefix: &str| path.starts_with(prefix);
        if path == "/v1/logs" || begins("/v1/logs/") {
            Self::logs
        } else if begins("/v1/bills/") {
            Self::bills
        } else if begins("/v1/proofs/") {
            Self::proofs
        } else if begins("/v1/marketplace/orders/") {
            Self::orders
        } else if path == "/v1/usage" {
            Self::usage
        } else if path == "/v1/errors" || begins("/v1/errors/") {
            Self::errors
        } else if path == "/healthz" || path == "/readyz" {
            Self::health
        } else {
            Self::other
        }
    }
}

// === impl Metrics ===

impl Metrics {
    /// Counters in `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(histogram),
            at_work: Gauge::default(),
            connections_refused: Counter::default(),
        };
        registry.register(REQUESTS, "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            DURATION,
            "From a request's head to its answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register(AT_WORK, "Requests at work", metrics.at_work.clone());
        registry.register(
            CONNECTIONS_REFUSED,
            "Connections refused because there were too many",
            metrics.connections_refused.clone(),
        );
        metrics
    }

    /// One request was answered.
    pub(crate) fn answered(&self, route: Route, status: StatusCode, took: Duration) {
        let status = match status.as_u16() {
            ..400 => "ok",
            400..500 => "client_error",
            500.. => "server_error",
        };
        self.requests.get_or_create(&AnswerLabel { route, status }).inc();
        self.duration.get_or_create(&RouteLabel { route }).observe(took.as_secs_f64());
    }
}

/// The text that Prometheus reads.
pub(crate) fn encode(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    text::encode(&mut out, registry)?;
    Ok(out)
}

/// Its media type.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_as_dashboards_expect() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.answered(Route::of("/v1/logs/x"), StatusCode::OK, Duration::from_millis(20));
        metrics.answered(Route::of("/x"), StatusCode::NOT_FOUND, Duration::ZERO);
        metrics.at_work.set(3);
        let text = encode(&registry).expect("text");
        for line in [
            "query_requests_total{route=\"logs\",status=\"ok\"} 1",
            "query_requests_total{route=\"other\",status=\"client_error\"} 1",
            "query_request_duration_seconds_bucket{le=\"0.025\",route=\"logs\"} 1",
            "query_request_duration_seconds_bucket{le=\"0.01\",route=\"logs\"} 0",
            "query_requests_at_work 3",
            "query_connections_refused_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
