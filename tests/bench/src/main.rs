//! The benchmarks: `cargo run --release -p bench -- PART`, or `all`.
//!
//! - Each part pairs ours with a peer in rounds of the same run that take turns, and gives a
//!   [`report::Report`]: a table here, one document with `--output json`, a section of
//!   `docs/benchmarks.md` with `--write`.
//! - Peers are started and ended here. One that is not installed is named in its row.
//! - Ratios count, not figures: machines are noisy, and differ.

mod clock;
mod close;
mod disk;
mod document;
mod footprint;
mod gateway;
mod latency;
mod layout;
mod lookup;
mod machine;
mod metering;
mod peers;
mod process;
mod product;
mod report;
mod routes;
mod spool;
mod stage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use inputs::rows;
use report::Report;
use serde::Serialize;

/// All parts, in the order in which they run.
const PARTS: [&str; 10] = [
    "gateway",
    "routes",
    "spool",
    "metering",
    "latency",
    "lookup",
    "close",
    "disk",
    "layout",
    "footprint",
];

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Benchmarks of Tollgate")]
struct Words {
    #[command(subcommand)]
    part: Part,
    #[command(flatten)]
    common: Common,
}

/// What all parts are told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// How often each side takes its turn
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// How long each turn under load is, seconds
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) seconds: u32,
    /// The program; by default the one beside this one, built anew
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tollgate: Option<PathBuf>,
    /// Least sizes, one round: shows that it runs, measures nothing
    #[arg(long, global = true)]
    pub(crate) smoke: bool,
    /// `table` or `json`
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Puts the results into docs/benchmarks.md
    #[arg(long, global = true)]
    write: bool,
    /// Puts them into this file instead
    #[arg(long, global = true, value_name = "FILE")]
    write_to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Every part
    All,
    /// What a request costs the gateway, against nginx and HAProxy
    Gateway(gateway::Options),
    /// What finding one of 10,000 APIs costs, against one of 10
    Routes(routes::Options),
    /// What an append costs, against a bare `write`
    Spool(spool::Options),
    /// Records that wait, on their way into `records`, against ClickHouse's own way
    Metering(metering::Options),
    /// From a response to its row, visible to a query
    Latency(latency::Options),
    /// One record by its id alone, and the newest of an account, through the API
    Lookup(lookup::Options),
    /// Closing a full hour, against the one aggregate query that its bills need
    Close(close::Options),
    /// Bytes on disk per record
    Disk(disk::Options),
    /// Which order and which indexes suit the `records` table
    Layout(layout::Options),
    /// Size of the program, start and memory of its services
    Footprint(footprint::Options),
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Results<'a> {
    machine: String,
    command: String,
    parts: &'a [Report],
}

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    // This program is its own engine, as `tollgate` is.
    if args.get(1).is_some_and(|arg| arg == "engine-child") {
        return engine::child_main(args.drain(2..)).into();
    }
    match run(&Words::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &Words) -> Result<()> {
    let mut common = words.common.clone();
    if common.smoke {
        (common.rounds, common.seconds) = (1, 1);
    }
    let common = &common;
    let mut reports = Vec::new();
    if matches!(words.part, Part::All) {
        for part in PARTS {
            // Their options are those of a part that is called alone.
            let Words { part, .. } = Words::parse_from(["bench", part]);
            reports.push(done(&part, common)?);
        }
    } else {
        reports.push(done(&words.part, common)?);
    }
    if common.output == Output::Json {
        let results = Results { machine: machine::line(), command: command(), parts: &reports };
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    Ok(())
}

/// Runs one part, and shows it at once: the next may take long, or fail.
fn done(part: &Part, common: &Common) -> Result<Report> {
    let report = match part {
        Part::All => unreachable!("it is taken apart before"),
        Part::Gateway(options) => gateway::run(options, common),
        Part::Routes(options) => routes::run(options, common),
        Part::Spool(options) => spool::run(options, common),
        Part::Metering(options) => metering::run(options, common),
        Part::Latency(options) => latency::run(options, common),
        Part::Lookup(options) => lookup::run(options, common),
        Part::Close(options) => close::run(options, common),
        Part::Disk(options) => disk::run(options, common),
        Part::Layout(options) => layout::run(options, common),
        Part::Footprint(options) => footprint::run(options, common),
    }?;
    if common.output == Output::Table {
        println!("{}: {}\n{}", report.part, machine::line(), report::table(&report));
    }
    let path = match &common.write_to {
        Some(path) => Some(path.clone()),
        None => common.write.then(document::path),
    };
    if let Some(path) = path {
        document::write(&path, &report, &machine::line(), &command())?;
    }
    Ok(report)
}

/// As somebody would type it.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -p bench -- {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_part_is_in_all() {
        let words = Words::command();
        let names: Vec<&str> = words.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(names[0], "all");
        assert_eq!(names[1..], PARTS);
    }
}
