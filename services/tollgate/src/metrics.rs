//! The numbers of gateways and metering, shown beside those of the API.
//!
//! Each of them counts for itself; here they are only read, when somebody asks.

use std::sync::Arc;

use bus::kafka::ShipperState;
use metering::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

/// A registry that shows the counters of all workers, summed, and those of metering.
pub(crate) fn registry(
    workers: Vec<Arc<gateway::metrics::Counters>>,
    metering: Arc<Counters>,
) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process { workers, metering: Some(metering) }));
    registry
}

/// Those of a gateway alone.
pub(crate) fn of_gateway(workers: Vec<Arc<gateway::metrics::Counters>>) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process { workers, metering: None }));
    registry
}

/// Those of metering alone.
pub(crate) fn of_metering(metering: Arc<Counters>) -> Registry {
    let mut registry = Registry::default();
    let metering = Some(metering);
    registry.register_collector(Box::new(Process { workers: Vec::new(), metering }));
    registry
}

/// How far a gateway's records are on their way to Kafka.
#[derive(Debug)]
pub(crate) struct Shipping(pub(crate) watch::Receiver<ShipperState>);

impl Collector for Shipping {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let state = self.0.borrow().clone();
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let away = state.broker_away_since.map_or(0, |since| since.elapsed().as_secs());
        let lines = [
            ("shipper_shipped_total", "Records that Kafka has confirmed", false, state.shipped),
            (
                "shipper_refused_total",
                "Records that the broker refused for good; kept in the spool. Alarm",
                false,
                state.refused,
            ),
            ("shipper_waiting_bytes", "Bytes that wait to be shipped", true, state.waiting_bytes),
            (
                "shipper_broker_away_seconds",
                "How long no broker confirms anything; alarm when it lasts",
                true,
                away,
            ),
            (
                "shipper_topic_refused",
                "1 while the topic is not fit for records. Alarm",
                true,
                u64::from(state.topic_refused.is_some()),
            ),
        ];
        for (name, help, gauge, value) in lines {
            one(&mut encoder, name, help, gauge, number(value))?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Process {
    workers: Vec<Arc<gateway::metrics::Counters>>,
    metering: Option<Arc<Counters>>,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let workers = match self.workers.as_slice() {
            [] => Vec::new(),
            workers => gateway::metrics::Counters::snapshot(workers),
        };
        for (name, help, kind, value) in workers {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            one(&mut encoder, name, help, kind == gateway::metrics::Kind::Gauge, value)?;
        }
        for metric in self.metering.iter().flat_map(|metering| metering.metrics()) {
            one(&mut encoder, metric.name, metric.help, metric.gauge, metric.value)?;
        }
        Ok(())
    }
}

/// One number for Prometheus.
pub(crate) fn one(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    gauge: bool,
    value: i64,
) -> Result<(), std::fmt::Error> {
    if gauge {
        let gauge = ConstGauge::new(value);
        return gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?);
    }
    // The encoder appends `_total` itself.
    let name = name.strip_suffix("_total").unwrap_or(name);
    let counter = ConstCounter::new(u64::try_from(value).unwrap_or_default());
    counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
}
