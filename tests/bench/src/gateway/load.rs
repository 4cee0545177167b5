//! The load: wrk, on the core that is not the proxy's.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::peers::{HOST, missing_text, version as version_of};
use crate::process::{LOAD_CORE, find};

/// Connections that stay open.
pub(crate) const OPEN: u32 = 64;

/// What is asked for again and again.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Behind the API's own path.
    pub(crate) path: String,
    /// `name: value`
    pub(crate) headers: Vec<String>,
    /// Bytes that are sent along.
    pub(crate) body: usize,
    pub(crate) connections: u32,
}

/// What a run of wrk came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Answers that were not 2xx or 3xx, and connections that broke.
    pub(crate) failed: u64,
}

// === impl Request ===

impl Request {
    /// Without a body, for 64 bytes.
    pub(crate) fn small(hmac: bool) -> Self {
        let mut headers = vec![format!("Host: {HOST}")];
        if hmac {
            // Made with the secret of the configuration; the age of `date` is not checked.
            headers.extend([
                "Date: Fri, 09 Oct 2015 00:00:00 GMT".to_owned(),
                "Source: bench".to_owned(),
                "Authorization: hmac id=\"AKIDbench\", algorithm=\"hmac-sha1\", \
                 headers=\"date source\", signature=\"Sxq/AhB9Hh9zEFCE3z8nhNw1jD8=\""
                    .to_owned(),
            ]);
        }
        Self { path: "x".to_owned(), headers, body: 0, connections: OPEN }
    }

    /// The whole path.
    pub(crate) fn target(&self) -> String {
        format!("/release/api-7/{}", self.path)
    }
}

/// What has to be installed.
pub(crate) fn missing() -> Option<String> {
    find("wrk").is_none().then(|| missing_text("wrk", "wrk"))
}

/// `wrk 4.1.0`
pub(crate) fn version() -> String {
    version_of(find("wrk"), "--version").split("[epoll]").next().unwrap_or("wrk").trim().to_owned()
}

/// Asks for so many seconds.
pub(crate) fn run(address: SocketAddr, seconds: u32, request: &Request) -> anyhow::Result<Done> {
    let script = tempfile::tempdir()?;
    let wrk = find("wrk").context("wrk is missing")?;
    let mut command = match std::thread::available_parallelism() {
        Ok(cores) if cores.get() > LOAD_CORE => {
            let mut command = Command::new("taskset");
            command.args(["-c", &LOAD_CORE.to_string()]).arg(wrk);
            command
        }
        _ => Command::new(wrk),
    };
    command.args(["-t1", &format!("-c{}", request.connections), &format!("-d{seconds}s")]);
    command.args(["--timeout", "30s"]);
    for header in &request.headers {
        command.args(["-H", header]);
    }
    if request.body > 0 {
        command.arg("-s").arg(posting(script.path().join("post.lua"), request.body)?);
    }
    let output = command.arg(format!("http://{address}{}", request.target())).output()?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    read(&String::from_utf8_lossy(&output.stdout))
}

fn posting(path: PathBuf, bytes: usize) -> anyhow::Result<PathBuf> {
    fs::write(&path, format!("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {bytes})\n"))?;
    Ok(path)
}

/// `  81234 requests in 5.00s, 20.1MB read`, `  Non-2xx or 3xx responses: 7`,
/// `  Socket errors: connect 0, read 0, write 0, timeout 0`
fn read(text: &str) -> anyhow::Result<Done> {
    let number = |word: &str| word.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().ok();
    let line = |needle: &str| text.lines().find(|line| line.contains(needle));
    let said = || format!("wrk said something else: {text}");
    let words: Vec<&str> = line("requests in").with_context(said)?.split_whitespace().collect();
    let requests = words.first().and_then(|word| number(word)).with_context(said)?;
    let seconds = words.get(3).and_then(|word| seconds(word.trim_end_matches(',')));
    let seconds = seconds.with_context(said)?;
    let refused = line("Non-2xx").and_then(|line| number(line.rsplit(' ').next()?)).unwrap_or(0);
    let broken = line("Socket errors").map_or(0, |line| line.split(' ').filter_map(number).sum());
    Ok(Done { requests, seconds, failed: refused + broken })
}

/// `5.00s`, `1.00m`
fn seconds(word: &str) -> Option<f64> {
    let (number, unit) = word.split_at(word.len().checked_sub(1)?);
    let number: f64 = number.parse().ok()?;
    match unit {
        "s" => Some(number),
        "m" => Some(number * 60.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let text = "Running 1s test\n  70 requests in 1.25s, 1MB read\n  Socket errors: connect \
                    0, read 2, write 0, timeout 1\n  Non-2xx or 3xx responses: 4\n";
        let done = read(text).expect("it is wrk's");
        assert_eq!((done.requests, done.seconds, done.failed), (70, 1.25, 7));
        assert_eq!(seconds("1.50m"), Some(90.0));
        assert!(read("wrk: command not found").is_err());
    }
}
