//! Faults of the separate services, over a real Kafka and a real ClickHouse: whatever is killed,
//! frozen or away, each whole answer of the client has its record, once.
//!
//! - [`way`]: everything works
//! - [`gateways`]: gateways killed under load
//! - [`metering`]: metering killed between the steps of an insert, and in the middle of one
//! - [`engine`]: ClickHouse killed in the middle of inserts
//! - [`broker`]: the broker killed under load
//! - [`coming`]: members that come and go
//! - [`outages`]: broker and ClickHouse away for long, both; full spools; more partitions
//! - [`replay`]: the topic read again by another group
//! - [`dead_gateway`]: an hour closed while a gateway is dead, which comes back
//! - [`poison`]: what nobody should have written into the topic
//! - [`frozen`]: a metering process that stands still while others take over, and wakes up

mod broker;
mod coming;
mod dead_gateway;
mod engine;
mod frozen;
mod gateways;
mod metering;
mod outages;
mod poison;
mod replay;
mod way;

use std::path::Path;

use tests::backend::Backend;
use tests::cluster::{Cluster, Parts};

use crate::EXE;

/// Batches this short make an insert begin as soon as the last one has ended.
const SHORT_BATCHES: &str = "batch_wait: 5ms";

/// A cluster with a backend of its own; `metering` is appended to the section `metering:`.
fn cluster(metering: &str) -> Cluster {
    let backend = Backend::start().addr;
    let exe = Path::new(EXE);
    Cluster::start(Parts { exe, backend, metering, more: "", env: &[], gated: false })
}
