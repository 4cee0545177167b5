//! Metering against a real engine, started once per run by this test executable, which is its own
//! child. Each test has a database of its own.
//!
//! - `intake`: every message ends in one outcome, whatever happens in between.
//! - `close`: an hour from records to a bill that proves itself, killed between any two steps.
//! - `late`: corrections, old spools, files that come in pieces.
//! - `sums`: a closing reads no more rows than it must.

mod close;
mod cluster;
mod dead;
mod held;
mod intake;
mod kept;
mod late;
mod proxy;
mod retention;
mod strays;
mod sums;
mod world;

/// The child's side: becomes the engine when [`engine::Program::test`] started it.
#[test]
fn child() {
    if let Some(args) = engine::Program::test_args() {
        std::process::exit(engine::child_main(args).into());
    }
}
