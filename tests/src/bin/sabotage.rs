//! `cargo run -p tests --bin sabotage`: shows that the test of each promise can fail.
//!
//! Each `tests/sabotage/<PROMISE>.patch` breaks one promise in `services/` or `schemas/`. It is
//! applied to a copy of the tree, and the test that it names must pass without it and fail with
//! it, by its own assertion. A patch that does not apply, a build error, a time-out, a missing
//! test or another way of failing is an error of the run.
//!
//! `cargo run -p tests --bin sabotage -- DUP-1` runs one.

use std::process::ExitCode;

use tests::sabotage::{Patch, Tree};

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    match run(&only) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sabotage: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all patches, or those named; true when every promise is shown.
fn run(only: &[String]) -> anyhow::Result<bool> {
    let mut patches = Patch::all()?;
    for name in only {
        let known = patches.iter().any(|patch| &patch.promise == name);
        anyhow::ensure!(known, "there is no tests/sabotage/{name}.patch");
    }
    patches.retain(|patch| only.is_empty() || only.contains(&patch.promise));
    let tree = Tree::copy()?;
    let mut clean = true;
    for patch in &patches {
        eprintln!("{}: {}", patch.promise, patch.test);
        match tree.show(patch) {
            Ok(()) => eprintln!("{}: shown", patch.promise),
            Err(error) => {
                eprintln!("{}: NOT SHOWN: {error:#}", patch.promise);
                clean = false;
            }
        }
    }
    eprintln!("{} promises, {}", patches.len(), if clean { "all shown" } else { "not all shown" });
    Ok(clean)
}
