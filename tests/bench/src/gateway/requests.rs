//! CPU per request, under as much load as the proxy's core takes.

use anyhow::{Result, ensure};

use super::{Bench, compared, load, missing};
use crate::peers::{Kind, Setup, Side};
use crate::report::{Bound, Report, Row};

const CPU: &str = "µs CPU/request";
/// APIs of the lesser side.
const FEW: u32 = 10;
const RATE: &str = "requests/s";

/// One turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    /// Microseconds.
    pub(super) cpu: f64,
    /// Requests per second.
    pub(super) rate: f64,
}

/// Against nginx, both with a line or record for each request.
pub(super) fn log(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let name = "JSON log; ours: record in the spool";
    let row = |row: Row| row.must(Bound::RatioAtMost(1.0)).aim(Bound::RatioAtMost(0.85));
    pair(bench, report, name, &Kind::Nginx, false, row)?;
    let Some(against) = &bench.against else { return Ok(()) };
    let setup = bench.setup();
    let turns = measured(bench, &[(&bench.ours, setup.clone()), (against, setup)])?;
    let row = Row::new("the same, another build", CPU);
    report.row(row.paired(&of(&turns[0], cpu), "the other", &of(&turns[1], cpu)));
    Ok(())
}

/// The same nginx checks nothing.
pub(super) fn hmac(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let name = "JSON log; ours: HMAC (sha1), record in the spool";
    let row = |row: Row| row.must(Bound::RatioAtMost(1.1)).aim(Bound::RatioAtMost(0.9));
    pair(bench, report, name, &Kind::Nginx, true, row)
}

pub(super) fn haproxy(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let name = "no log; ours: record in the spool";
    let row = |row: Row| row.aim(Bound::RatioAtMost(1.0)).note("HAProxy cuts no path");
    pair(bench, report, name, &Kind::Haproxy, false, row)
}

/// Ours with many APIs beside ours with few.
pub(super) fn apis(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let (many, few) = if bench.common.smoke { (20, FEW) } else { (10_000, FEW) };
    let with = |apis| (&bench.ours, Setup { apis, ..bench.setup() });
    let name = format!("{many} APIs");
    // The load asks for the eighth: both sides get the same requests.
    own(bench, report, &name, &format!("{FEW} APIs"), &[with(many), with(few)])
}

/// Ours with two workers beside ours with one.
pub(super) fn workers(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let with = |workers| (&bench.ours, Setup { workers, ..bench.setup() });
    own(bench, report, "two workers on one core", "one", &[with(2), with(1)])
}

/// Ours beside a peer.
fn pair(
    bench: &Bench<'_>,
    report: &mut Report,
    name: &str,
    peer: &Kind,
    hmac: bool,
    judged: impl Fn(Row) -> Row,
) -> Result<()> {
    let setup = Setup { hmac, ..bench.setup() };
    if let Some(text) = load::missing() {
        missing(report, name, CPU, &text);
        return Ok(());
    }
    report.version(load::version());
    let (sides, absent) = bench.beside(peer, &setup, report);
    let turns = measured(bench, &sides)?;
    let row = |unit, figure| {
        let figures: Vec<Vec<f64>> = turns.iter().map(|side| of(side, figure)).collect();
        compared(Row::new(name, unit), &figures, peer.name(&setup), absent.as_deref())
    };
    report.row(judged(row(CPU, cpu)));
    report.row(row(RATE, rate));
    Ok(())
}

/// Ours beside ours.
fn own(
    bench: &Bench<'_>,
    report: &mut Report,
    name: &str,
    other: &str,
    sides: &[(&Kind, Setup)],
) -> Result<()> {
    if let Some(text) = load::missing() {
        missing(report, name, CPU, &text);
        return Ok(());
    }
    let turns = measured(bench, sides)?;
    let row = Row::new(name, CPU).paired(&of(&turns[0], cpu), other, &of(&turns[1], cpu));
    report.row(row.must(Bound::RatioAtMost(1.05)).aim(Bound::RatioAtMost(1.0)));
    Ok(())
}

fn measured(bench: &Bench<'_>, sides: &[(&Kind, Setup)]) -> Result<Vec<Vec<Turn>>> {
    let seconds = bench.common.seconds;
    bench.in_turns(sides, |number, side| {
        let request = load::Request::small(sides[number].1.hmac);
        turn(side, seconds, &request)
    })
}

/// So many seconds of load on a side that was just started.
pub(super) fn turn(side: &Side, seconds: u32, request: &load::Request) -> Result<Turn> {
    // Connections to the backend are made, the spool's first segments are there.
    load::run(side.address, 1, request)?;
    let before = side.cpu_ns()?;
    let done = load::run(side.address, seconds, request)?;
    let used = side.cpu_ns()?.saturating_sub(before) as f64;
    ensure!(done.failed == 0, "{} of {} answers were not 200", done.failed, done.requests);
    ensure!(done.requests > 0, "no request was answered");
    let requests = done.requests as f64;
    Ok(Turn { cpu: used / 1000.0 / requests, rate: requests / done.seconds })
}

pub(super) fn of(turns: &[Turn], figure: fn(&Turn) -> f64) -> Vec<f64> {
    turns.iter().map(figure).collect()
}

pub(super) fn cpu(turn: &Turn) -> f64 {
    turn.cpu
}

pub(super) fn rate(turn: &Turn) -> f64 {
    turn.rate
}
