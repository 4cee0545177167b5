//! What clients ask, and what must come back, byte for byte.
//!
//! A body is a function of a seed and a length ([`body`]). The seed is the query, which no two
//! requests share, so a byte that is lost, doubled, moved, or of another request is seen. Backend
//! and client compute it apart from each other; the gateway between them knows nothing of it.

use crate::client::Answer;
use crate::world::HOST;

/// Every kind of answer that needs no time-out: the backend's and our own, with and without bodies
/// either way, in both framings, good ones and errors.
pub const ASKS: &[&str] = &[
    "/release/x",
    "POST /release/y 2000",
    "/release/status/404",
    "POST /release/status/500 1",
    "/release/size/50000",
    "/release/status/204",
    "/release/chunked/3000",
    "HEAD /release/x 0",
    "PUT /release/chunked/10 70000",
    "/release/status/503/chunked/4000",
    "POST /release/status/418/size/20000 10",
    "/release/mock/a",
    "POST /release/mock/a 10",
    "/nowhere/x",
];

/// What [`World`](crate::world::World)'s mock answers.
const MOCK: &[u8] = b"hello";

/// Length of a body whose path does not say it.
const PLAIN: usize = 40;

/// A request to be made again and again.
#[derive(Debug, Clone)]
pub struct Ask {
    /// As it is sent.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Bytes of the request's body.
    pub body: usize,
}

/// What the backend answers to a path: `/status/N`, `/size/N` and `/chunked/N` may stand in it in
/// any combination; without a length, an error is as long as its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the body, without framing.
    pub length: usize,
    /// Whether the body comes in chunks.
    pub chunked: bool,
}

/// The bytes that belong to a seed.
pub fn body(seed: &str, length: usize) -> Vec<u8> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = seed.bytes().fold(0xcbf2_9ce4_8422_2325, hash) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The body of a request with this query.
pub fn upload(query: &str, length: usize) -> Vec<u8> {
    body(&format!("up {query}"), length)
}

// === impl Shape ===

impl Shape {
    /// What a path asks for.
    pub fn of(path: &str) -> Self {
        let words: Vec<&str> = path.split('/').collect();
        let after = |name: &str| {
            let pair = words.windows(2).find(|pair| pair[0] == name)?;
            pair[1].parse::<usize>().ok()
        };
        let (status, chunks) = (after("status"), after("chunked"));
        let length = chunks.or(after("size")).or(status).unwrap_or(PLAIN);
        let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        Self { status, length, chunked: chunks.is_some() }
    }
}

// === impl Ask ===

impl Ask {
    /// Reads `PATH`, or `METHOD PATH BYTES-OF-BODY`.
    ///
    /// # Panics
    /// When it is neither.
    pub fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let (method, path, body) = match words.as_slice() {
            [path] => ("GET", path, 0),
            [method, path, body] => (*method, path, body.parse().expect("bytes of the body")),
            _ => panic!("`{text}` is no ask"),
        };
        Self { method: method.to_owned(), path: (*path).to_owned(), body }
    }

    /// The bytes of the request.
    pub fn request(&self, host: &str, query: &str) -> Vec<u8> {
        let Self { method, path, body } = self;
        let mut request = format!("{method} {path}?{query} HTTP/1.1\r\nHost: {host}\r\n");
        if *body > 0 {
            request.push_str(&format!("Content-Length: {body}\r\n"));
        }
        let mut request = format!("{request}\r\n").into_bytes();
        request.extend(upload(query, *body));
        request
    }

    /// FAULT-1: what differs from the answer that the backend gave, or the mock, if anything.
    pub fn altered(&self, host: &str, query: &str, answer: &Answer) -> Option<String> {
        if host != HOST || !self.path.starts_with("/release/") {
            return None;
        }
        let mocked = self.path.starts_with("/release/mock/");
        let shape = Shape::of(&self.path);
        let (status, mut expect) = match mocked {
            true => (200, MOCK.to_vec()),
            false => (shape.status, body(query, shape.length)),
        };
        if self.method == "HEAD" || status == 204 {
            expect.clear();
        }
        let what = format!("{} {}?{query}", self.method, self.path);
        if answer.status != status {
            return Some(format!("{what}: status {}, not {status}", answer.status));
        }
        if answer.body == expect {
            return None;
        }
        let same = answer.body.iter().zip(&expect).take_while(|(found, expect)| found == expect);
        let (same, found) = (same.count(), answer.body.len());
        let expect = expect.len();
        Some(format!("{what}: {found} bytes of {expect}, others from byte {same} on"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_its_answer_is() {
        let shape = |status, length, chunked| Shape { status, length, chunked };
        assert_eq!(Shape::of("/x"), shape(200, PLAIN, false));
        assert_eq!(Shape::of("/status/404"), shape(404, 404, false));
        assert_eq!(Shape::of("/status/503/chunked/7"), shape(503, 7, true));
        assert_eq!(Shape::of("/size/50000"), shape(200, 50_000, false));
    }

    #[test]
    fn an_altered_byte_is_seen_and_so_is_another_requests_body() {
        let ask = Ask::parse("/release/status/404/chunked/3000");
        let headers = Vec::new();
        let answer = Answer { status: 404, headers, body: body("n=1", 3000), bytes: 0 };
        assert_eq!(ask.altered(HOST, "n=1", &answer), None);
        let said = ask.altered(HOST, "n=2", &answer).expect("another body");
        assert!(said.ends_with("3000 bytes of 3000, others from byte 0 on"), "{said}");
        let mut bad = answer.clone();
        bad.body[2999] ^= 1;
        let said = ask.altered(HOST, "n=1", &bad).expect("another byte");
        assert!(said.ends_with("others from byte 2999 on"), "{said}");
        bad.status = 200;
        let said = ask.altered(HOST, "n=1", &bad).expect("another status");
        assert!(said.ends_with("status 200, not 404"), "{said}");
    }
}
