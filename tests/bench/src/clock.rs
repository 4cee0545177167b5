//! CPU and time, in nanoseconds.

use rustix::time::{ClockId, clock_gettime};

/// CPU that this process has used so far, all its threads.
pub(crate) fn cpu_ns() -> u64 {
    read(ClockId::ProcessCPUTime)
}

/// Time since some point in the past.
pub(crate) fn wall_ns() -> u64 {
    read(ClockId::Monotonic)
}

fn read(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}
