//! CPU time of other processes, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel counts CPU of others in these, whatever its own tick: `getconf CLK_TCK` is 100 on
/// Linux.
const TICK: Duration = Duration::from_millis(10);

/// What all threads of a process have used so far, in steps of 10 ms.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold spaces; utime and stime are the 12th and 13th words behind it.
    let rest = stat.rsplit_once(')').context("no process")?.1;
    let ticks = |index: usize| rest.split_whitespace().nth(index)?.parse::<u32>().ok();
    let used = ticks(11).zip(ticks(12)).context("no CPU times")?;
    Ok(TICK * (used.0 + used.1))
}
