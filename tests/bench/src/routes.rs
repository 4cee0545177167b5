//! What finding a route costs: a service of 10 APIs against one of 10,000, in one run.
//!
//! The requests are the same for both, and the same APIs answer them, one of each class and a path
//! that none answers. Each has its row, since a mean would hide one that grows.
//! - With valgrind: instructions, by a short and a long run of the same program; their difference
//!   leaves out start and compilation.
//! - Without: CPU time of one process, in rounds that take turns; the median of the ratios counts.

use std::hint::black_box;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use inputs::services::{self, ASKED, Asked, serving};
use policy::Policy;
use rustix::time::{ClockId, clock_gettime};

use crate::Common;
use crate::report::Report;

/// Calls of the short run, and of the long one: enough that what happens once does not count.
const CALLS: [u32; 2] = [100, 1_100];
/// Calls of a turn, for CPU time: some ten milliseconds.
const CALLS_OF_TURN: u32 = 20_000;

/// `bench routes`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The lesser number of APIs
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    few: u32,
    /// The greater number of APIs
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    many: u32,
    /// Free patterns among the greater number: regular expressions and paths that begin with a
    /// variable, in turn
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=100))]
    free: u32,
    /// Free patterns among the lesser number
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    few_free: u32,
    /// How often both take their turn, for CPU time
    #[arg(long, default_value_t = 31)]
    turns: usize,
    /// CPU time even if there is valgrind
    #[arg(long)]
    cpu: bool,
    /// What runs under valgrind: number of APIs, of free ones, place of the path, number of calls
    #[arg(long, num_args = 4, hide = true)]
    only: Option<Vec<u32>>,
}

pub(crate) fn run(options: &Options, _: &Common) -> anyhow::Result<Report> {
    let mut report = Report::new("routes");
    if let Some([apis, free, place, calls]) = options.only.as_deref() {
        let policy = serving(*apis, *free);
        let asked = ASKED.get(*place as usize).context("no such path")?;
        ask(&policy, asked.path, *calls);
        return Ok(report);
    }
    let counted = !options.cpu && Command::new("valgrind").arg("--version").output().is_ok();
    let sizes = [(options.few, options.few_free), (options.many, options.free)];
    let [few, many] = sizes.map(|(apis, free)| format!("{apis} APIs, {free} of them free"));
    let unit = if counted { "instructions" } else { "ns of CPU" };
    report.text =
        format!("| {unit} per request | {few} | {many} | ratio |\n|---|---:|---:|---:|\n");
    let policies = [serving(options.few, options.few_free), serving(options.many, options.free)];
    for (place, Asked { class, path, .. }) in ASKED.iter().enumerate() {
        let (few, many, ratio) = if counted {
            let [few, many] = sizes.map(|size| instructions(size, place));
            let (few, many) = (few?, many?);
            (few, many, many * 1000 / few.max(1))
        } else {
            in_turns(&policies, path, options.turns)
        };
        report.text.push_str(&format!(
            "| {class} | {few} | {many} | {}.{:03} |\n",
            ratio / 1000,
            ratio % 1000
        ));
    }
    Ok(report)
}

fn ask(policy: &Policy, path: &str, calls: u32) {
    for _ in 0..calls {
        let request = services::request(black_box(path));
        black_box(policy.route(&request).is_ok());
    }
}

/// Instructions per call, by callgrind.
fn instructions((apis, free): (u32, u32), place: usize) -> anyhow::Result<u64> {
    let mut counts = [0; 2];
    for (calls, count) in CALLS.into_iter().zip(&mut counts) {
        let run = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().context("this program does not know where it lies")?)
            .args(["routes", "--only"])
            .args([apis, free, u32::try_from(place)?, calls].map(|number| number.to_string()))
            .stdin(Stdio::null())
            .output()
            .context("valgrind did not run")?;
        let said = String::from_utf8_lossy(&run.stderr);
        ensure!(run.status.success(), "valgrind failed: {said}");
        let line = said.lines().find_map(|line| line.split_once("Collected : "));
        *count =
            line.and_then(|(_, count)| count.trim().parse::<u64>().ok()).context("no count")?;
    }
    Ok(counts[1].saturating_sub(counts[0]) / u64::from(CALLS[1] - CALLS[0]))
}

/// Medians of both, and of their ratios in thousandths.
fn in_turns(policies: &[Policy; 2], path: &str, rounds: usize) -> (u64, u64, u64) {
    let mut times: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for step in 0..2 {
            let side = (step + round) % 2;
            let before = cpu_ns();
            ask(&policies[side], path, CALLS_OF_TURN);
            times[side].push(cpu_ns().saturating_sub(before));
        }
    }
    let ratios = times[0].iter().zip(&times[1]).map(|(few, many)| many * 1000 / (*few).max(1));
    let ratio = median(ratios.collect());
    let [few, many] = times.map(|times| median(times) / u64::from(CALLS_OF_TURN));
    (few, many, ratio)
}

fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}
