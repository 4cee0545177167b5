//! A backend's answer, seen by the gateway's client and by hyper's.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use gateway::fuzz::{Answer, End};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};

use crate::peer::{Peer, TURNS_IDLE_MAX};

/// Bytes that begin with this are the answer to a request of that method, others to a `GET`.
const HEAD: &[u8] = b"HEAD\n";

/// hyper's buffer: a head of as many bytes is refused on both sides.
const BUFFER: usize = 8192;

/// An answer of hyper's that ended by itself.
const WHOLE: End = End::Whole { left: 0, keeps: false };

/// What the gateway understands, hyper's client understands too: the same head, the same body, the
/// same end; and the connection is kept by both or by none.
pub fn answer(bytes: &[u8]) -> bool {
    let (method, bytes) = match bytes.strip_prefix(HEAD) {
        Some(bytes) => (Method::HEAD, bytes),
        None => (Method::GET, bytes),
    };
    compare(bytes, &method)
}

/// The same, of a request of any method.
fn compare(bytes: &[u8], method: &Method) -> bool {
    let ours = gateway::fuzz::answer(bytes, method);
    let hypers = ask(bytes, method);
    let is_whole = ours.as_ref().is_some_and(|answer| answer.end != End::Cut);
    match (ours, hypers) {
        (None, None) => {}
        (Some(ours), Some((seen, keeps))) => same(ours, seen, keeps),
        (ours, hypers) => panic!("one of both has an answer: {ours:?}, {hypers:?}"),
    }
    is_whole
}

fn same(mut ours: Answer, seen: Answer, keeps: bool) {
    if let End::Whole { left, keeps: may } = ours.end {
        assert_eq!(keeps, may && left == 0, "the connection is kept by one of both: {ours:?}");
        // hyper does not tell what is behind an answer.
        ours.end = WHOLE;
    }
    assert_eq!(ours, seen);
}

/// What hyper's client makes of the bytes, and whether it would send another request.
fn ask(bytes: &[u8], method: &Method) -> Option<(Answer, bool)> {
    let server = Peer::server(bytes);
    let mut cx = Context::from_waker(Waker::noop());
    let handshake = pin!(http1::Builder::new().max_buf_size(BUFFER).handshake(&server));
    let Poll::Ready(Ok((mut sender, connection))) = handshake.poll(&mut cx) else {
        panic!("nothing is said yet");
    };
    let request = Request::builder().method(method).uri("/").body(Empty::<Bytes>::new());
    let answering = sender.send_request(request.expect("a good request"));
    let (seen, frames) = (RefCell::new(None), Cell::new(0));
    let mut reading = pin!(read(answering, &seen, &frames, &server));
    let mut connection = pin!(connection);
    let (mut idle, mut done, mut over) = (0, false, false);
    loop {
        let before = (server.left(), frames.get(), done, over);
        over = over || connection.as_mut().poll(&mut cx).is_ready();
        done = done || reading.as_mut().poll(&mut cx).is_ready();
        let now = (server.left(), frames.get(), done, over);
        idle = if before == now { idle + 1 } else { 0 };
        if idle == TURNS_IDLE_MAX {
            // The backend closes when hyper has nothing more to do with what it said.
            if done || server.close() {
                break;
            }
            idle = 0;
        }
    }
    assert!(done, "hyper waits for more than the end");
    let keeps = !over && sender.is_ready();
    seen.take().map(|answer| (answer, keeps))
}

/// Reads the answer as far as it goes.
async fn read(
    answering: impl Future<Output = hyper::Result<Response<Incoming>>>,
    seen: &RefCell<Option<Answer>>,
    frames: &Cell<usize>,
    server: &Peer<'_>,
) {
    let Ok(response) = answering.await else { return };
    let (head, mut body) = response.into_parts();
    let mut answer = Answer::begin(head);
    loop {
        match body.frame().await {
            None => {
                answer.end = if server.is_closed() { End::Close } else { WHOLE };
                break;
            }
            Some(Err(_)) => break,
            Some(Ok(frame)) => answer.take(frame),
        }
        frames.set(frames.get() + 1);
    }
    *seen.borrow_mut() = Some(answer);
}

#[cfg(test)]
mod tests;
