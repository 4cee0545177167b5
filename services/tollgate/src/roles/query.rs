//! `tollgate query`: the HTTP API. It starts without ClickHouse, and answers 503 until it is there.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use prometheus_client::registry::Registry;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{LOOK_AGAIN, Waiting, reach_store, ready};
use crate::commands::Signals;
use crate::config::Config;
use crate::process::{now, owner_token};
use crate::provisional::Provisional;
use crate::running::Running;
use crate::storage::{Storage, to_json};

const ROLE: &str = "query";

/// Serves until a signal.
pub(crate) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let mut listeners = query::Listeners::bind(&config.query).await?;
    let url = format!("http://{}", listeners.api.local_addr()?);
    let metrics = listeners.metrics.local_addr()?.to_string();
    let waiting = Waiting::default();
    let endpoint = tokio::select! {
        endpoint = endpoint(&config, &waiting, &mut listeners) => endpoint?,
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    let store = Storage::client(&config, endpoint.clone())?;
    let prices = Arc::clone(&config.prices);
    let app = query::App::new(query::Parts {
        store: store.clone(),
        retention: config.retention,
        provisional: Arc::new(Provisional::new(store.clone(), prices, Arc::new(now))),
        now,
        registry: Registry::default(),
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(query::serve(app, listeners, async { drop(stopped.await) }));
    tracing::info!(address = url, metrics, "query serves");
    let announce = async {
        reach_store(&config, &waiting).await?;
        let token = owner_token(&store).await?;
        let said = json!({
            "url": url,
            "token": token.expose(),
            "metrics": metrics,
            "store": to_json(&endpoint),
        });
        ready(&config, ROLE, &said)?;
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        said = announce => said?,
        served = &mut serving => return served.map(|()| ExitCode::FAILURE).context("query panicked"),
        () = asked.wait() => {}
    }
    tracing::info!("ending");
    Running::remove_role(&config.data, ROLE);
    drop(stop);
    tokio::select! {
        served = serving => served.context("query ended in a panic")?,
        () = asked.wait() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// How the store is reached, once that is known. Until then the API's port says what is missing.
async fn endpoint(
    config: &Config,
    waiting: &Waiting,
    listeners: &mut query::Listeners,
) -> anyhow::Result<store::Endpoint> {
    match Storage::reach(config)? {
        Ok(endpoint) => return Ok(endpoint),
        Err(what) => waiting.on(&what),
    }
    let (port, copy) = twice(&listeners.api).context("the port of the API can not be shared")?;
    listeners.api = port;
    let said = waiting.clone();
    let why: query::Ready = Arc::new(move || {
        let said = said.said();
        Box::pin(async move { said })
    });
    let (found, known) = oneshot::channel::<()>();
    let answers = query::monitor(copy, Registry::default(), why, async { drop(known.await) });
    let look = async move {
        // Dropped at the end, which ends the answers.
        let _found = found;
        loop {
            sleep(LOOK_AGAIN).await;
            if let Ok(endpoint) = Storage::reach(config)? {
                return anyhow::Ok(endpoint);
            }
        }
    };
    let (endpoint, ()) = tokio::join!(look, answers);
    endpoint
}

/// A second socket of the same port; one at a time accepts.
fn twice(listener: &TcpListener) -> std::io::Result<(TcpListener, TcpListener)> {
    let copy = || TcpListener::from_std(rustix::io::fcntl_dupfd_cloexec(listener, 0)?.into());
    Ok((copy()?, copy()?))
}
