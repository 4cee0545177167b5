//! With HMAC and shipping to Kafka, against nginx and rsyslog to the same broker: CPU of both.
//!
//! The load ends, then everything has to arrive in the topic, and only then the CPU is read: who
//! falls behind pays for it all the same. Each turn has a topic of its own.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use broker::Broker;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{Bench, compared, load, missing};
use crate::peers::{Kind, Setup, Side};
use crate::process::LOAD_CORE;
use crate::report::{Bound, Report, Row};

const NAME: &str = "JSON log and rsyslog to Kafka; ours: HMAC (sha1), record, shipped";
const UNIT: &str = "µs CPU/request";
/// Before a turn counts, seconds.
const WARM: u32 = 1;
/// Of each topic.
const PARTITIONS: i32 = 4;
/// No answer of the broker takes longer.
const ASK_MAX: Duration = Duration::from_secs(30);
/// Nor does what waits take longer to arrive.
const ARRIVE_MAX: Duration = Duration::from_secs(180);
/// Between two looks at the topic.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    if let Some(text) = load::missing() {
        missing(report, NAME, UNIT, &text);
        return Ok(());
    }
    let broker = match Broker::try_start() {
        Ok(broker) => broker,
        Err(error) => {
            missing(report, NAME, UNIT, &format!("a broker is missing: {error}"));
            return Ok(());
        }
    };
    report.version(format!("Kafka {}", broker::VERSION));
    aside(&broker)?;
    let setup = |topic: &str| {
        let kafka = Some((broker.addr().to_owned(), topic.to_owned()));
        Setup { hmac: true, kafka, ..bench.setup() }
    };
    let absent = Kind::Nginx.missing(&setup("none"));
    let mut sides = vec![&bench.ours];
    if absent.is_none() {
        report.version(Kind::Nginx.version());
        report.version(crate::peers::rsyslog_version());
        sides.push(&Kind::Nginx);
    }
    let mut number = 0;
    let turns = crate::report::turns(bench.common.rounds, sides.len(), |side| {
        number += 1;
        let topic = Topic::make(broker.addr(), format!("bench-{number}"))?;
        turn(&Side::start(sides[side], &setup(&topic.name))?, &topic, bench.common.seconds)
    })?;
    let row = compared(Row::new(NAME, UNIT), &turns, "nginx + rsyslog", absent.as_deref());
    report.row(row.must(Bound::RatioAtMost(0.8)).aim(Bound::RatioAtMost(0.6)));
    Ok(())
}

/// Microseconds of CPU per request, until all have arrived.
fn turn(side: &Side, topic: &Topic, seconds: u32) -> Result<f64> {
    let request = load::Request::small(true);
    let warm = load::run(side.address, WARM, &request)?;
    topic.arrived(warm.requests)?;
    let before = side.cpu_ns()?;
    let done = load::run(side.address, seconds, &request)?;
    ensure!(done.failed == 0, "{} of {} answers were not 200", done.failed, done.requests);
    topic.arrived(warm.requests + done.requests)?;
    let used = side.cpu_ns()?.saturating_sub(before) as f64;
    Ok(used / 1000.0 / done.requests.max(1) as f64)
}

/// The broker belongs to the load.
fn aside(broker: &Broker) -> Result<()> {
    let Some(id) = broker.pid().filter(|_| broker.is_ours()) else { return Ok(()) };
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > LOAD_CORE) {
        let (core, id) = (LOAD_CORE.to_string(), id.to_string());
        let done = Command::new("taskset").args(["-a", "-c", "-p", &core, &id]).output()?;
        ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

struct Topic {
    name: String,
    client: BaseConsumer,
}

// === impl Topic ===

impl Topic {
    fn make(broker: &str, name: String) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker).set("group.id", "bench");
        let admin: AdminClient<DefaultClientContext> = config.create()?;
        let topic = NewTopic::new(&name, PARTITIONS, TopicReplication::Fixed(1))
            .set("message.timestamp.type", "LogAppendTime");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = AdminOptions::new().operation_timeout(Some(ASK_MAX));
        let made = runtime.block_on(admin.create_topics([&topic], &options))?;
        for made in made {
            made.map_err(|(name, code)| {
                anyhow::anyhow!("the topic {name} can not be made: {code}")
            })?;
        }
        Ok(Self { name, client: config.create()? })
    }

    /// Waits until so many messages are in it.
    fn arrived(&self, wanted: u64) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut there = 0;
            for partition in 0..PARTITIONS {
                let ends = self.client.fetch_watermarks(&self.name, partition, ASK_MAX);
                there += ends.context("the broker does not answer")?.1;
            }
            if u64::try_from(there).is_ok_and(|there| there >= wanted) {
                return Ok(());
            }
            let late = began.elapsed() > ARRIVE_MAX;
            ensure!(!late, "only {there} of {wanted} records arrived in the topic");
            std::thread::park_timeout(LOOK);
        }
    }
}
