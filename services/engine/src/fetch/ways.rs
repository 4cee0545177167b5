//! The two clients that can bring the archive, run as child processes.
//!
//! - A client that brings nothing new for [`STALL_MAX`] is ended: no wait without a bound.
//! - They stay in our process group, so that Ctrl-C ends them with us.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::library::Pin;
use crate::progress::Progress;

/// Without a new byte for so long, a line is dead.
const STALL_MAX: Duration = Duration::from_secs(120);

/// Between two looks at what has arrived: a bar that moves, at no cost.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Of a client's complaints, the part that is shown.
const COMPLAINT_MAX: usize = 300;

/// Folders in npm's cache are nested this deep at most where files grow.
const DEPTH_MAX: u32 = 8;

/// Why one way did not lead to the library.
#[derive(Debug, thiserror::Error)]
pub(super) enum WayError {
    #[error("`{0}` is not installed")]
    NoClient(String),
    #[error("can not be run: {0}")]
    Run(io::Error),
    #[error("failed: {0}")]
    Failed(String),
    #[error("nothing arrived for {} s", STALL_MAX.as_secs())]
    Stalled,
    #[error("the cache folder can not be written: {0}")]
    Files(io::Error),
    #[error("what it brought is no archive: {0}")]
    Archive(io::Error),
    #[error("what it brought does not hold the library")]
    Missing,
    #[error("the library that it brought is greater than {max} bytes")]
    Size { max: u64 },
    #[error("the library that it brought has SHA-256 {found}, not {wanted}")]
    Checksum { found: String, wanted: &'static str },
}

/// `npm pack`: brings the package's archive, installs nothing, runs nothing of it.
pub(super) fn npm(
    npm: &Path,
    pin: &Pin,
    work: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, WayError> {
    let package = format!("{}@{}", pin.package, pin.version);
    progress.step(&format!("fetching the engine, once: npm package {package}"));
    // Its own cache, inside ours: it is watched for progress, and cleared away afterwards.
    let mut command = Command::new(npm);
    command.args(["pack", &package, "--ignore-scripts", "--loglevel=error", "--cache"]);
    command.arg(work.join("npm-cache")).current_dir(work);
    run(command, work, pin.known.map(|known| known.packed), progress)?;
    let archive = fs::read_dir(work).map_err(WayError::Files)?.find_map(|entry| {
        let path = entry.ok()?.path();
        (path.extension()? == "tgz").then_some(path)
    });
    archive.ok_or(WayError::Missing)
}

/// `curl`: brings the public release's archive.
pub(super) fn curl(
    curl: &Path,
    url: &str,
    work: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, WayError> {
    progress.step(&format!("fetching the engine, once: {url}"));
    let archive = work.join("archive.tar.gz");
    let mut command = Command::new(curl);
    command.args(["--fail", "--location", "--silent", "--show-error", "--connect-timeout", "20"]);
    command.arg("--output").arg(&archive).arg(url).current_dir(work);
    run(command, work, None, progress)?;
    Ok(archive)
}

fn run(
    mut command: Command,
    work: &Path,
    total: Option<u64>,
    progress: &mut dyn Progress,
) -> Result<(), WayError> {
    let complaints = work.join("complaints");
    let stderr = File::create(&complaints).map_err(WayError::Files)?;
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().map_err(
            |error| match error.kind() {
                io::ErrorKind::NotFound => WayError::NoClient(name),
                _ => WayError::Run(error),
            },
        )?;
    let mut arrived = 0;
    let mut last = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(WayError::Run)? {
            if status.success() {
                return Ok(());
            }
            let text = fs::read(&complaints).map_err(WayError::Files)?;
            return Err(WayError::Failed(shorten(&String::from_utf8_lossy(&text))));
        }
        let now = size(work, DEPTH_MAX);
        if now != arrived {
            (arrived, last) = (now, Instant::now());
        }
        progress.bytes(total.map_or(arrived, |total| arrived.min(total)), total);
        if last.elapsed() > STALL_MAX {
            child.kill().and_then(|()| child.wait()).map_err(WayError::Run)?;
            return Err(WayError::Stalled);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Bytes in all files below; what can not be read counts nothing, since it is only for progress.
fn size(dir: &Path, depth: u32) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(file) if file.is_dir() && depth > 0 => size(&entry.path(), depth - 1),
            Ok(file) if file.is_file() => file.len(),
            _ => 0,
        })
        .sum()
}

/// One line of bounded length.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(COMPLAINT_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None if line.is_empty() => "it did not say why".to_owned(),
        None => line,
    }
}
