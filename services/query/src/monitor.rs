//! Health and metrics of a process that has no API of its own: `/healthz`, `/readyz`, `/metrics`.
//!
//! The same bounds as the API's ports.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::metrics::CONNECTIONS_REFUSED;
use crate::serve::{metrics_router, port};

/// Whoever does not say within it that it is ready, is not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says whether the process can do its work now; else why not, in a sentence.
pub type Ready =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Serves until `shutdown` is done.
pub async fn monitor(
    listener: TcpListener,
    mut registry: Registry,
    ready: Ready,
    shutdown: impl Future<Output = ()>,
) {
    let refused = Counter::default();
    let help = "Connections refused because there were too many";
    registry.register(CONNECTIONS_REFUSED, help, refused.clone());
    let answer = move || {
        let ready = ready();
        async move {
            match timeout(PATIENCE, ready).await {
                Ok(Ok(())) => (StatusCode::OK, "ready\n".to_owned()),
                Ok(Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
                Err(_) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready: it does not say why\n".to_owned())
                }
            }
        }
    };
    let router = metrics_router(Arc::new(registry))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(answer));
    let (stop, stopped) = watch::channel(false);
    let serving = port(listener, router, refused, stopped);
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return,
        () = shutdown => {}
    }
    stop.send_replace(true);
    serving.await;
}
