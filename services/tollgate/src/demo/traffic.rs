//! Sample traffic over real sockets: a client that keeps its own count.
//!
//! The mix is a function of the request's number, so that two runs send the same. Clients that
//! leave close their socket after the request went out and before any answer can have come (the
//! backend they ask never answers).

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use base64::Engine;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::process::now_ms;

/// How many connections each gateway sees at once.
const CLIENTS: u32 = 16;

/// A key pair of the demo's configuration.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) secret_id: String,
    pub(crate) secret: String,
}

/// Whom to ask, and with what.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The gateways, one per region.
    pub(crate) gateways: Vec<SocketAddr>,
    /// Host name of the sample service.
    pub(crate) host: String,
    /// One key per marketplace order.
    pub(crate) keys: Vec<Key>,
    pub(crate) requests: u32,
}

/// The client's own count.
#[derive(Debug, Default, Clone)]
pub(crate) struct Ledger {
    pub(crate) sent: u64,
    /// Whole answers received.
    pub(crate) answered: u64,
    /// Ids of whole answers that the backend gave with 404: the demo looks one up.
    pub(crate) not_found_by_backend: Vec<String>,
}

/// What one request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Post,
    BackendError(u16),
    Mock,
    MockEmpty,
    UnknownRoute,
    BadSignature,
    TimesOut,
    Leaves,
}

/// The mix. Rare kinds first, since every 200th waits for a timeout.
fn kind(number: u32) -> Kind {
    match number {
        n if n % 200 == 7 => Kind::TimesOut,
        n if n % 100 == 13 => Kind::Leaves,
        n if n % 20 == 1 => Kind::BackendError(404),
        n if n % 20 == 2 => Kind::BackendError(500),
        n if n % 20 == 3 => Kind::Mock,
        n if n % 40 == 4 => Kind::MockEmpty,
        n if n % 20 == 5 => Kind::UnknownRoute,
        n if n % 20 == 6 => Kind::BadSignature,
        n if n % 10 == 8 => Kind::Post,
        _ => Kind::Good,
    }
}

/// Sends all requests of the plan; `progress` hears of each one that ended.
///
/// # Errors
/// When a gateway can not be reached or breaks a connection.
pub(crate) async fn send(
    plan: Plan,
    progress: Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Ledger> {
    let plan = Arc::new(plan);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(one_client(Arc::clone(&plan), client, Arc::clone(&progress)));
    }
    let mut whole = Ledger::default();
    while let Some(ledger) = clients.join_next().await {
        let ledger = ledger.context("a sample client ended in a panic")??;
        whole.sent += ledger.sent;
        whole.answered += ledger.answered;
        whole.not_found_by_backend.extend(ledger.not_found_by_backend);
    }
    Ok(whole)
}

async fn one_client(
    plan: Arc<Plan>,
    client: u32,
    progress: Arc<dyn Fn() + Send + Sync>,
) -> anyhow::Result<Ledger> {
    let gateway = plan.gateways[client as usize % plan.gateways.len()];
    let mut ledger = Ledger::default();
    let mut connection: Option<SendRequest<Full<Bytes>>> = None;
    let mut tasks = JoinSet::new();
    for number in (client..plan.requests).step_by(CLIENTS as usize) {
        let kind = kind(number);
        ledger.sent += 1;
        if kind == Kind::Leaves {
            leave(gateway, &plan, number).await?;
            progress();
            continue;
        }
        let mut sender = match connection.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => connect(gateway, &mut tasks).await?,
        };
        sender.ready().await.context("the gateway closed a connection")?;
        let answer = sender.send_request(request(&plan, kind, number)?).await;
        let (head, body) = answer.context("a gateway gave no answer")?.into_parts();
        body.collect().await.context("a gateway broke off an answer")?;
        ledger.answered += 1;
        let id = head.headers.get("x-api-requestid").and_then(|id| id.to_str().ok());
        let id = id.context("an answer without X-Api-RequestId")?;
        if kind == Kind::BackendError(404) {
            ledger.not_found_by_backend.push(id.to_owned());
        }
        connection = Some(sender);
        progress();
    }
    Ok(ledger)
}

async fn connect(
    gateway: SocketAddr,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let socket = TcpStream::connect(gateway).await.context("a gateway can not be reached")?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.context("no HTTP connection to a gateway")?;
    tasks.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a sample client's connection ended");
        }
    });
    Ok(sender)
}

/// Sends a request to the backend that never answers, and goes.
async fn leave(gateway: SocketAddr, plan: &Plan, number: u32) -> anyhow::Result<()> {
    let key = &plan.keys[number as usize % plan.keys.len()];
    let (date, authorization) = sign(key, "sample");
    let head = format!(
        "GET /release/moody/hang HTTP/1.1\r\nHost: {}\r\nDate: {date}\r\nSource: sample\r\n\
         Authorization: {authorization}\r\n\r\n",
        plan.host
    );
    let mut socket = TcpStream::connect(gateway).await.context("a gateway can not be reached")?;
    socket.write_all(head.as_bytes()).await.context("a gateway took no request")?;
    socket.shutdown().await.context("a socket could not be closed")
}

fn request(plan: &Plan, kind: Kind, number: u32) -> anyhow::Result<Request<Full<Bytes>>> {
    let key = &plan.keys[number as usize % plan.keys.len()];
    let (date, mut authorization) = sign(key, "sample");
    if kind == Kind::BadSignature {
        authorization = authorization.replace("signature=\"", "signature=\"AAAA");
    }
    let (method, path) = match kind {
        Kind::Good | Kind::BadSignature => (Method::GET, format!("/release/steady/item/{number}")),
        Kind::Post => (Method::POST, format!("/release/steady/item/{number}")),
        Kind::BackendError(status) => (Method::GET, format!("/release/moody/status/{status}")),
        Kind::Mock => (Method::GET, "/release/hello".to_owned()),
        Kind::MockEmpty => (Method::GET, "/release/nothing".to_owned()),
        Kind::UnknownRoute => (Method::GET, format!("/release/no-such-api/{number}")),
        Kind::TimesOut | Kind::Leaves => (Method::GET, "/release/moody/hang".to_owned()),
    };
    let body = if method == Method::POST { vec![b'x'; 2000] } else { Vec::new() };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", &plan.host)
        .header("date", date)
        .header("source", "sample")
        .header("authorization", authorization)
        .header("user-agent", "tollgate-demo")
        .body(Full::new(Bytes::from(body)))?;
    Ok(request)
}

/// The key-pair signature over `date` and `source`: the `Date` value and the `Authorization`.
fn sign(key: &Key, source: &str) -> (String, String) {
    let date = chrono::DateTime::from_timestamp_millis(i64::try_from(now_ms()).unwrap_or_default())
        .unwrap_or_default()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let text = format!("date: {date}\nsource: {source}");
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.secret.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    let id = &key.secret_id;
    let authorization = format!(
        "hmac id=\"{id}\", algorithm=\"hmac-sha1\", headers=\"date source\", signature=\"{signature}\""
    );
    (date, authorization)
}
