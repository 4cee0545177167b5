//! A raw client: it counts what it sends and gets, and parses just enough.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub struct Client {
    pub socket: TcpStream,
    pub sent: u64,
    pub received: u64,
    /// Received, and not yet part of an answer.
    rest: Vec<u8>,
}

/// One answer, as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// On the wire.
    pub bytes: u64,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the gateway listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        socket.set_nodelay(true).expect("an option can be set");
        Self { socket, sent: 0, received: 0, rest: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).expect("the gateway takes bytes");
        self.sent += bytes.as_ref().len() as u64;
    }

    /// Sends a whole request and reads its answer.
    pub fn call(&mut self, request: &str) -> Answer {
        self.send(request);
        self.answer(request.starts_with("HEAD"))
    }

    /// Reads the next answer, `1xx` ones left out but counted.
    pub fn answer(&mut self, head_only: bool) -> Answer {
        self.try_answer(head_only).expect("the gateway answers")
    }

    pub fn try_answer(&mut self, head_only: bool) -> io::Result<Answer> {
        let mut bytes = 0;
        loop {
            let head = self.head()?;
            bytes += head.len() as u64;
            let status = head[9..12].parse().expect("a status line has a status");
            if (100..200).contains(&status) {
                continue;
            }
            let none = head_only || matches!(status, 204 | 304);
            let (body, wire) = if none { (Vec::new(), 0) } else { self.body(&head)? };
            return Ok(Answer { status, head, body, bytes: bytes + wire });
        }
    }

    /// Reads up to and including an empty line.
    pub fn head(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.rest.drain(..end + 4).collect();
                return Ok(String::from_utf8(head).expect("heads are text"));
            }
            self.more()?;
        }
    }

    fn body(&mut self, head: &str) -> io::Result<(Vec<u8>, u64)> {
        if let Some(length) = header(head, "content-length") {
            let length: usize = length.parse().expect("a length is a number");
            return Ok((self.take(length)?, length as u64));
        }
        if header(head, "transfer-encoding").is_none() {
            while self.more().is_ok() {}
            let body = std::mem::take(&mut self.rest);
            let bytes = body.len() as u64;
            return Ok((body, bytes));
        }
        let (mut body, mut bytes) = (Vec::new(), 0);
        loop {
            let line = self.line()?;
            bytes += line.len() as u64 + 2;
            let size = usize::from_str_radix(&line, 16).expect("a chunk has a size");
            if size == 0 {
                break;
            }
            body.extend(self.take(size)?);
            self.take(2)?;
            bytes += size as u64 + 2;
        }
        loop {
            let line = self.line()?;
            bytes += line.len() as u64 + 2;
            if line.is_empty() {
                return Ok((body, bytes));
            }
        }
    }

    pub fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.rest.len() < length {
            self.more()?;
        }
        Ok(self.rest.drain(..length).collect())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.rest.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 16384];
        let bytes = self.socket.read(&mut piece)?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.received += bytes as u64;
        self.rest.extend_from_slice(&piece[..bytes]);
        Ok(())
    }

    /// Reads until the gateway closes; gives what was left.
    pub fn drain(&mut self) -> Vec<u8> {
        while self.more().is_ok() {}
        std::mem::take(&mut self.rest)
    }

    /// Leaves: no more bytes in either direction.
    pub fn leave(self) {
        // The gateway may have closed first.
        let _closed = self.socket.shutdown(Shutdown::Both);
    }
}

/// The value of a header.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The request id.
    pub fn id(&self) -> &str {
        self.header("x-api-requestid").expect("every answer has its request id")
    }
}
