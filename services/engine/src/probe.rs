//! Asks the engine whether it answers: one `SELECT 1` as our own user.
//!
//! By hand over a plain socket, because this crate blocks and needs no more of HTTP than a status.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::{HEADER, USER};
use crate::files::Secrets;

/// A healthy engine answers in a millisecond; a stuck one must not hold the caller.
const PATIENCE: Duration = Duration::from_secs(2);

/// Head and body of the answer to `SELECT 1` have about 500 bytes.
const ANSWER_MAX: u64 = 16 * 1024;

/// True when the engine on `port` logs our user in and computes.
pub(crate) fn answers(port: u16, secrets: &Secrets) -> bool {
    ask(port, secrets).is_ok_and(|answer| {
        answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(b"\r\n\r\n1\n")
            || answer.starts_with(b"HTTP/1.0 200 ") && answer.ends_with(b"\r\n\r\n1\n")
    })
}

fn ask(port: u16, secrets: &Secrets) -> io::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let Secrets { header, password } = secrets;
    // HTTP/1.0: the answer is not chunked, and ends with the connection.
    let request = format!(
        "GET /?query=SELECT%201 HTTP/1.0\r\nHost: 127.0.0.1\r\n{HEADER}: {header}\r\n\
         X-ClickHouse-User: {USER}\r\nX-ClickHouse-Key: {password}\r\n\r\n"
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}
