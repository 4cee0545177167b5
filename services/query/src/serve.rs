//! Connections: accepted, bounded, drained.
//!
//! - A connection beyond [`CONNECTIONS_MAX`] is closed at once and counted; one that sends no head
//!   within [`HEAD_TIME_MAX`], be it a slow or an idle client, is closed too.
//! - At the end no connection is accepted any more, and those that are open may finish their
//!   request within [`DRAIN_MAX`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::metrics;

/// Open connections at once, of each of the two ports. About 30 KB each.
const CONNECTIONS_MAX: usize = 512;

/// For the head of a request to arrive, from the first byte or from the answer before it.
const HEAD_TIME_MAX: Duration = Duration::from_secs(15);

/// Bytes of a request's head; the paths of this API are short.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// For open requests to finish at the end; a Ctrl-C has to end everything within 5 s.
const DRAIN_MAX: Duration = Duration::from_secs(3);

/// After a failed accept, usually for want of file descriptors, before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The two bound ports.
#[derive(Debug)]
pub struct Listeners {
    /// For the API.
    pub api: TcpListener,
    /// For `GET /metrics`.
    pub metrics: TcpListener,
}

/// A port can not be used.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Another program listens there.
    #[error(
        "the port of `{address}` is in use: stop the process that holds it (`ss -ltnp` shows it), \
         or set `{key}` to another port"
    )]
    PortInUse {
        /// The address.
        address: SocketAddr,
        /// Where it stands in the configuration.
        key: &'static str,
    },
    /// The address can not be listened on: it is not of this machine, most likely.
    #[error("failed to listen on `{address}`: check `{key}`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Where it stands in the configuration.
        key: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Listeners {
    /// Takes both ports.
    ///
    /// # Errors
    /// [`ServeError`], naming the port.
    pub async fn bind(config: &crate::Config) -> Result<Self, ServeError> {
        let bind = |address, key| async move {
            TcpListener::bind(address).await.map_err(|source| match source.kind() {
                io::ErrorKind::AddrInUse => ServeError::PortInUse { address, key },
                _ => ServeError::Bind { address, key, source },
            })
        };
        Ok(Self {
            api: bind(config.listen, "query.listen").await?,
            metrics: bind(config.metrics, "query.metrics").await?,
        })
    }
}

/// Serves until `shutdown` is done, and then until open requests are answered or 3 s is
/// over.
pub async fn serve(app: App, listeners: Listeners, shutdown: impl Future<Output = ()>) {
    let App { router, registry, metrics } = app;
    let (stop, stopped) = watch::channel(false);
    let both = async {
        tokio::join!(
            port(listeners.api, router, metrics.connections_refused.clone(), stopped.clone()),
            port(
                listeners.metrics,
                metrics_router(registry),
                metrics.connections_refused.clone(),
                stopped
            ),
        )
    };
    tokio::pin!(both);
    tokio::select! {
        _ = &mut both => return,
        () = shutdown => {}
    }
    stop.send_replace(true);
    both.await;
}

pub(crate) fn metrics_router(registry: Arc<Registry>) -> Router {
    let show = move || {
        let registry = registry.clone();
        async move {
            let text = metrics::encode(&registry).map_err(|error| error.to_string())?;
            Ok::<_, String>(([(CONTENT_TYPE, metrics::MEDIA_TYPE)], text))
        }
    };
    Router::new().route("/metrics", get(show))
}

pub(crate) async fn port(
    listener: TcpListener,
    router: Router,
    refused: Counter<u64, AtomicU64>,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stopped) => break,
        };
        // Those that ended are let go, so that the set is as bounded as the connections.
        while connections.try_join_next().is_some() {}
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            refused.inc();
            continue;
        };
        let (router, stopped) = (router.clone(), stopped.clone());
        connections.spawn(async move {
            connection(socket, router, stopped).await;
            drop(permit);
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN_MAX, drained).await.is_err() {
        connections.shutdown().await;
    }
}

/// Until everything is to end, or whoever would say so is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means the latter, and comes to the same.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

async fn connection(socket: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that left or was too slow: its own affair.
        tracing::debug!(%error, "connection to the API broke");
    }
}
