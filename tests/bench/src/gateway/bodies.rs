//! Bodies of 100 KiB and 10 MiB, up and down: CPU per MiB, against nginx, which streams them too.

use anyhow::Result;

use super::{Bench, compared, load, missing, requests};
use crate::peers::Kind;
use crate::report::{Bound, Report, Row};

const UNIT: &str = "µs CPU/MiB";
const MIB: f64 = (1 << 20) as f64;
/// Bytes, how they are called, and over how many connections.
const SIZES: [(usize, &str, u32); 2] = [(100 << 10, "100 KiB", 64), (10 << 20, "10 MiB", 8)];

pub(super) fn rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    for (bytes, size, connections) in SIZES {
        for up in [true, false] {
            let name = format!("{size} {}", if up { "up" } else { "down" });
            let small = load::Request::small(false);
            let request = if up {
                load::Request { body: bytes, connections, ..small }
            } else {
                load::Request { path: format!("bytes/{bytes}"), connections, ..small }
            };
            row(bench, report, &name, bytes, &request)?;
        }
    }
    Ok(())
}

fn row(
    bench: &Bench<'_>,
    report: &mut Report,
    name: &str,
    bytes: usize,
    request: &load::Request,
) -> Result<()> {
    if let Some(text) = load::missing() {
        missing(report, name, UNIT, &text);
        return Ok(());
    }
    let (sides, absent) = bench.beside(&Kind::Nginx, &bench.setup(), report);
    let seconds = bench.common.seconds;
    let turns = bench.in_turns(&sides, |_, side| {
        Ok(requests::turn(side, seconds, request)?.cpu / (bytes as f64 / MIB))
    })?;
    let row = compared(Row::new(name, UNIT), &turns, "nginx", absent.as_deref());
    report.row(row.must(Bound::RatioAtMost(1.3)).aim(Bound::RatioAtMost(1.0)));
    Ok(())
}
