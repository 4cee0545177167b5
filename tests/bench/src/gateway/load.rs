//! The load: wrk, on the core that is not the gateway's.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, ensure};

/// Connections that stay open.
pub(super) const OPEN: u32 = 64;
/// Load and backend; the gateway has core 0.
pub(super) const CORE: usize = 1;

/// What a run of wrk came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) requests: u64,
    /// Answers that were not 2xx or 3xx, and connections that broke.
    pub(super) failed: u64,
}

/// Says what is missing.
pub(super) fn look() -> anyhow::Result<()> {
    for (program, package) in [("wrk", "wrk"), ("taskset", "util-linux")] {
        let found = Command::new(program).arg("--version").output();
        ensure!(found.is_ok(), "`{program}` is missing: apt-get install {package}");
    }
    Ok(())
}

/// `wrk 4.1.0`
pub(super) fn version() -> String {
    let said = Command::new("wrk").arg("--version").output().map(|output| output.stdout);
    let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
    said.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// The header lines of the request: `name: value`.
pub(super) fn request(hmac: bool) -> Vec<String> {
    let host = "Host: bench.example.test".to_owned();
    if !hmac {
        return vec![host];
    }
    // Made with the secret of the configuration; the age of `date` is not checked.
    let line = "Authorization: hmac id=\"AKIDbench\", algorithm=\"hmac-sha1\", \
                headers=\"date source\", signature=\"Sxq/AhB9Hh9zEFCE3z8nhNw1jD8=\"";
    let date = "Date: Fri, 09 Oct 2015 00:00:00 GMT".to_owned();
    vec![host, date, "Source: bench".to_owned(), line.to_owned()]
}

/// Asks for so many seconds.
pub(super) fn run(address: SocketAddr, seconds: u32, headers: &[String]) -> anyhow::Result<Done> {
    let mut command = Command::new("taskset");
    command.args(["-c", &CORE.to_string(), "wrk", "-t1", &format!("-c{OPEN}")]);
    command.arg(format!("-d{seconds}s"));
    for header in headers {
        command.args(["-H", header]);
    }
    let output = command.arg(format!("http://{address}/release/api-57/x")).output()?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    read(&String::from_utf8_lossy(&output.stdout))
}

/// `  81234 requests in 5.00s, 20.1MB read`, `  Non-2xx or 3xx responses: 7`,
/// `  Socket errors: connect 0, read 0, write 0, timeout 0`
fn read(text: &str) -> anyhow::Result<Done> {
    let number = |word: &str| word.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().ok();
    let line = |needle: &str| text.lines().find(|line| line.contains(needle));
    let requests = line("requests in").and_then(|line| number(line.split_whitespace().next()?));
    let requests = requests.with_context(|| format!("wrk said something else: {text}"))?;
    let refused = line("Non-2xx").and_then(|line| number(line.rsplit(' ').next()?)).unwrap_or(0);
    let broken = line("Socket errors").map_or(0, |line| line.split(' ').filter_map(number).sum());
    Ok(Done { requests, failed: refused + broken })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let text = "Running 1s test\n  70 requests in 1.00s, 1MB read\n  Socket errors: connect \
                    0, read 2, write 0, timeout 1\n  Non-2xx or 3xx responses: 4\n";
        let done = read(text).expect("it is wrk's");
        assert_eq!((done.requests, done.failed), (70, 7));
        assert!(read("wrk: command not found").is_err());
    }
}
