//! From the moment a client has its response whole to the moment the row is visible to a query.
//!
//! - Requests come at a fixed rate over kept connections; the gateway answers them by itself.
//! - A watcher asks the store, again and again, up to which number each stream is visible; rows of
//!   a stream become visible in order. A row's moment is the end of the first such query that
//!   covers it, so a figure is too great by up to one query and one pause, never too small.
//! - Embedded: `tollgate up`. Kafka: gateway and metering are processes of their own, with a broker
//!   between them. Both at the product's defaults.

mod load;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use broker::Broker;
use clap::Args;

use crate::Common;
use crate::product;
use crate::report::{Bound, Report, Row};
use crate::stage::{Program, Stage, rank};
use load::Answered;
use watch::Watch;

/// How long rows may take after the last response.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// `bench latency`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Requests per second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// For how long, seconds; the first fifth does not count
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    duration: u32,
}

/// How the records travel.
#[derive(Debug, Clone, Copy)]
enum Way {
    Embedded,
    Kafka,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let program = product::find(common)?;
    let (rate, seconds) = if common.smoke { (200, 2) } else { (options.rate, options.duration) };
    let mut report = Report::new("latency");
    report.about(format!("{rate} requests/s for {seconds} s, over {} connections.", load::OPEN));
    for (way, name) in [(Way::Embedded, "embedded"), (Way::Kafka, "through Kafka")] {
        let times = measure(way, &program, rate, seconds)?;
        report.row(
            Row::new(format!("response sent to row visible, {name}, p99"), "s")
                .ours(&[rank(&times, 990)])
                .must(Bound::OursAtMost(2.0))
                .aim(Bound::OursAtMost(1.0))
                .note(format!(
                    "p50 {:.3}, most {:.3}; {} responses",
                    rank(&times, 500),
                    rank(&times, 1000),
                    times.len()
                )),
        );
    }
    Ok(report)
}

/// Seconds, of each response.
fn measure(way: Way, program: &Path, rate: u32, seconds: u32) -> Result<Vec<f64>> {
    let stage = Stage::start()?;
    let broker = match way {
        Way::Embedded => None,
        Way::Kafka => Some(Broker::try_start()?),
    };
    let start = |role: &str| {
        let text = configuration(&stage, broker.as_ref().map(Broker::addr));
        Program::start(program, stage.folder().join(role), role, &text)
    };
    let processes = match way {
        Way::Embedded => vec![start("up")?],
        Way::Kafka => vec![start("gateway")?, start("metering")?],
    };
    let gateway = processes.first().context("a gateway")?.word("/gateways/0")?.parse()?;
    let watch = Watch::start(&stage)?;
    let answered = load::run(gateway, rate, Duration::from_secs(seconds.into()))?;
    ensure!(!answered.is_empty(), "no request was answered");
    let places = watch::places(&stage, answered.len(), Instant::now() + SETTLE_MAX)?;
    let looks = watch.stop()?;
    let mut times = Vec::new();
    // Connections, caches and the group settle at first.
    for Answered { req_id, at } in answered.iter().skip(answered.len() / 5) {
        let place = places.get(req_id).with_context(|| format!("{req_id} has no row"))?;
        let visible = looks.visible(place).with_context(|| format!("{req_id} was not seen"))?;
        times.push(visible.saturating_duration_since(*at).as_secs_f64());
    }
    Ok(times)
}

fn configuration(stage: &Stage, broker: Option<&str>) -> String {
    let kafka = broker.map(|addr| format!("kafka: {{brokers: [\"{addr}\"]}}\n"));
    format!(
        "data: data\n\
         gateway:\n\
        \x20 name: bench\n\
        \x20 region: ap-guangzhou\n\
        \x20 listen: 127.0.0.1:0\n\
        \x20 metrics: 127.0.0.1:0\n\
        \x20 operator_account: \"1250000000\"\n\
         metering: {{metrics: \"127.0.0.1:0\"}}\n\
         query: {{listen: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}}\n\
         prices: {{books: [\"bundled:published\"]}}\n\
         services:\n\
        \x20 - id: service-bench\n\
        \x20   account: \"1250000001\"\n\
        \x20   hosts: [{}]\n\
        \x20   environments: [release]\n\
        \x20   apis:\n\
        \x20     - {{id: api-bench, path: /, auth: none, backend: {{mock: {{}}}}}}\n\
         {}{}",
        load::HOST,
        kafka.unwrap_or_default(),
        stage.store_section()
    )
}
