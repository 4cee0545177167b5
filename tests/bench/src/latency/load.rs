//! Requests at a fixed rate over kept connections, and when each response was there.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

/// Connections, each with a thread of its own.
pub(super) const OPEN: u32 = 16;
/// Of the service.
pub(super) const HOST: &str = "bench.example.test";
/// No response takes longer.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// One response.
pub(super) struct Answered {
    pub(super) req_id: String,
    pub(super) at: Instant,
}

/// Asks so many times per second, for so long; in the order of the responses.
pub(super) fn run(gateway: SocketAddr, rate: u32, length: Duration) -> Result<Vec<Answered>> {
    let began = Instant::now();
    let every = Duration::from_secs(1) * OPEN / rate;
    let clients: Vec<_> = (0..OPEN)
        .map(|number| {
            let first = began + every * number / OPEN;
            thread::spawn(move || client(gateway, first, every, began + length))
        })
        .collect();
    let mut answered = Vec::new();
    for client in clients {
        answered.extend(client.join().map_err(|_| anyhow!("a client panicked"))??);
    }
    answered.sort_by_key(|answered| answered.at);
    Ok(answered)
}

/// Who is late asks at once, so the rate holds.
fn client(
    gateway: SocketAddr,
    first: Instant,
    every: Duration,
    end: Instant,
) -> Result<Vec<Answered>> {
    let mut socket = TcpStream::connect(gateway)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(WAIT_MAX))?;
    let request = format!("GET /release/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let (mut answered, mut due) = (Vec::new(), first);
    while due < end {
        // It may wake too early.
        while let left @ 1.. = due.saturating_duration_since(Instant::now()).as_nanos() {
            thread::park_timeout(Duration::from_nanos(u64::try_from(left).unwrap_or(0)));
        }
        socket.write_all(request.as_bytes())?;
        answered.push(answer(&mut socket)?);
        due += every;
    }
    Ok(answered)
}

/// A response whose body is empty.
fn answer(socket: &mut TcpStream) -> Result<Answered> {
    let (mut buffer, mut held) = ([0; 4096], 0);
    while !buffer[..held].ends_with(b"\r\n\r\n") {
        let count = socket.read(&mut buffer[held..])?;
        ensure!(count > 0, "the gateway closed a connection");
        held += count;
    }
    let at = Instant::now();
    let text = String::from_utf8_lossy(&buffer[..held]).to_ascii_lowercase();
    ensure!(text.starts_with("http/1.1 200 "), "the gateway answered {text}");
    let id = text.lines().find_map(|line| line.strip_prefix("x-api-requestid:"));
    let req_id = id.context("a response carries its id")?.trim().to_owned();
    Ok(Answered { req_id, at })
}
