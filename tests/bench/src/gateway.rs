//! What a request costs the gateway, against nginx and HAProxy in its place.
//!
//! One core for the proxy with all its helpers, the other for load and backend: 64 connections that
//! stay open, responses of 64 bytes, a route among 100 APIs, a record for each request in the spool
//! (`durability: process`). What varies, each row says.

mod backend;
mod bodies;
mod fixed;
mod idle;
mod latency;
pub(crate) mod load;
mod requests;
mod shipping;
mod wire;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::Common;
use crate::peers::{Kind, Setup, Side};
use crate::product;
use crate::report::{Report, Row, turns};
pub(crate) use backend::Backend;

/// APIs of the service, where nothing else is said.
const APIS: u32 = 100;

/// `bench gateway`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Another build of the program, to compare with: one more row
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// These rows alone
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<What>,
}

/// Rows that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Against nginx with a log
    Log,
    /// With a key pair's HMAC on every request
    Hmac,
    /// With HMAC and shipping to Kafka
    Kafka,
    /// Against HAProxy without any log
    Haproxy,
    /// 10,000 APIs against 10
    Apis,
    /// Two workers against one
    Workers,
    /// At half of nginx's own maximum
    Latency,
    /// 100 KiB and 10 MiB, up and down
    Bodies,
    /// 10,000 idle connections
    Idle,
}

/// What all rows need.
struct Bench<'a> {
    ours: Kind,
    against: Option<Kind>,
    backend: Backend,
    common: &'a Common,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let mut report = Report::new("gateway");
    report.about(format!(
        "{} connections that stay open, responses of 64 bytes, a route among {APIS} APIs, one core \
         for the proxy; {} rounds of {} s.",
        load::OPEN,
        common.rounds,
        common.seconds
    ));
    let bench = Bench {
        ours: Kind::Ours(product::find(common)?),
        against: options.against.as_deref().map(product::at).transpose()?.map(Kind::Ours),
        backend: Backend::start()?,
        common,
    };
    report.version(bench.ours.version());
    let all = What::value_variants();
    let chosen = if options.only.is_empty() { all } else { &options.only };
    for what in chosen {
        eprintln!("gateway: {what:?}");
        match what {
            What::Log => requests::log(&bench, &mut report)?,
            What::Hmac => requests::hmac(&bench, &mut report)?,
            What::Kafka => shipping::rows(&bench, &mut report)?,
            What::Haproxy => requests::haproxy(&bench, &mut report)?,
            What::Apis => requests::apis(&bench, &mut report)?,
            What::Workers => requests::workers(&bench, &mut report)?,
            What::Latency => latency::rows(&bench, &mut report)?,
            What::Bodies => bodies::rows(&bench, &mut report)?,
            What::Idle => idle::rows(&bench, &mut report)?,
        }
    }
    Ok(report)
}

// === impl Bench ===

impl Bench<'_> {
    /// What is served where nothing else is said.
    fn setup(&self) -> Setup {
        let backend = self.backend.address;
        Setup { backend, apis: APIS, workers: 1, hmac: false, kafka: None }
    }

    /// Ours, and a peer in its place where that can be started; otherwise why it can not.
    fn beside<'a>(
        &'a self,
        peer: &'a Kind,
        setup: &Setup,
        report: &mut Report,
    ) -> (Vec<(&'a Kind, Setup)>, Option<String>) {
        let absent = peer.missing(setup);
        let mut sides = vec![(&self.ours, setup.clone())];
        if absent.is_none() {
            report.version(peer.version());
            sides.push((peer, setup.clone()));
        }
        (sides, absent)
    }

    /// Ours and a peer in turns: each is started anew for its turn, and ends with it.
    fn in_turns<T>(
        &self,
        sides: &[(&Kind, Setup)],
        mut turn: impl FnMut(usize, &Side) -> Result<T>,
    ) -> Result<Vec<Vec<T>>> {
        turns(self.common.rounds, sides.len(), |number| {
            let (kind, setup) = &sides[number];
            turn(number, &Side::start(kind, setup)?)
        })
    }
}

/// Figures of [`Bench::beside`]'s sides, in their order, in one row.
fn compared(row: Row, figures: &[Vec<f64>], peer: &str, absent: Option<&str>) -> Row {
    match figures {
        [ours, theirs] => row.paired(ours, peer, theirs),
        others => row.ours(&others[0]).note(absent.unwrap_or_default()),
    }
}

/// What every row of the part says when something is not installed.
fn missing(report: &mut Report, name: &str, unit: &'static str, text: &str) {
    report.row(Row::new(name, unit).note(text));
}
