//! A backend on a raw socket: answers by the path, counts what it saw.
//!
//! [`Shape`] says what a path asks for; the bytes come from the query. `/hang` is never answered.
//! A request whose own body is not the one that belongs to its number (`n=…`) is answered 400, so
//! that the client sees that it was altered on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ask::{Shape, body, upload};

/// Chunks of this size; the last one is shorter.
const CHUNK: usize = 1000;

/// A running backend; its threads end with the test's process.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where it listens.
    pub addr: SocketAddr,
    requests: Arc<AtomicU64>,
}

/// The head of a request.
struct Head {
    method: String,
    path: String,
    query: String,
    /// Bytes of its body.
    length: usize,
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
fn connection(mut socket: &TcpStream, counter: &AtomicU64) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(socket);
    loop {
        let head = head(&mut reader)?;
        counter.fetch_add(1, Ordering::SeqCst);
        let mut sent = vec![0; head.length];
        reader.read_exact(&mut sent).ok()?;
        if head.path.ends_with("/hang") {
            // Until the gateway gives up.
            reader.read_exact(&mut [0]).ok()?;
        }
        let mut shape = Shape::of(&head.path);
        if head.query.starts_with("n=") && sent != upload(&head.query, head.length) {
            shape = Shape { status: 400, length: 0, chunked: false };
        }
        socket.write_all(&answer(&head, shape)).ok()?;
    }
}

/// The head of the next request.
fn head(reader: &mut impl BufRead) -> Option<Head> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if line == "\r\n" {
            return Some(Head { method, path, query, length });
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

fn answer(head: &Head, shape: Shape) -> Vec<u8> {
    let status = shape.status;
    let mut bytes = format!("HTTP/1.1 {status} Sample\r\n").into_bytes();
    if status == 204 {
        bytes.extend_from_slice(b"\r\n");
        return bytes;
    }
    let framing = match shape.chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {}", shape.length),
    };
    bytes.extend_from_slice(format!("{framing}\r\n\r\n").as_bytes());
    if head.method == "HEAD" {
        return bytes;
    }
    let body = body(&head.query, shape.length);
    if !shape.chunked {
        bytes.extend_from_slice(&body);
        return bytes;
    }
    for piece in body.chunks(CHUNK) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
