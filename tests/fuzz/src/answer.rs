//! A backend's answer, seen by the gateway's client and by hyper's.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use gateway::fuzz::{Answer, End};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Method, Request, Response};

/// Bytes that begin with this are the answer to a request of that method, others to a `GET`.
const HEAD: &[u8] = b"HEAD\n";

/// hyper's buffer: a head of as many bytes is refused on both sides.
const BUFFER: usize = 8192;

/// An answer of hyper's that ended by itself.
const WHOLE: End = End::Whole { left: 0, keeps: false };

/// So many turns without anything new are the end of what hyper does by itself.
const TURNS_IDLE_MAX: usize = 4;

/// What the gateway understands, hyper's client understands too: the same head, the same body, the
/// same end; and the connection is kept by both or by none.
pub fn answer(bytes: &[u8]) -> bool {
    let (method, bytes) = match bytes.strip_prefix(HEAD) {
        Some(bytes) => (Method::HEAD, bytes),
        None => (Method::GET, bytes),
    };
    let ours = gateway::fuzz::answer(bytes, &method);
    let hypers = ask(bytes, &method);
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
    let (left, asked, closed) = (Cell::new(bytes), Cell::new(false), Cell::new(false));
    let memory = Memory { left: &left, asked: &asked, closed: &closed };
    let mut cx = Context::from_waker(Waker::noop());
    let handshake = pin!(http1::Builder::new().max_buf_size(BUFFER).handshake(memory));
    let Poll::Ready(Ok((mut sender, connection))) = handshake.poll(&mut cx) else {
        panic!("nothing is said yet");
    };
    let request = Request::builder().method(method).uri("/").body(Empty::<Bytes>::new());
    let answering = sender.send_request(request.expect("a good request"));
    let (seen, frames) = (RefCell::new(None), Cell::new(0));
    let mut reading = pin!(read(answering, &seen, &frames, &closed));
    let mut connection = pin!(connection);
    let (mut idle, mut done, mut over) = (0, false, false);
    loop {
        let before = (left.get().len(), frames.get(), done, over);
        over = over || connection.as_mut().poll(&mut cx).is_ready();
        done = done || reading.as_mut().poll(&mut cx).is_ready();
        let now = (left.get().len(), frames.get(), done, over);
        idle = if before == now { idle + 1 } else { 0 };
        if idle == TURNS_IDLE_MAX {
            // The backend closes when hyper has nothing more to do with what it said.
            if done || closed.replace(true) {
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
    closed: &Cell<bool>,
) {
    let Ok(response) = answering.await else { return };
    let (mut head, mut body) = response.into_parts();
    let reason = head.extensions.remove::<ReasonPhrase>();
    let mut answer = Answer {
        status: head.status.as_u16(),
        reason: reason.map(|reason| reason.as_bytes().to_vec()),
        headers: head.headers,
        body: Vec::new(),
        trailers: None,
        end: End::Cut,
    };
    loop {
        match body.frame().await {
            None => {
                answer.end = if closed.get() { End::Close } else { WHOLE };
                break;
            }
            Some(Err(_)) => break,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => answer.body.extend_from_slice(&data),
                Err(frame) => answer.trailers = frame.into_trailers().ok(),
            },
        }
        frames.set(frames.get() + 1);
    }
    *seen.borrow_mut() = Some(answer);
}

/// A socket whose other side speaks when it was spoken to, and closes when it is told to.
struct Memory<'m> {
    left: &'m Cell<&'m [u8]>,
    asked: &'m Cell<bool>,
    closed: &'m Cell<bool>,
}

impl Read for Memory<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.left.get().split_at(cursor.remaining().min(self.left.get().len()));
        if !self.asked.get() || (now.is_empty() && !self.closed.get()) {
            return Poll::Pending;
        }
        cursor.put_slice(now);
        self.left.set(later);
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.asked.set(true);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
