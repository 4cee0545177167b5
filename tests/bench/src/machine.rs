//! Says when and on what a table was measured.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use record::Time;

/// `2026-11-21T13:20Z on 2 × AMD EPYC, 23 GiB, Linux 6.1.0`
pub(crate) fn line() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = value(&cpus, "model name").unwrap_or("an unknown processor");
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = value(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
    let gib = kib.unwrap_or(0_u64) >> 20;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} on {cores} × {model}, {gib} GiB, Linux {}", now(), version(&kernel))
}

/// The kernel's own version. What stands behind it names a build, which says nothing to others.
fn version(release: &str) -> &str {
    release.split_once('-').map_or(release, |(version, _)| version).trim()
}

/// `2026-11-21T13:20Z`
fn now() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Time(i64::try_from(now.as_millis()).unwrap_or(0));
    let text: String = now.to_rfc3339().chars().take(16).collect();
    text + "Z"
}

/// What stands behind `name` and a colon.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_named_without_its_build() {
        assert_eq!(version("6.1.0-18-amd64\n"), "6.1.0");
        assert_eq!(version("6.18.44\n"), "6.18.44");
        assert!(!line().rsplit_once("Linux ").expect("the kernel stands last").1.contains('-'));
    }
}
