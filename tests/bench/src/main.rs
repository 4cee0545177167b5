//! The benchmarks: `cargo run --release -p bench -- NAME`.
//!
//! Each prints one table with the machine it ran on; what was measured last stands in
//! `RESULTS.md`. They decide between ways, so the ratios count, not the figures.

mod gateway;
mod layout;
mod machine;
mod routes;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bench", about = "Benchmarks of Tollgate")]
struct Args {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Which order and which indexes suit the `records` table
    Layout(layout::Options),
    /// What a request costs the gateway, in CPU
    Gateway(gateway::Options),
    /// What finding one of 10,000 APIs costs, against one of 10
    Routes(routes::Options),
}

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    // This program is its own engine, as `tollgate` is.
    if args.get(1).is_some_and(|arg| arg == "engine-child") {
        return engine::child_main(args.drain(2..)).into();
    }
    let done = match Args::parse_from(args).bench {
        Bench::Layout(options) => layout::run(&options),
        Bench::Gateway(options) => gateway::run(&options),
        Bench::Routes(options) => routes::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
