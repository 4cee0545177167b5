//! What an append to the spool costs, against a bare `write` of the same bytes to a file.
//!
//! Both write records of one size one after the other, on one thread, into fresh folders of the
//! same disk; the bare files are allocated beforehand and as large as a segment, as the spool's are.
//! With `durability: host` both sync each write.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use spool::{Config, Durability, Room, WhenFull};

use crate::Common;
use crate::clock::{cpu_ns, wall_ns};
use crate::report::{Bound, Report, Row, turns};

/// Of one file, as `spool.segment` is by default.
const SEGMENT: u64 = 16 << 20;
/// What the configuration's default allows one record.
const RECORD_MAX: u32 = 16 << 10;
/// What the spool adds to each record.
const FRAME: usize = 16;
/// Of an append, by the cost of a bare write.
const COST_MAX: f64 = 1.3;
/// The same, seen from the rate.
const RATE_MIN: f64 = 0.77;
/// 2026-11-21.
const NOW_MS: u64 = 1_795_000_000_000;

/// `bench spool`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records in each turn
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(16..=5_000_000))]
    records: u32,
    /// Records in each turn that syncs them
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(16..=100_000))]
    synced: u32,
    /// Bytes of a record
    #[arg(long, default_value_t = 650, value_parser = clap::value_parser!(u32).range(1..=16_000))]
    bytes: u32,
    /// Where to write; by default the folder of temporary files
    #[arg(long, value_name = "FOLDER")]
    folder: Option<std::path::PathBuf>,
}

/// One kind of appends.
#[derive(Debug, Clone, Copy)]
struct Case {
    records: u32,
    /// Records taken to disk by one call.
    group: u32,
    durability: Durability,
}

/// What one append came to, nanoseconds.
struct Cost {
    cpu: f64,
    wall: f64,
}

pub(crate) fn run(options: &Options, common: &Common) -> Result<Report> {
    let (many, few) = if common.smoke { (320, 16) } else { (options.records, options.synced) };
    let case = |group, durability| {
        let records = if durability == Durability::Host { few } else { many };
        Case { records, group, durability }
    };
    let mut report = Report::new("spool");
    report.about(format!(
        "Records of {} bytes on one thread; {many} in a turn, {few} where each is synced.",
        options.bytes
    ));
    let cases = [
        ("an append", case(1, Durability::Process)),
        ("an append, 16 in a write", case(16, Durability::Process)),
        ("an append, `durability: host`", case(1, Durability::Host)),
    ];
    for (name, case) in cases {
        let costs = turns(common.rounds, 2, |side| {
            let folder = folder(options)?;
            let payload = vec![b'x'; options.bytes as usize];
            match side {
                0 => appended(folder.path(), case, &payload),
                _ => written(folder.path(), case, &payload),
            }
        })?;
        rows(&mut report, name, case, &costs);
    }
    Ok(report)
}

fn rows(report: &mut Report, name: &str, case: Case, costs: &[Vec<Cost>]) {
    let of = |figure: fn(&Cost) -> f64| -> Vec<Vec<f64>> {
        costs.iter().map(|side| side.iter().map(figure).collect()).collect()
    };
    let (cpu, rate) = (of(|cost| cost.cpu / 1000.0), of(|cost| 1e9 / cost.wall));
    let peer = match case.durability {
        Durability::Process => "write",
        Durability::Host => "write, fdatasync",
    };
    let cpu = Row::new(name, "µs CPU").paired(&cpu[0], peer, &cpu[1]);
    let rate = Row::new(name, "appends/s").paired(&rate[0], peer, &rate[1]);
    if case.group == 1 {
        report.row(cpu.must(Bound::RatioAtMost(COST_MAX)));
        report.row(rate.must(Bound::RatioAtLeast(RATE_MIN)));
    } else {
        report.row(cpu.note("as under load: one write takes all of a turn"));
        report.row(rate);
    }
}

fn folder(options: &Options) -> Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("tollgate-bench");
    let made = match &options.folder {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    };
    made.context("failed to make a folder")
}

/// Into a spool.
fn appended(folder: &Path, case: Case, payload: &[u8]) -> Result<Cost> {
    let config = Config {
        dir: folder.join("spool"),
        gateway: "bench".to_owned(),
        workers: 1,
        size: 16 << 30,
        segment: SEGMENT,
        record_max: RECORD_MAX,
        durability: case.durability,
        when_full: WhenFull::Reject,
    };
    let mut spool = spool::open(&config, NOW_MS)?;
    let writer = spool.writers.first_mut().context("a writer")?;
    measured(case, || {
        for _ in 0..case.group {
            ensure!(writer.reserve(), "the spool is full");
            writer.push(NOW_MS as i64, Room::Reserved, |_, _, buffer| {
                buffer.extend_from_slice(payload);
            })?;
        }
        Ok(writer.write()?)
    })
}

/// Into plain files.
fn written(folder: &Path, case: Case, payload: &[u8]) -> Result<Cost> {
    let frame = vec![b'x'; payload.len() + FRAME];
    let bytes = frame.repeat(case.group as usize);
    let (mut number, mut room) = (0, 0);
    let mut file: Option<File> = None;
    measured(case, || {
        let length = bytes.len() as u64;
        let open = match &mut file {
            Some(open) if room >= length => open,
            // Another file takes its turn, as another segment does.
            place => {
                let path = folder.join(number.to_string());
                let open = OpenOptions::new().create_new(true).write(true).open(path)?;
                fallocate(&open, FallocateFlags::empty(), 0, SEGMENT)?;
                (number, room) = (number + 1, SEGMENT);
                place.insert(open)
            }
        };
        open.write_all(&bytes)?;
        room -= length;
        if case.durability == Durability::Host {
            fdatasync(&*open)?;
        }
        Ok(())
    })
}

/// Calls `step` until all records are there.
fn measured(case: Case, mut step: impl FnMut() -> Result<()>) -> Result<Cost> {
    // The first one makes the first file.
    step()?;
    let steps = case.records / case.group;
    let (cpu, wall) = (cpu_ns(), wall_ns());
    for _ in 0..steps {
        step()?;
    }
    let each = |after: u64, before: u64| {
        after.saturating_sub(before) as f64 / f64::from(steps * case.group)
    };
    Ok(Cost { cpu: each(cpu_ns(), cpu), wall: each(wall_ns(), wall) })
}
