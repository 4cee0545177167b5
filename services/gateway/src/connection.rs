//! One client connection, from accept to close.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use crate::connections::Place;
use crate::life;
use crate::metrics::Count;
use crate::wire::{ClientIo, Wire};
use crate::worker::{Stage, Worker};

/// Room that hyper needs beside a head: it reads in pieces of this size.
pub(crate) const HYPER_PIECE: usize = 8192;

/// How many headers hyper takes by itself. Another limit costs it an allocation for each head.
pub(crate) const HYPER_HEADERS: usize = 100;

/// Serves one connection to its end.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    mut place: Place,
    socket: TcpStream,
    peer: SocketAddr,
) {
    worker.counters.add(Count::Connections);
    // An error means that the client is gone already.
    let Ok(local) = socket.local_addr().and_then(|local| socket.set_nodelay(true).map(|()| local))
    else {
        worker.counters.add(Count::ConnectionsClosed);
        return;
    };
    let wire = Rc::new(Wire::new(worker.clone(), socket, (peer, local), place.crowded));
    place.enter(wire.clone());
    let ended = Ended(&wire);
    drive(&wire).await;
    drop(ended);
    wire.flushed().await;
    wire.close().await;
    worker.counters.add(Count::ConnectionsClosed);
}

/// Sees to the record of an exchange that its connection leaves open, on every way out: also when
/// the task is aborted, or panics.
struct Ended<'w>(&'w Wire);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Runs hyper's half of the connection until it is done, or nobody needs it any more.
async fn drive(wire: &Rc<Wire>) {
    let limits = &wire.worker.config.limits;
    let service = service_fn(|request| life::answer(wire.clone(), request));
    let mut builder = http1::Builder::new();
    if limits.headers != HYPER_HEADERS {
        builder.max_headers(limits.headers);
    }
    let connection = builder
        .keep_alive(true)
        .half_close(false)
        .pipeline_flush(false)
        .auto_date_header(false)
        .header_read_timeout(None)
        .max_buf_size(limits.buffer.max(limits.head + HYPER_PIECE))
        .serve_connection(ClientIo(wire.clone()), service);
    let mut connection = pin!(connection);
    let mut last = false;
    poll_fn(|cx| {
        wire.register(cx.waker());
        if !last && wire.idle() && wire.worker.stage.get() != Stage::Serving {
            connection.as_mut().graceful_shutdown();
            last = true;
        }
        let done = connection.as_mut().poll(cx).is_ready();
        wire.poll_sending(cx);
        if done || wire.over() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
