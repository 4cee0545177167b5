//! `tollgate metering`: records from Kafka into ClickHouse, hours into bills.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use bus::kafka::Ends;
use metering::{Counters, Service};
use query::{Ready, monitor};
use serde_json::json;
use store::{Sql, Store};
use tokio::sync::{OnceCell, oneshot};
use tokio::time::timeout;

use super::{LOOK_AGAIN, NEEDS_KAFKA, Waiting, listen, reach_store, ready};
use crate::Hooks;
use crate::commands::Signals;
use crate::config::Config;
use crate::metrics;
use crate::process::now;
use crate::running::Running;

const ROLE: &str = "metering";

/// A clean end: an insert that is under way may be abandoned, so there is nothing to wait for.
const END_MAX: Duration = Duration::from_secs(5);

/// How long each of the others may take to answer, for this process to be ready. The port itself
/// waits for two seconds.
const ANSWER_MAX: Duration = Duration::from_millis(900);

/// Works until a signal. What is not acknowledged then comes again, to it or to others.
pub(crate) async fn run(config: Config, hooks: Hooks) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let kafka = config.kafka.clone().context(NEEDS_KAFKA)?;
    let listener = listen(config.metering.metrics, "metering.metrics").await?;
    let metrics_at = listener.local_addr()?.to_string();
    let (waiting, counters) = (Waiting::default(), Arc::new(Counters::default()));
    waiting.on("its start");
    let store = Arc::new(OnceCell::new());
    let is_ready = readiness(&waiting, &store, &counters, Ends::new(&kafka));
    let (stop, stopped) = oneshot::channel::<()>();
    let registry = metrics::of_metering(Arc::clone(&counters));
    let shown = tokio::spawn(monitor(listener, registry, Arc::clone(&is_ready), async {
        drop(stopped.await);
    }));
    let reached = tokio::select! {
        reached = reach_store(&config, &waiting) => reached?,
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    // Nobody else sets it.
    store.set(reached.clone()).ok();
    let mut own = config.metering.clone();
    own.owner = owner();
    own.retention = Some(config.retention);
    own.on_step = hooks.on_step;
    let service = Service {
        store: reached,
        config: own,
        counters,
        prices: Some(Arc::clone(&config.prices)),
        clock: hooks.clock.unwrap_or_else(|| Arc::new(now)),
        kafka,
    };
    let (end, ended) = oneshot::channel::<()>();
    let mut service = tokio::spawn(service.run(async { drop(ended.await) }));
    let said = json!({ "metrics": metrics_at });
    let worked = tokio::select! {
        worked = &mut service => Some(worked),
        never = say_when_ready(&config, &is_ready, &said) => { never?; None },
        () = asked.wait() => None,
    };
    tracing::info!("ending");
    Running::remove_role(&config.data, ROLE);
    drop((stop, end));
    let worked = match worked {
        Some(worked) => worked,
        None => match timeout(END_MAX, service).await {
            Ok(worked) => worked,
            Err(_late) => return Ok(ExitCode::SUCCESS),
        },
    };
    worked.context("metering ended in a panic")??;
    timeout(END_MAX, shown).await.ok();
    Ok(ExitCode::SUCCESS)
}

/// Who it is, for people: containers all have the same process id.
fn owner() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    format!("metering on {host}, pid {}", std::process::id())
}

/// Says once that it is ready; returns only when it can not say it.
async fn say_when_ready(
    config: &Config,
    is_ready: &Ready,
    said: &serde_json::Value,
) -> anyhow::Result<()> {
    while is_ready().await.is_err() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    ready(config, ROLE, said)?;
    std::future::pending().await
}

/// Ready: the store answers, and the topic's ends are known, and it is fit to be consumed.
fn readiness(
    waiting: &Waiting,
    store: &Arc<OnceCell<Store>>,
    counters: &Arc<Counters>,
    ends: Ends,
) -> Ready {
    let (waiting, store, counters) = (waiting.clone(), Arc::clone(store), Arc::clone(counters));
    Arc::new(move || {
        let (waiting, store, ends) = (waiting.clone(), Arc::clone(&store), ends.clone());
        let refused = counters.refused.load(Ordering::Relaxed) > 0;
        Box::pin(async move {
            waiting.said()?;
            if refused {
                return Err("Kafka: the topic is not fit, the log says why".to_owned());
            }
            let store = store.get().ok_or("its start")?;
            let sql = Sql::new("SELECT 1 AS one");
            let answered = timeout(ANSWER_MAX, store.query::<serde_json::Value>(&sql)).await;
            let answered = answered.map_err(|_elapsed| "ClickHouse does not answer")?;
            answered.map_err(|error| format!("ClickHouse: {error}"))?;
            let known = timeout(ANSWER_MAX, ends.now()).await;
            let known = known.map_err(|_elapsed| "Kafka: no broker answers")?;
            if known.map_err(|error| format!("Kafka: {error}"))?.is_empty() {
                Err("Kafka: the topic has no partitions".to_owned())
            } else {
                Ok(())
            }
        })
    })
}
