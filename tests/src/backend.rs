//! A backend on a raw socket: answers by the path, counts what it saw.
//!
//! `/status/N` answers with that status, `/size/N` with that many bytes, `/chunked/N` with a
//! chunked body of that many bytes, `/hang` never; everything else answers 200 with the path as
//! body.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A running backend; its threads end with the test's process.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where it listens.
    pub addr: SocketAddr,
    requests: Arc<AtomicU64>,
}

// === impl Backend ===

impl Backend {
    /// Starts one on a free port of the loopback address.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || connection(&socket, &counter));
            }
        });
        Self { addr, requests }
    }

    /// How many request heads it has seen.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Serves one connection until either side ends it; an error of the socket is such an end.
fn connection(socket: &TcpStream, counter: &AtomicU64) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(socket);
    loop {
        let (method, path, length) = head(&mut reader)?;
        counter.fetch_add(1, Ordering::SeqCst);
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        let number = path.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
        let mut out = Out { socket, bodies: method != "HEAD" };
        if path.ends_with("/hang") {
            // Until the gateway gives up.
            reader.read_exact(&mut [0]).ok()?;
        } else if path.contains("/status/") {
            answer(&mut out, number.unwrap_or(200), path.as_bytes())?;
        } else if path.contains("/size/") {
            answer(&mut out, 200, &vec![b'.'; number.unwrap_or(0)])?;
        } else if path.contains("/chunked/") {
            chunked(&mut out, number.unwrap_or(0))?;
        } else {
            answer(&mut out, 200, path.as_bytes())?;
        }
    }
}

/// Where answers go.
struct Out<'s> {
    socket: &'s TcpStream,
    /// False when a HEAD was asked.
    bodies: bool,
}

/// Method, path and length of the body of the next request.
fn head(reader: &mut impl BufRead) -> Option<(String, String, u64)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let path = target.split('?').next()?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if line == "\r\n" {
            return Some((method, path, length));
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

fn answer(out: &mut Out<'_>, status: usize, body: &[u8]) -> Option<()> {
    let body = if status == 204 { &[] } else { body };
    let mut bytes = format!("HTTP/1.1 {status} Sample\r\n").into_bytes();
    if status != 204 {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if out.bodies {
        bytes.extend_from_slice(body);
    }
    out.socket.write_all(&bytes).ok()
}

fn chunked(out: &mut Out<'_>, length: usize) -> Option<()> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in vec![b'c'; length].chunks(1000) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    out.socket.write_all(&bytes).ok()
}
