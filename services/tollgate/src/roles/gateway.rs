//! `tollgate gateway`: the proxy, its spool, and the way to Kafka. It knows no ClickHouse, and needs
//! no broker to serve: what it can not ship waits in the spool.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use bus::kafka::Shipper;
use query::{Ready, monitor};
use serde_json::json;
use tokio::sync::oneshot;

use super::{NEEDS_KAFKA, listen, ready};
use crate::Hooks;
use crate::commands::Signals;
use crate::config::Config;
use crate::metrics::{self, Shipping};
use crate::output::say;
use crate::process::now;
use crate::reload::{Follower, Reloads};
use crate::running::Running;

const ROLE: &str = "gateway";

/// What is spooled is safe, and is shipped after the next start.
const SHIPPER_ENDED: &str = "the shipper ended by itself: report the log, and start again";

/// How long requests may take to finish at the end.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long what they wrote may take to Kafka after that. The rest waits in the spool.
const SHIP_MAX: Duration = Duration::from_secs(5);

/// Says for a gateway that does not run any more that it retires, and ships all that its spool
/// holds. No hour waits for it then.
pub(crate) async fn retire(config: Config, hooks: Hooks) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let kafka = config.kafka.clone().context(NEEDS_KAFKA)?;
    let clock = hooks.clock.unwrap_or_else(|| Arc::new(now));
    let spool = spool::open(&config.spool, u64::try_from(clock().0).unwrap_or_default())?;
    let (streams, reader) = gateway::Streams::part(spool, config.spool.when_full);
    gateway::retire(&config.gateway, streams, || clock())?;
    let shipper = Shipper::start(&kafka, reader).context("the shipper could not be started")?;
    tracing::info!(gateway = config.gateway.name, "shipping the last of its records");
    tokio::select! {
        all = shipper.caught_up() => ensure!(all, SHIPPER_ENDED),
        () = asked.wait() => {
            return Err(anyhow!("not everything is shipped: run it again to ship the rest"));
        }
    }
    shipper.stop(SHIP_MAX).await;
    say!("Gateway {} has retired; its spool is empty.", config.gateway.name)?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal; then finishes what is in flight, and ships what it can.
pub(crate) async fn run(config: Config, hooks: Hooks) -> anyhow::Result<ExitCode> {
    let mut asked = Signals::new()?;
    let kafka = config.kafka.clone().context(NEEDS_KAFKA)?;
    let clock = hooks.clock.unwrap_or_else(|| Arc::new(now));
    let metrics = listen(config.gateway.metrics, "gateway.metrics").await?;
    let metrics_at = metrics.local_addr()?.to_string();
    let epoch = u64::try_from(clock().0).unwrap_or_default();
    let spool = spool::open(&config.spool, epoch)?;
    let (streams, reader) = gateway::Streams::part(spool, config.spool.when_full);
    let shipper = Shipper::start(&kafka, reader).context("the shipper could not be started")?;
    let reloads = Reloads::new(&config)?;
    let gateway =
        gateway::Gateway::new(config.gateway.clone(), Arc::clone(&config.policy), streams)
            .with_clock(move || clock());
    // It waits for its threads, and for the first look-up of names.
    let mut running = tokio::task::spawn_blocking(move || gateway.launch())
        .await
        .context("the start of the gateway panicked")??;

    let mut registry = metrics::of_gateway(running.counters());
    registry.register_collector(Box::new(Shipping(shipper.state())));
    registry.register_collector(Box::new(reloads.clone()));
    let follower = Follower::new(config.source.clone(), reloads)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let health = running.health();
    let is_ready: Ready = Arc::new(move || {
        let health = health.clone();
        Box::pin(async move { health.ready().map_err(|unready| unready.to_string()) })
    });
    let shown = tokio::spawn(monitor(metrics, registry, is_ready, async { drop(stopped.await) }));
    let said = json!({ "gateways": [running.addr().to_string()], "metrics": metrics_at });
    ready(&config, ROLE, &said)?;
    tracing::info!(address = %running.addr(), metrics = metrics_at, "gateway serves");

    let reloader = running.reloader();
    let follow = follower.run(move |policy| reloader.reload(policy));
    let failed = tokio::select! {
        () = running.failed() => Some("a worker ended by itself: report the log"),
        () = shipper.ended() => Some(SHIPPER_ENDED),
        () = follow => None,
        () = asked.wait() => None,
    };
    tracing::info!("ending");
    Running::remove_role(&config.data, ROLE);
    let end = async {
        running.stop(DRAIN_MAX).await;
        if !shipper.stop(SHIP_MAX).await {
            tracing::warn!("not everything is shipped; the rest waits in the spool");
        }
        drop(stop);
        shown.await.ok();
    };
    tokio::select! {
        () = end => {}
        () = asked.wait() => {}
    }
    match failed {
        Some(why) => Err(anyhow!(why)),
        None => Ok(ExitCode::SUCCESS),
    }
}
