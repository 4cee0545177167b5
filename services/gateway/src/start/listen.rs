//! The sockets of a gateway.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::StartError;

/// Connections that the kernel keeps until a worker takes them.
const BACKLOG: i32 = 1024;

/// One listener per worker on the same port; the kernel spreads connections over them.
pub(super) fn listen(address: SocketAddr, workers: u16) -> Result<Vec<TcpListener>, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { address },
        _ => StartError::Listen { address, source },
    };
    if address.port() != 0 {
        // With shared ports a second gateway of the same user would be let in, and take half of
        // the connections. Without, the kernel says so.
        drop(bind(address, false).map_err(failed)?);
    }
    let first = bind(address, true).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(bind(bound, true).map_err(failed)?);
    }
    Ok(listeners)
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
