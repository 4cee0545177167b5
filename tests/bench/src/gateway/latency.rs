//! Latency at half of what nginx manages at most, against nginx.

use anyhow::Result;

use super::fixed::{self, Latencies};
use super::{Bench, load, missing, requests};
use crate::peers::{Kind, Side};
use crate::report::{Bound, Report, Row};

const UNIT: &str = "µs";
/// What is shown, as shares.
const SHARES: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];
/// Before a turn counts, seconds.
const WARM: u32 = 1;

pub(super) fn rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let setup = bench.setup();
    let absent = Kind::Nginx.missing(&setup);
    if let Some(text) = load::missing() {
        missing(report, "p99", UNIT, &text);
        return Ok(());
    }
    let mut sides = vec![(&bench.ours, setup.clone())];
    if absent.is_none() {
        report.version(Kind::Nginx.version());
        sides.push((&Kind::Nginx, setup));
    }
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
        let of = |side: &[Latencies]| side.iter().map(|done| done.at(share)).collect::<Vec<f64>>();
        let name = format!("{name} at {rate} requests/s");
        let row = match turns.get(1) {
            Some(theirs) => Row::new(name, UNIT).paired(&of(&turns[0]), "nginx", &of(theirs)),
            None => Row::new(name, UNIT)
                .ours(&of(&turns[0]))
                .note(absent.as_deref().unwrap_or_default()),
        };
        report.row(if share == 0.99 { row.must(Bound::RatioAtMost(1.0)) } else { row });
    }
    Ok(())
}
