//! A backend that costs little, on the load's core: 64 bytes for every request, or as many as the
//! path says (`/bytes/102400`). Bodies are read and forgotten.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process::LOAD_CORE;

/// The usual answer, in one piece.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Large bodies go out in these.
static PIECE: [u8; 64 << 10] = [b'x'; 64 << 10];

/// Answers until the program ends.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
}

// === impl Backend ===

impl Backend {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("backend".to_owned())
            .spawn(move || {
                let mut core = rustix::thread::CpuSet::new();
                core.set(LOAD_CORE);
                // On a machine with one core it stays where it is.
                rustix::thread::sched_setaffinity(None, &core).ok();
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener).expect("a bound port");
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream));
                    }
                });
            })
            .context("the backend's thread can not be started")?;
        Ok(Self { address })
    }
}

/// Requests one after the other, until the client goes.
async fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let (mut buffer, mut held) = (vec![0_u8; 64 << 10], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer[held..]).await {
        held += count;
        let Some(end) = head_end(&buffer[..held]) else {
            if held == buffer.len() {
                return;
            }
            continue;
        };
        let (body, wanted) = asked(&buffer[..end]);
        let mut left = body.saturating_sub(held - end - 4);
        while left > 0 {
            let room = left.min(buffer.len());
            let Ok(count @ 1..) = stream.read(&mut buffer[..room]).await else { return };
            left -= count;
        }
        held = 0;
        if answer(&mut stream, wanted).await.is_err() {
            return;
        }
    }
}

/// Where the empty line is.
fn head_end(bytes: &[u8]) -> Option<usize> {
    if bytes.ends_with(b"\r\n\r\n") {
        // So it mostly is; a body that ends so would be small, and ours are not.
        return Some(bytes.len() - 4);
    }
    bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")
}

async fn answer(stream: &mut TcpStream, wanted: Option<usize>) -> std::io::Result<()> {
    let Some(wanted) = wanted else { return stream.write_all(ANSWER).await };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {wanted}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut left = wanted;
    while left > 0 {
        let piece = &PIECE[..left.min(PIECE.len())];
        stream.write_all(piece).await?;
        left -= piece.len();
    }
    Ok(())
}

/// Bytes of the request's body, and of the answer's when the path names a number.
fn asked(head: &[u8]) -> (usize, Option<usize>) {
    // Of small requests, which come by the ten thousand, only the method is looked at.
    if head.starts_with(b"GET /x ") {
        return (0, None);
    }
    let text = String::from_utf8_lossy(head);
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let wanted =
        text.split_once("/bytes/").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    (length.unwrap_or(0), wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_what_it_brings_and_wants() {
        assert_eq!(asked(b"GET /x HTTP/1.1\r\nHost: a"), (0, None));
        assert_eq!(asked(b"GET /bytes/700 HTTP/1.1\r\nHost: a"), (0, Some(700)));
        assert_eq!(asked(b"POST /x HTTP/1.1\r\ncontent-length: 12"), (12, None));
    }
}
