//! A blocking HTTP/1.1 client over a raw socket that counts every byte it sends and receives.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No test waits longer for one answer.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug)]
pub struct Client {
    socket: TcpStream,
    /// Read, but not yet part of an answer.
    rest: Vec<u8>,
}

/// A whole answer, as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of the status line.
    pub status: u16,
    /// Head lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without chunk framing.
    pub body: Vec<u8>,
    /// All bytes of the answer on the wire: head, framing, body.
    pub bytes: u64,
}

// === impl Answer ===

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The gateway's request id.
    ///
    /// # Panics
    /// When the answer carries none: every answer of the gateway does.
    pub fn req_id(&self) -> &str {
        self.header("x-api-requestid").expect("every answer carries X-Api-RequestId")
    }
}

// === impl Client ===

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// As the socket says.
    pub fn connect(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&addr, WAIT_MAX)?;
        socket.set_read_timeout(Some(WAIT_MAX))?;
        socket.set_write_timeout(Some(WAIT_MAX))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, rest: Vec::new() })
    }

    /// Writes raw bytes.
    ///
    /// # Errors
    /// As the socket says.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// The socket, for tests that leave in the middle.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Reads one whole answer; `head` says that the request was a HEAD.
    ///
    /// # Errors
    /// `UnexpectedEof` when the answer is not whole; `InvalidData` when it is no HTTP.
    pub fn answer(&mut self, head: bool) -> io::Result<Answer> {
        let end = self.find(b"\r\n\r\n")?;
        let text: Vec<u8> = self.rest.drain(..end).collect();
        let text = String::from_utf8(text).map_err(|_| invalid("head is not UTF-8"))?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|word| word.parse().ok());
        let status: u16 = status.ok_or_else(|| invalid("no status line"))?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        let mut answer = Answer { status, headers, body: Vec::new(), bytes: end as u64 };
        if status == 100 {
            return self.answer(head);
        }
        if !head && !matches!(status, 204 | 304) {
            self.body(&mut answer)?;
        }
        Ok(answer)
    }

    /// One request, one answer.
    ///
    /// # Errors
    /// As [`Client::send`] and [`Client::answer`].
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request)?;
        self.answer(request.starts_with(b"HEAD "))
    }

    fn body(&mut self, answer: &mut Answer) -> io::Result<()> {
        if answer.header("transfer-encoding").is_some_and(|value| value.ends_with("chunked")) {
            return self.chunks(answer);
        }
        let Some(length) = answer.header("content-length") else {
            return Err(invalid("an answer without length"));
        };
        let length: usize = length.parse().map_err(|_| invalid("a bad length"))?;
        answer.body = self.take(length)?;
        answer.bytes += length as u64;
        Ok(())
    }

    fn chunks(&mut self, answer: &mut Answer) -> io::Result<()> {
        loop {
            let end = self.find(b"\r\n")?;
            let line: Vec<u8> = self.rest.drain(..end).collect();
            let size = std::str::from_utf8(&line).ok().map(str::trim);
            let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.ok_or_else(|| invalid("a bad chunk size"))?;
            let chunk = self.take(size + 2)?;
            answer.bytes += (end + size + 2) as u64;
            answer.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// Reads until `mark` is there; gives the position behind it.
    fn find(&mut self, mark: &[u8]) -> io::Result<usize> {
        loop {
            let found = self.rest.windows(mark.len()).position(|window| window == mark);
            if let Some(at) = found {
                return Ok(at + mark.len());
            }
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.rest.len() < length {
            self.more()?;
        }
        Ok(self.rest.drain(..length).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        let count = self.socket.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.extend_from_slice(&buffer[..count]);
        Ok(())
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
