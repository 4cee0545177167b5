//! Our gateway, as a service of its own: `tollgate gateway`.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{HOST, Setup};
use crate::process::{PROXY_CORE, Process};

/// Nobody listens there: records stay in the spool.
const NOWHERE: &str = "127.0.0.1:1";

#[derive(Deserialize)]
struct Running {
    gateways: Vec<SocketAddr>,
}

pub(super) fn start(
    program: &Path,
    setup: &Setup,
    folder: &Path,
) -> Result<(SocketAddr, Vec<Process>)> {
    fs::write(folder.join("tollgate.yaml"), configuration(setup))?;
    let mut process = Process::start(program, &["gateway"], folder, PROXY_CORE)?;
    let running = folder.join("data/running-gateway.json");
    let text = process.wait_for(|| fs::read(&running).ok())?;
    let running: Running = serde_json::from_slice(&text)?;
    let address = running.gateways.first().copied().context("the gateway says no address")?;
    Ok((address, vec![process]))
}

/// Of a gateway with this service, whole.
pub(crate) fn configuration(setup: &Setup) -> String {
    let Setup { backend, apis, workers, hmac, kafka } = setup;
    let (broker, topic) =
        kafka.as_ref().map_or((NOWHERE, "records"), |(broker, topic)| (broker, topic));
    let mut text = format!(
        "data: data\n\
         gateway:\n\
        \x20 name: bench\n\
        \x20 region: ap-guangzhou\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 metrics: 127.0.0.1:0\n\
        \x20 workers: {workers}\n\
        \x20 operator_account: \"1250000000\"\n\
        \x20 limits: {{connections: 20000}}\n\
         spool: {{size: 8GiB}}\n\
         kafka: {{brokers: [\"{broker}\"], topic: {topic}}}\n\
         prices: {{books: [\"bundled:published\"]}}\n\
         keys:\n\
        \x20 - {{secret_id: AKIDbench, secret: \"bench secret\", account: \"1250000003\", \
             services: [service-bench]}}\n\
         services:\n\
        \x20 - id: service-bench\n\
        \x20   account: \"1250000001\"\n\
        \x20   hosts: [{HOST}]\n\
        \x20   environments: [release]\n\
        \x20   apis:\n"
    );
    let auth = if *hmac { "key-pair" } else { "none" };
    for number in 0..*apis {
        // Writing to a text does not fail.
        writeln!(
            text,
            "\x20     - {{id: api-{number}, path: /api-{number}/, auth: {auth}, \
             backend: {{url: \"http://{backend}/\", net: private}}}}"
        )
        .expect("a text");
    }
    text
}
