//! Two sample backends on loopback: one that works, one that has bad days.
//!
//! `steady` answers 200 with a body of a few kilobytes. `moody` answers with the status that the
//! path asks for (`/status/503`), or never (`/hang`).

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections held at once by one sample backend; the gateways' pools stay far below.
const CONNECTIONS_MAX: usize = 1024;

/// The sample backends; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Backends {
    pub(crate) steady: SocketAddr,
    pub(crate) moody: SocketAddr,
    _tasks: JoinSet<()>,
}

// === impl Backends ===

impl Backends {
    /// Starts both on free ports.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut tasks = JoinSet::new();
        let listen = async || {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await;
            listener.context("no free port on 127.0.0.1 for a sample backend")
        };
        let (one, other) = (listen().await?, listen().await?);
        let (steady, moody) = (one.local_addr()?, other.local_addr()?);
        tasks.spawn(serve(one, Mood::Steady));
        tasks.spawn(serve(other, Mood::Moody));
        Ok(Self { steady, moody, _tasks: tasks })
    }
}

#[derive(Debug, Clone, Copy)]
enum Mood {
    Steady,
    Moody,
}

async fn serve(listener: TcpListener, mood: Mood) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX || connections.try_join_next().is_some() {
            if connections.len() >= CONNECTIONS_MAX {
                connections.join_next().await;
            }
        }
        match listener.accept().await {
            Ok((socket, _)) => {
                connections.spawn(connection(socket, mood));
            }
            Err(error) => tracing::debug!(%error, "sample backend could not accept"),
        }
    }
}

async fn connection(socket: TcpStream, mood: Mood) {
    let answer = service_fn(move |request| answer(request, mood));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of a sample backend ended early");
    }
}

async fn answer(
    request: Request<Incoming>,
    mood: Mood,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if path.ends_with("/hang") {
        std::future::pending::<()>().await;
    }
    let status = match mood {
        Mood::Steady => StatusCode::OK,
        Mood::Moody => path
            .rsplit('/')
            .next()
            .and_then(|last| last.parse::<u16>().ok())
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::OK),
    };
    // Between 1 and 9 KiB, by the path, so that traffic differs from call to call.
    let size = 1024 + path.bytes().fold(0_usize, |sum, byte| (sum * 31 + usize::from(byte)) % 8192);
    let body =
        if status == StatusCode::NO_CONTENT { Bytes::new() } else { Bytes::from(vec![b'.'; size]) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    Ok(response)
}
