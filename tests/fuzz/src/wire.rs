//! The wire: where requests begin and end, seen by the gateway, by hyper, and counted by hand.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};

use crate::peer::{Peer, TURNS_IDLE_MAX};

/// Sent behind each request. A server that sees another end of the request does not see this one.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n";

/// A request as hyper hands it over.
struct Seen {
    head: Parts,
    body: Bytes,
}

/// What framing lets pass is one request for hyper too: the same target, a body of the same bytes,
/// and then the next request.
pub fn wire(bytes: &[u8]) -> bool {
    let mut start = 0;
    let requests = gateway::fuzz::requests(bytes);
    for end in &requests.ends {
        one(&bytes[start..*end]);
        start = *end;
    }
    !requests.ends.is_empty()
}

fn one(request: &[u8]) {
    let seen = serve(&[request, NEXT].concat());
    let Some(Seen { head, body }) = seen.first() else { panic!("hyper refuses it") };
    let target = target(request);
    if target.starts_with(b"/") {
        let found = head.uri.path_and_query().map(|target| target.as_str().as_bytes());
        assert_eq!((found, head.uri.authority()), (Some(target), None), "another target");
    } else {
        assert_eq!(Ok(&head.uri), target.try_into().as_ref().map_err(|_| ()), "another target");
    }
    let (length, expected) = body_of(request, head);
    assert_eq!(length, request.len(), "the request has another length");
    assert_eq!(body[..], expected[..], "another body");
    match seen.get(1) {
        Some(next) => assert_eq!((next.head.uri.path(), seen.len()), ("/next", 2)),
        None => assert!(closes(head), "hyper takes no next request"),
    }
}

/// The second word of the request line.
fn target(request: &[u8]) -> &[u8] {
    request.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

/// Whether a server may end the connection after this request.
fn closes(head: &Parts) -> bool {
    head.version == Version::HTTP_10 || head.headers.contains_key("connection")
}

/// How long the request is, and its body without the frames of chunks; counted in the plainest way.
fn body_of(request: &[u8], head: &Parts) -> (usize, Vec<u8>) {
    let start =
        request.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head's end") + 4;
    let mut at = start;
    if head.headers.contains_key(TRANSFER_ENCODING) {
        let mut body = Vec::new();
        loop {
            let line = line(&request[at..]);
            at += line.len() + 2;
            let digits: String =
                line.iter().map(|byte| char::from(*byte)).take_while(|sign| *sign != ';').collect();
            let size = usize::from_str_radix(&digits, 16).expect("the size of a chunk");
            if size == 0 {
                break;
            }
            body.extend_from_slice(&request[at..at + size]);
            at += size + 2;
        }
        loop {
            let trailer = line(&request[at..]);
            at += trailer.len() + 2;
            if trailer.is_empty() {
                return (at, body);
            }
        }
    }
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.map_or("0", |value| value.to_str().expect("digits"));
    let length: usize = length.parse().expect("a length");
    (start + length, request[start..start + length].to_vec())
}

/// What stands before the next CR LF.
fn line(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).position(|bytes| bytes == b"\r\n").expect("a line's end");
    &bytes[..end]
}

/// The requests that hyper finds in a connection's bytes. Its sizes are those of the gateway.
fn serve(bytes: &[u8]) -> Vec<Seen> {
    let (seen, client) = (RefCell::new(Vec::new()), Peer::client(bytes));
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        if let Ok(body) = body.collect().await {
            seen.borrow_mut().push(Seen { head, body: body.to_bytes() });
        }
        // Never an upgrade: of CONNECT neither.
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, Infallible>(response)
    });
    let connection = http1::Builder::new()
        .keep_alive(true)
        .half_close(false)
        .auto_date_header(false)
        .header_read_timeout(None)
        .max_buf_size(64 * 1024)
        .serve_connection(&client, service);
    let mut connection = pin!(connection);
    let mut cx = Context::from_waker(Waker::noop());
    let (mut idle, mut before) = (0, (0, bytes.len()));
    while idle < TURNS_IDLE_MAX && connection.as_mut().poll(&mut cx).is_pending() {
        let now = (seen.borrow().len(), client.left());
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
    }
    seen.take()
}
