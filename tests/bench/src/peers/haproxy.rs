//! HAProxy in our gateway's place: one thread, no log, paths forwarded as they came.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Setup, accepting, free_port};
use crate::process::{PROXY_CORE, Process, find};

pub(super) fn start(setup: &Setup, folder: &Path) -> Result<(SocketAddr, Vec<Process>)> {
    let address = free_port()?;
    fs::write(folder.join("haproxy.cfg"), configuration(setup, address))?;
    fs::write(folder.join("paths.map"), paths(setup.apis))?;
    let program = find("haproxy").context("haproxy is missing")?;
    let args = ["-db", "-f", "haproxy.cfg"];
    let mut process = Process::start(&program, &args, folder, PROXY_CORE)?;
    accepting(&mut process, address)?;
    Ok((address, vec![process]))
}

fn configuration(setup: &Setup, address: SocketAddr) -> String {
    let Setup { backend, apis, .. } = setup;
    let mut text = format!(
        "global\n\
        \x20 nbthread 1\n\
        \x20 maxconn 4000\n\
         defaults\n\
        \x20 mode http\n\
        \x20 timeout connect 3s\n\
        \x20 timeout client 75s\n\
        \x20 timeout server 60s\n\
        \x20 option http-keep-alive\n\
        \x20 http-reuse always\n\
        \x20 option forwardfor\n\
         frontend front\n\
        \x20 bind {address}\n\
        \x20 use_backend %[path,map_beg(paths.map,none)]\n\
         backend none\n\
        \x20 http-request return status 404\n"
    );
    for number in 0..*apis {
        // Writing to a text does not fail.
        writeln!(text, "backend api-{number}\n  server one {backend}").expect("a text");
    }
    text
}

fn paths(apis: u32) -> String {
    let line = |number: u32| format!("/release/api-{number}/ api-{number}\n");
    (0..apis).map(line).collect()
}
