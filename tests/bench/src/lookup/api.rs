//! A kept connection to the query API, blocking.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// No answer takes longer.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub(super) struct Api {
    socket: TcpStream,
    host: String,
    token: String,
    buffer: Vec<u8>,
}

// === impl Api ===

impl Api {
    pub(super) fn connect(url: &str, token: &str) -> Result<Self> {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let socket = TcpStream::connect(&host)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(WAIT_MAX))?;
        Ok(Self { socket, host, token: token.to_owned(), buffer: Vec::new() })
    }

    /// Milliseconds from the request to the last byte of the answer, and the answer.
    pub(super) fn get(&mut self, path: &str) -> Result<(f64, Value)> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.host, self.token
        );
        let began = Instant::now();
        self.socket.write_all(request.as_bytes())?;
        self.buffer.clear();
        let head = loop {
            let found = self.buffer.windows(4).position(|window| window == b"\r\n\r\n");
            match found {
                Some(at) => break at + 4,
                None => self.more()?,
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer has a length")?.trim().parse()?;
        while self.buffer.len() < head + length {
            self.more()?;
        }
        let ms = began.elapsed().as_secs_f64() * 1e3;
        let body = &self.buffer[head..];
        let good = text.starts_with("http/1.1 200 ");
        ensure!(good, "{path}: {text}{}", String::from_utf8_lossy(body));
        Ok((ms, serde_json::from_slice(body)?))
    }

    fn more(&mut self) -> Result<()> {
        let mut chunk = [0; 64 << 10];
        let count = self.socket.read(&mut chunk)?;
        ensure!(count > 0, "the API closed the connection");
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }
}
