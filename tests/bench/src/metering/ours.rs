//! Ours over Kafka: the service, in this process.

use std::sync::Arc;

use anyhow::{Context, Result};
use bus::kafka;
use metering::{Config, Counters, Service};
use settings::{Document, Reference, Resolve, Sink};
use tokio::sync::oneshot;

use super::topic::Topic;
use super::{Turn, Watch, check};
use crate::stage::{Stage, now, prices};

/// Of a record, bytes: the gateway's own limit.
const RECORD_MAX: u32 = 16 << 10;

struct NoSecrets;

impl Resolve for NoSecrets {
    fn resolve(&self, _: Reference<'_>) -> Result<String, String> {
        Err("there are none".to_owned())
    }
}

pub(super) fn turn(stage: &Stage, topic: &Topic, rows: u64, number: u32) -> Result<Turn> {
    stage.empty(&["records", "claims", "gaps"])?;
    let service = Service {
        store: stage.store.clone(),
        config: Config::default(),
        counters: Arc::new(Counters::default()),
        prices: Some(prices()?),
        clock: Arc::new(now),
        kafka: consumer(topic, number)?,
    };
    let watch = Watch::begin(stage, "records", rows)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let running = stage.runtime.spawn(service.run(async { drop(stopped.await) }));
    let turn = watch.end(|| running.is_finished().then(|| "metering ended".to_owned()));
    drop(stop);
    stage.runtime.block_on(running).context("metering panicked")??;
    let turn = turn?;
    check(stage, "records", rows)?;
    Ok(turn)
}

/// As the configuration of a service would say it.
fn consumer(topic: &Topic, number: u32) -> Result<kafka::Config> {
    let text =
        format!("brokers: [\"{}\"]\ntopic: {}\ngroup: bench-{number}", topic.addr(), Topic::NAME);
    let sink = Sink::new();
    let config = Document::parse("kafka", &text, &sink)
        .and_then(|document| kafka::read(&document.root(&sink), RECORD_MAX, &NoSecrets));
    sink.finish(config).map_err(|mistakes| anyhow::anyhow!("{mistakes}"))
}
