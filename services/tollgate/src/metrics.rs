//! The numbers of gateways and metering, shown beside those of the API.
//!
//! Each of them counts for itself; here they are only read, when somebody asks.

use std::sync::Arc;

use metering::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// A registry that shows the counters of all workers, summed, and those of metering.
pub(crate) fn registry(
    workers: Vec<Arc<gateway::metrics::Counters>>,
    metering: Arc<Counters>,
) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process { workers, metering }));
    registry
}

#[derive(Debug)]
struct Process {
    workers: Vec<Arc<gateway::metrics::Counters>>,
    metering: Arc<Counters>,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, kind, value) in gateway::metrics::Counters::snapshot(&self.workers) {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            one(&mut encoder, name, help, kind == gateway::metrics::Kind::Gauge, value)?;
        }
        for metric in self.metering.metrics() {
            one(&mut encoder, metric.name, metric.help, metric.gauge, metric.value)?;
        }
        Ok(())
    }
}

fn one(
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
