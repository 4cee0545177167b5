//! `cargo run --release -p tests --bin storm -- --bus embedded|kafka --requests N --kills K --seed S`
//!
//! One JSON document on stdout, progress on stderr. Exit code 1 when anything was lost or doubled,
//! when a bill is not what it comes to when computed again, when fewer than two hours were closed,
//! when fewer than 80 % of the answers came whole, when a kind of process took fewer than a tenth of
//! the kills, or past the deadline that is shown at the start.

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use tests::storm::{self, Options};
use tests::under_test;

/// Load, SIGKILLs at random moments, and whether everything is there once.
#[derive(Debug, Parser)]
struct Args {
    /// The shape of the product.
    #[arg(long)]
    bus: Bus,
    /// Requests to be made.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..))]
    requests: u64,
    /// SIGKILLs among them.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// Chooses the moments of the kills, and whom they meet.
    #[arg(long)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bus {
    /// Everything in one process.
    Embedded,
    /// Separate services over a real Kafka.
    Kafka,
}

fn main() -> ExitCode {
    // The program under test is this one too: its commands are words, the storm has none.
    let first = std::env::args().nth(1);
    if first.is_some_and(|word| !word.starts_with('-')) {
        return under_test::main();
    }
    let args = Args::parse();
    let bus = match args.bus {
        Bus::Embedded => storm::Bus::Embedded,
        Bus::Kafka => storm::Bus::Kafka,
    };
    let exe = std::env::current_exe().expect("a program has a path");
    let Args { requests, kills, seed, .. } = args;
    run(Options { bus, requests, kills, seed, exe })
}

fn run(options: Options) -> ExitCode {
    let (began, limit) = (Instant::now(), options.limit());
    eprintln!("storm: deadline: {} s from now", limit.as_secs());
    let (report, kills) = (options.report(), options.kills);
    let (done, ended) = sync_channel(1);
    let running = std::sync::Arc::clone(&report);
    let storm = std::thread::spawn(move || {
        options.run(&running);
        // The receiver is gone past the deadline only, and then so are we.
        done.send(()).ok();
    });
    let end = ended.recv_timeout(limit);
    // A storm that panicked said so on stderr, and its report is not complete.
    let mut report = report.lock().expect("nobody panics with the report").clone();
    report.seconds = began.elapsed().as_secs();
    println!("{}", serde_json::to_string_pretty(&report).expect("a report is JSON"));
    let mut faults = report.faults(kills);
    match end {
        Ok(()) => storm.join().expect("it ended well"),
        Err(RecvTimeoutError::Timeout) => faults.push("past the deadline".to_owned()),
        Err(RecvTimeoutError::Disconnected) => faults.push("it did not come to its end".to_owned()),
    }
    for fault in &faults {
        eprintln!("storm: {fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
