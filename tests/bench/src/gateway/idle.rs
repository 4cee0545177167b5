//! What a connection costs in memory that was used once and waits for its next request.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Bench, compared, load, wire};
use crate::peers::{Kind, Side};
use crate::report::{Bound, Report, Row};

const UNIT: &str = "KiB/connection";
/// Open files beside the connections, in whichever process.
const OTHERS: u64 = 200;
/// An answer takes no longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

pub(super) fn rows(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let wanted = if bench.common.smoke { 50 } else { 10_000 };
    let allowed = raise_limit(wanted + OTHERS)?.saturating_sub(OTHERS);
    let count = wanted.min(allowed);
    let (sides, absent) = bench.beside(&Kind::Nginx, &bench.setup(), report);
    let turns = bench.in_turns(&sides, |_, side| grown(side, count))?;
    let row = Row::new(format!("{count} idle connections"), UNIT);
    let row = compared(row, &turns, "nginx", absent.as_deref());
    let row = row.aim(Bound::RatioAtMost(2.0));
    let row = row.note("growth of the processes' memory, without the kernel's");
    report.row(if count < wanted { row.note("`ulimit -n` allows no more") } else { row });
    Ok(())
}

/// KiB by which the side grows for each connection.
fn grown(side: &Side, count: u64) -> Result<f64> {
    let request = wire::request(&load::Request::small(false));
    // The first one has the connection to the backend made.
    let first = asked(side.address, &request)?;
    let before = side.memory()?;
    let mut open = vec![first];
    for number in 0..count {
        let stream = asked(side.address, &request);
        open.push(stream.with_context(|| format!("connection {number} of {count}"))?);
    }
    let after = side.memory()?;
    Ok(after.saturating_sub(before) as f64 / 1024.0 / count as f64)
}

/// A connection that has had one answer.
fn asked(address: SocketAddr, request: &[u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.write_all(request)?;
    let (mut buffer, mut held) = ([0_u8; 4096], 0);
    while wire::length(&buffer[..held])?.is_none_or(|length| held < length) {
        let count = stream.read(&mut buffer[held..])?;
        ensure!(count > 0, "a connection was closed");
        held += count;
    }
    Ok(stream)
}

/// So many open files, if the system allows them; how many there are now. Programs started later
/// have the same limit.
fn raise_limit(wanted: u64) -> Result<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(now) = current else { return Ok(u64::MAX) };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted)).max(now);
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum })?;
    Ok(most)
}
