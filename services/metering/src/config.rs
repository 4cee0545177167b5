//! The sections `metering:` and `close:` of tollgate.yaml, and what the program adds to them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use record::Time;
use settings::{ByteSize, Value};

/// Rows that go into one insert at most: what [`BATCH_BYTES`] of usual records are. Larger blocks
/// cost memory and gain little.
const BATCH_ROWS: u64 = 100_000;

/// The most rows of one insert that are accepted: an insert must become one part, and the server
/// cuts it at about a million.
const BATCH_ROWS_MAX: u64 = 500_000;

/// Bytes of messages that are held in memory until they are stored, per partition; of all
/// partitions together, four times as many.
const BATCH_BYTES: ByteSize = ByteSize(64 << 20);

/// How long the first record waits for more. Half of it, and a few records each make a part of
/// their own; twice, and a person sees the delay. A partition that is behind waits longer (see
/// `intake::partition`).
const BATCH_WAIT: Duration = Duration::from_millis(150);

/// How long an hour waits for silent streams, from its end: bills typically stand within 30
/// minutes.
const DEADLINE: Duration = Duration::from_secs(25 * 60);

/// How long gateways may take, after a topic is reachable again, to ship what waits in their spools,
/// before an hour whose deadline has passed is closed without it.
const GRACE: Duration = Duration::from_secs(60);

/// How long one look waits for sources. Longer, and the gauge of overdue hours would be stale.
const CATCH_UP: Duration = Duration::from_secs(30);

/// Between two looks at the hour that is to be closed. A look costs a few queries.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where health and metrics are when nothing is said.
const METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9089);

/// What metering and closing are told.
#[derive(Clone)]
pub struct Config {
    /// The most rows of one insert.
    pub batch_rows: u64,
    /// The most bytes of messages held until they are stored, per partition; of all partitions
    /// together at most four times as many.
    pub batch_bytes: u64,
    /// How long the first record waits for more.
    pub batch_wait: Duration,
    /// How long an hour waits for silent streams, from its end.
    pub deadline: Duration,
    /// How long, after a start or an absence of the topic, gateways may take to ship what waits.
    pub grace: Duration,
    /// How long sources may take, in one look, to be consumed to where they ended when an hour could
    /// first be closed; the next look goes on waiting for the same.
    pub catch_up: Duration,
    /// Between two looks at the hour that is to be closed.
    pub look_every: Duration,
    /// What this machine's clock shows. It alone decides nothing that harms: where it differs from
    /// the store's, no hour is closed too early and no record is taken for untimely.
    pub machine: Clock,
    /// Address of health and metrics, when metering is a service of its own.
    pub metrics: SocketAddr,
    /// How long records stay from when they were stored, at least; for ever without it.
    pub retention: Option<Duration>,
    /// Numbers of dead letters may be stored after all, and what is still dead is not put down
    /// again: for retries.
    pub revive: bool,
    /// Who this process is, for those who look at claims: a host, a process.
    pub owner: String,
    /// Called between every two steps that a crash may come between. For tests.
    pub on_step: Option<OnStep>,
}

/// A clock, as a parameter: tests bring their own.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// See [`Config::on_step`].
pub type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

/// A place between two effects. Whatever ends the process there, nothing is lost or doubled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// A batch is judged; nothing of it is written.
    BeforeInsert,
    /// Its dead letters are written, its records are not.
    BetweenInserts,
    /// All of it is written, and not acknowledged.
    AfterInsert,
    /// It is acknowledged.
    AfterAck,
    /// The hour is found due; there is no cut.
    BeforeCut,
    /// The cut stands.
    AfterCut,
    /// The bills are made; none of them is written.
    BeforeBills,
    /// Some bills are written, or all.
    AfterBills,
    /// The proof is made; the closing row is not written.
    BeforeClosing,
    /// The hour is closed.
    AfterClosing,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            batch_rows: BATCH_ROWS,
            batch_bytes: BATCH_BYTES.0,
            batch_wait: BATCH_WAIT,
            deadline: DEADLINE,
            grace: GRACE,
            catch_up: CATCH_UP,
            look_every: LOOK_EVERY,
            machine: Arc::new(machine),
            metrics: METRICS,
            retention: None,
            revive: false,
            owner: "metering".to_owned(),
            on_step: None,
        }
    }
}

impl Config {
    /// Reads both sections; each may be absent. Mistakes go to the sink of the values.
    pub fn read(metering: Option<&Value<'_>>, close: Option<&Value<'_>>) -> Option<Self> {
        let mut config = Self::default();
        if let Some(value) = metering {
            let fields = value.fields()?;
            config.batch_rows = fields.get_or("batch_rows", config.batch_rows);
            config.batch_bytes = fields.get_or("batch_bytes", BATCH_BYTES).0;
            config.batch_wait = fields.get_or("batch_wait", config.batch_wait);
            config.metrics = fields.get_or("metrics", config.metrics);
            if !(1..=BATCH_ROWS_MAX).contains(&config.batch_rows) {
                value.mistake(format!("`batch_rows` is from 1 to {BATCH_ROWS_MAX}"));
            }
            if config.batch_bytes == 0 {
                value.mistake("`batch_bytes` is at least 1");
            }
            fields.close();
        }
        if let Some(value) = close {
            let fields = value.fields()?;
            config.deadline = fields.get_or("deadline", config.deadline);
            config.grace = fields.get_or("grace", config.grace);
            fields.close();
        }
        Some(config)
    }

    /// Tells the hook.
    pub(crate) fn step(&self, step: Step) {
        if let Some(on_step) = &self.on_step {
            on_step(step);
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("batch_rows", &self.batch_rows)
            .field("batch_bytes", &self.batch_bytes)
            .field("batch_wait", &self.batch_wait)
            .field("deadline", &self.deadline)
            .field("grace", &self.grace)
            .field("metrics", &self.metrics)
            .field("look_every", &self.look_every)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

// === impl Step ===

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::BeforeInsert,
        Self::BetweenInserts,
        Self::AfterInsert,
        Self::AfterAck,
        Self::BeforeCut,
        Self::AfterCut,
        Self::BeforeBills,
        Self::AfterBills,
        Self::BeforeClosing,
        Self::AfterClosing,
    ];

    /// `after-cut` and so on.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeInsert => "before-insert",
            Self::BetweenInserts => "between-inserts",
            Self::AfterInsert => "after-insert",
            Self::AfterAck => "after-ack",
            Self::BeforeCut => "before-cut",
            Self::AfterCut => "after-cut",
            Self::BeforeBills => "before-bills",
            Self::AfterBills => "after-bills",
            Self::BeforeClosing => "before-closing",
            Self::AfterClosing => "after-closing",
        }
    }

    /// The other way.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }
}

fn machine() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use settings::{Document, Sink};

    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let sink = Sink::new();
        let config = Document::parse("t.yaml", text, &sink).and_then(|document| {
            let fields = document.root(&sink).fields()?;
            let (metering, close) = (fields.optional("metering"), fields.optional("close"));
            fields.close();
            Config::read(metering.as_ref(), close.as_ref())
        });
        sink.finish(config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn absent_sections_are_the_defaults() {
        let config = read("{}").expect("defaults");
        assert_eq!((config.batch_rows, config.deadline.as_secs()), (100_000, 1500));
    }

    #[test]
    fn every_mistake_is_reported() {
        let text = "metering:\n  batch_rows: 0\n  batch_wait: soon\nclose:\n  dead_line: 1m";
        let mistakes = read(text).expect_err("mistakes");
        for part in ["batch_rows", "metering.batch_wait", "close.dead_line: unknown key"] {
            assert!(mistakes.contains(part), "{part}: {mistakes}");
        }
        let config = read("metering:\n  batch_rows: 10\nclose:\n  deadline: 1m").expect("good");
        assert_eq!((config.batch_rows, config.deadline.as_secs()), (10, 60));
    }

    #[test]
    fn a_step_is_read_back_from_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::parse(step.as_str()), Some(step));
        }
        assert_eq!(Step::parse("never"), None);
    }
}
