//! A raw backend: a script per connection, counts of what each connection saw.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Listens until the process ends.
pub struct Backend {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What one connection saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    pub received: u64,
    pub sent: u64,
    pub requests: u64,
}

/// One connection of the gateway.
pub struct Peer {
    pub socket: TcpStream,
    /// Number of the connection, from 0.
    pub number: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    rest: Vec<u8>,
}

impl Backend {
    /// Runs `script` for each connection, each on its own thread.
    pub fn start(script: impl Fn(Peer) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, all) = (Arc::new(script), seen.clone());
        thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let Ok(socket) = socket else { return };
                socket.set_nodelay(true).expect("an option can be set");
                all.lock().expect("no test panics here").push(Seen::default());
                let peer = Peer { socket, number, seen: all.clone(), rest: Vec::new() };
                let script = script.clone();
                // A script that ends with an error has lost its gateway: the test sees that.
                thread::spawn(move || script(peer));
            }
        });
        Self { address, seen }
    }

    /// Answers every request with the same bytes, once its head is in.
    pub fn answering(answer: &'static str) -> Self {
        Self::start(move |mut peer| {
            loop {
                peer.request()?;
                peer.send(answer)?;
            }
        })
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics here").clone()
    }

    /// Waits until `good` holds of what was seen.
    pub fn until(&self, good: impl Fn(&[Seen]) -> bool) {
        let start = Instant::now();
        while !good(&self.seen()) {
            assert!(start.elapsed() < Duration::from_secs(20), "the backend saw {:?}", self.seen());
            thread::yield_now();
        }
    }
}

impl Peer {
    /// Reads one head and, by its `Content-Length` or chunks, its body.
    pub fn request(&mut self) -> io::Result<(String, Vec<u8>)> {
        let head = self.head()?;
        let body = if let Some(length) = crate::client::header(&head, "content-length") {
            let length = length.parse().expect("a length is a number");
            self.take(length)?
        } else if crate::client::header(&head, "transfer-encoding").is_some() {
            self.chunks()?
        } else {
            Vec::new()
        };
        self.note(|seen| seen.requests += 1);
        Ok((head, body))
    }

    pub fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.rest.drain(..end + 4).collect();
                return Ok(String::from_utf8(head).expect("heads are text"));
            }
            self.more()?;
        }
    }

    pub fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.rest.len() < length {
            self.more()?;
        }
        Ok(self.rest.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match self.rest.windows(2).position(|two| two == b"\r\n") {
                    Some(end) => break end,
                    None => self.more()?,
                }
            };
            let line: Vec<u8> = self.rest.drain(..end + 2).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            let size = usize::from_str_radix(&line, 16).expect("a chunk has a size");
            body.extend(self.take(size)?);
            self.take(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    pub fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 65536];
        let bytes = self.socket.read(&mut piece)?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.note(|seen| seen.received += bytes as u64);
        self.rest.extend_from_slice(&piece[..bytes]);
        Ok(())
    }

    /// What was read and not yet taken.
    pub fn unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }

    /// Reads until the gateway closes.
    pub fn drain(&mut self) {
        while self.more().is_ok() {}
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        // Before they are written: the test may look as soon as the gateway has them.
        self.note(|seen| seen.sent += bytes.as_ref().len() as u64);
        self.socket.write_all(bytes.as_ref())
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().expect("no test panics here")[self.number]);
    }
}
