//! `cargo bench`: the pure functions that every request, record or bill passes.
//!
//! - No engine, network or disk. What is measured with those is `tests/bench`.
//! - CPU time counts, not the wall clock's.
//! - Each result is checked once before it is timed, so that no failing call is measured.
//! - Criterion compares with the run before; `-- --save-baseline NAME` keeps one, and
//!   `-- --baseline NAME` compares with it. A word behind `--` chooses: `-- route`.

mod cpu;
mod decode;
mod encode;
mod hmac;
mod rate;
mod records;
mod route;

use std::time::Duration;

use criterion::Criterion;

use crate::cpu::Cpu;

/// All of it ends within two minutes, and what is faster than a microsecond is repeated often
/// enough.
const WARM_UP: Duration = Duration::from_millis(500);
const MEASUREMENT: Duration = Duration::from_secs(2);

fn main() {
    let criterion = Criterion::default()
        .with_measurement(Cpu)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASUREMENT);
    let mut criterion = criterion.configure_from_args();
    route::benches(&mut criterion);
    hmac::benches(&mut criterion);
    encode::benches(&mut criterion);
    decode::benches(&mut criterion);
    rate::benches(&mut criterion);
    criterion.final_summary();
}
