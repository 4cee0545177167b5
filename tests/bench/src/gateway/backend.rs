//! A backend that costs little: 64 bytes for every request, on the load's core.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::load::CORE;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 64\r\n\r\n\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Answers until the program ends.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
}

// === impl Backend ===

impl Backend {
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("backend".to_owned())
            .spawn(move || {
                let mut core = rustix::thread::CpuSet::new();
                core.set(CORE);
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

/// Requests without a body, one after the other.
async fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let (mut buffer, mut held) = ([0_u8; 8192], 0);
    while let Ok(count @ 1..) = stream.read(&mut buffer[held..]).await {
        held += count;
        if buffer[..held].ends_with(b"\r\n\r\n") {
            held = 0;
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        } else if held == buffer.len() {
            return;
        }
    }
}
