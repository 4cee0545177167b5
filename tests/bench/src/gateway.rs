//! What a request costs the gateway: CPU per request, by the process's own accounting.
//!
//! One core for the gateway, the other for load and backend: 64 connections that stay open,
//! responses of 64 bytes, a route among 100 APIs, a record for each request in the spool
//! (`durability: process`), no broker. Two builds take turns, since the machine is never quiet: only
//! the ratio counts.

mod backend;
mod load;
mod side;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;

use crate::machine;
use backend::Backend;
use side::Side;

/// `bench gateway`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The program; by default the one beside this one (`cargo build --release -p tollgate`)
    #[arg(long, value_name = "FILE")]
    tollgate: Option<PathBuf>,
    /// Another build of it, to compare with
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How often each takes its turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each turn is, seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Requests carry a key pair's HMAC
    #[arg(long)]
    hmac: bool,
}

/// One turn: nanoseconds of CPU per request, requests per second.
#[derive(Debug, Clone, Copy)]
struct Turn {
    cpu_ns: u64,
    rate: u64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    load::look()?;
    let ours = match &options.tollgate {
        Some(path) => path.clone(),
        None => beside().context("this program does not know where it lies")?,
    };
    let mut sides = vec![("this build", ours)];
    sides.extend(options.against.clone().map(|path| ("the other", path)));
    for (_, path) in &sides {
        ensure!(
            path.is_file(),
            "{} is not there: `cargo build --release -p tollgate` makes it",
            path.display()
        );
    }
    let backend = Backend::start()?;
    let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); sides.len()];
    for round in 0..options.rounds {
        eprintln!("round {} of {}", round + 1, options.rounds);
        for step in 0..sides.len() {
            // Who begins changes, so that neither always follows the other.
            let number = (step + round as usize) % sides.len();
            turns[number].push(turn(&sides[number].1, &backend, options)?);
        }
    }
    println!("{}", machine::line());
    println!("{} rounds of {} s, {} connections\n", options.rounds, options.seconds, load::OPEN);
    println!(
        "| | CPU per request, µs: median (least to most) | requests/s | ratio, median of rounds |"
    );
    println!("|---|---:|---:|---:|");
    for ((name, _), of) in sides.iter().zip(&turns) {
        let cpu: Vec<u64> = of.iter().map(|turn| turn.cpu_ns).collect();
        let rate = median(of.iter().map(|turn| turn.rate).collect());
        let last = turns.last().expect("a side");
        let ratios =
            of.iter().zip(last).map(|(turn, base)| turn.cpu_ns * 1000 / base.cpu_ns.max(1));
        println!(
            "| {name} | {} ({} to {}) | {rate} | {} |",
            micros(median(cpu.clone())),
            micros(cpu.iter().copied().min().unwrap_or(0)),
            micros(cpu.iter().copied().max().unwrap_or(0)),
            thousandths(median(ratios.collect())),
        );
    }
    Ok(())
}

fn turn(program: &std::path::Path, backend: &Backend, options: &Options) -> anyhow::Result<Turn> {
    let side = Side::start(program, backend.address, options.hmac)?;
    let request = load::request(options.hmac);
    // Connections to the backend are made, the spool's first segments are there.
    load::run(side.address, 1, &request)?;
    let before = side.cpu_ns()?;
    let done = load::run(side.address, options.seconds, &request)?;
    let cpu = side.cpu_ns()?.saturating_sub(before);
    ensure!(done.failed == 0, "{} of {} answers were not 200", done.failed, done.requests);
    ensure!(done.requests > 0, "no request was answered");
    let rate = done.requests / u64::from(options.seconds);
    Ok(Turn { cpu_ns: cpu / done.requests, rate })
}

/// `target/release/tollgate`
fn beside() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("tollgate"))
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

fn micros(ns: u64) -> String {
    format!("{}.{:02}", ns / 1000, ns % 1000 / 10)
}

fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1000, value % 1000)
}
