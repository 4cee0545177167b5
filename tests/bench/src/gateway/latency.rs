//! Latency at half of what nginx manages at most, against nginx.

use anyhow::Result;

use super::fixed::{self, Latencies};
use super::{Bench, compared, load, missing, requests};
use crate::peers::{Kind, Side};
use crate::report::{Bound, Report, Row};

const UNIT: &str = "µs";
/// What is shown, as shares.
const SHARES: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];
/// Before a turn counts, seconds.
const WARM: u32 = 1;

pub(super) fn rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    if let Some(text) = load::missing() {
        missing(report, "p99", UNIT, &text);
        return Ok(());
    }
    let (sides, absent) = bench.beside(&Kind::Nginx, &bench.setup(), report);
    let request = load::Request::small(false);
    // The last side is the peer, or ours where there is none.
    let (kind, setup) = &sides[sides.len() - 1];
    let seconds = bench.common.seconds;
    let most = requests::turn(&Side::start(kind, setup)?, seconds, &request)?.rate;
    let rate = (most / 2.0).round();
    let turns = bench.in_turns(&sides, |_, side| {
        fixed::run(side.address, rate, WARM, &request)?;
        fixed::run(side.address, rate, seconds, &request)
    })?;
    for (share, name) in SHARES {
        let of = |side: &Vec<Latencies>| side.iter().map(|done| done.at(share)).collect();
        let figures: Vec<Vec<f64>> = turns.iter().map(of).collect();
        let row = Row::new(format!("{name} at {rate} requests/s"), UNIT);
        let row = compared(row, &figures, "nginx", absent.as_deref());
        report.row(if share == 0.99 { row.must(Bound::RatioAtMost(1.0)) } else { row });
    }
    Ok(())
}
