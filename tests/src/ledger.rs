//! The client's own ledger: what it received whole, kept apart from everything under test.
//!
//! Every request carries a number of its own in its query, so that also a record whose answer never
//! came whole can be told to be one that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::{Answer, Client};
use crate::wait;

/// A gateway that is killed is back within it.
const BACK_MAX: Duration = Duration::from_secs(60);

/// What the client saw of one whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it was sent.
    pub method: String,
    /// As it was sent.
    pub host: String,
    /// The path that was asked for, without the query.
    pub path: String,
    /// The query that was sent: the request's own number.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes sent.
    pub req_len: u64,
    /// Bytes received.
    pub rsp_len: u64,
}

/// What a client, or several, saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Answers that came whole, by request id.
    pub whole: BTreeMap<String, Entry>,
    /// Whole answers that say that there is no room for a record (503 with `Retry-After`), by
    /// request id: the product promises that these have no record.
    pub refused: BTreeMap<String, Entry>,
    /// Queries of requests whose answer did not come whole.
    pub torn: BTreeSet<String>,
}

/// Threads that ask one gateway until they are told to stop.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Ledger>>,
}

#[derive(Debug)]
struct Shared {
    /// None while it is away: its port may be another's then.
    gateway: Mutex<Option<SocketAddr>>,
    stop: AtomicBool,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// A request to be made again and again.
#[derive(Debug, Clone)]
struct Ask {
    method: String,
    path: String,
    body: usize,
}

// === impl Ledger ===

impl Ledger {
    /// Adds what another client saw.
    ///
    /// # Panics
    /// When an id, or the number of a request, came twice.
    pub fn merge(&mut self, other: Self) {
        let (ids, torn) = (self.whole.len() + self.refused.len(), self.torn.len());
        let (more, more_torn) = (other.whole.len() + other.refused.len(), other.torn.len());
        self.whole.extend(other.whole);
        self.refused.extend(other.refused);
        self.torn.extend(other.torn);
        let all: BTreeSet<&String> = self.whole.keys().chain(self.refused.keys()).collect();
        assert_eq!(all.len(), ids + more, "a request id came twice");
        assert_eq!(self.torn.len(), torn + more_torn, "a request's number came twice");
    }

    /// How many of the whole answers were made by the backend.
    pub fn from_backend(&self) -> u64 {
        self.whole.values().filter(|entry| entry.asked_backend()).count() as u64
    }
}

// === impl Entry ===

impl Entry {
    /// True for a path that the configuration of [`crate::world::World`] sends to the backend.
    pub fn asked_backend(&self) -> bool {
        self.routed() && !self.mocked()
    }

    /// True for a path that a mock answers.
    pub fn mocked(&self) -> bool {
        self.routed() && self.path.starts_with("/release/mock/")
    }

    fn routed(&self) -> bool {
        self.host == crate::world::HOST && self.path.starts_with("/release/")
    }
}

// === impl Load ===

impl Load {
    /// Starts `clients` threads that make the `asks` in turn. An ask is a path, or
    /// `METHOD PATH BYTES-OF-BODY`. Two of three clients keep their connection, the third makes
    /// each request on a fresh one. A connection that breaks is made anew: the gateway may be gone
    /// for a while.
    ///
    /// # Panics
    /// When an ask is not of that form.
    pub fn start(gateway: SocketAddr, host: &str, clients: usize, asks: &[&str]) -> Self {
        let shared = Arc::new(Shared {
            gateway: Mutex::new(Some(gateway)),
            stop: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let asks: Vec<Ask> = asks.iter().map(|text| Ask::parse(text)).collect();
        let client = |number: usize| {
            let (shared, asks, host) = (Arc::clone(&shared), asks.clone(), host.to_owned());
            std::thread::spawn(move || shared.run(number, &host, &asks))
        };
        let clients = (0..clients).map(client).collect();
        Self { shared, clients }
    }

    /// The gateway is there again, at another address.
    ///
    /// # Panics
    /// When a client panicked.
    pub fn aim(&self, gateway: SocketAddr) {
        *self.shared.gateway.lock().expect("no client panicked") = Some(gateway);
    }

    /// The gateway is about to go: those who have a connection go on with it, new ones are made
    /// after [`Load::aim`] only.
    ///
    /// # Panics
    /// When a client panicked.
    pub fn hold(&self) {
        *self.shared.gateway.lock().expect("no client panicked") = None;
    }

    /// Whole answers so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Of these, the ones that say that there is no room.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Waits for so many more whole answers.
    ///
    /// # Panics
    /// When they do not come.
    pub fn more(&self, count: u64) {
        let goal = self.answered() + count;
        wait::until("whole answers", BACK_MAX, || (self.answered() >= goal).then_some(()));
    }

    /// Stops the clients; gives all that they saw.
    ///
    /// # Panics
    /// When a client panicked, or an id came twice.
    pub fn stop(self) -> Ledger {
        self.shared.stop.store(true, Ordering::SeqCst);
        let mut ledger = Ledger::default();
        for client in self.clients {
            ledger.merge(client.join().expect("a client of the load"));
        }
        ledger
    }
}

// === impl Shared ===

impl Shared {
    fn run(&self, client: usize, host: &str, asks: &[Ask]) -> Ledger {
        let keeps = client % 3 != 2;
        let mut ledger = Ledger::default();
        let mut connection = None;
        for number in 0.. {
            if self.stopped() {
                break;
            }
            let Some(mut open) = connection.take().or_else(|| self.connect()) else { break };
            let ask = &asks[(client + number) % asks.len()];
            let query = format!("n={host}-{client}-{number}");
            let request = ask.request(host, &query);
            match open.exchange(&request) {
                Ok(answer) => {
                    let closes = answer.header("connection") == Some("close");
                    self.whole(&mut ledger, ask, host, query, request.len(), &answer);
                    connection = (keeps && !closes).then_some(open);
                }
                Err(_) => assert!(ledger.torn.insert(query), "each request has its number"),
            }
        }
        ledger
    }

    fn whole(
        &self,
        ledger: &mut Ledger,
        ask: &Ask,
        host: &str,
        query: String,
        req_len: usize,
        answer: &Answer,
    ) {
        let entry = Entry {
            method: ask.method.clone(),
            host: host.to_owned(),
            path: ask.path.clone(),
            query,
            status: answer.status,
            req_len: req_len as u64,
            rsp_len: answer.bytes,
        };
        let seconds = answer.header("retry-after").map(str::parse::<u32>);
        let refused = answer.status == 503 && matches!(seconds, Some(Ok(1..)));
        let answers = if refused { &mut ledger.refused } else { &mut ledger.whole };
        let before = answers.insert(answer.req_id().to_owned(), entry);
        assert_eq!(before, None, "a request id came twice");
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.refused.fetch_add(u64::from(refused), Ordering::SeqCst);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// None when told to stop.
    fn connect(&self) -> Option<Client> {
        wait::until("a connection", BACK_MAX, || {
            if self.stopped() {
                return Some(None);
            }
            let gateway = *self.gateway.lock().expect("no client panicked");
            Client::connect(gateway?).ok().map(Some)
        })
    }
}

// === impl Ask ===

impl Ask {
    fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let (method, path, body) = match words.as_slice() {
            [path] => ("GET", path, 0),
            [method, path, body] => (*method, path, body.parse().expect("bytes of the body")),
            _ => panic!("`{text}` is no ask"),
        };
        Self { method: method.to_owned(), path: (*path).to_owned(), body }
    }

    fn request(&self, host: &str, query: &str) -> Vec<u8> {
        let Self { method, path, body } = self;
        let mut request = format!("{method} {path}?{query} HTTP/1.1\r\nHost: {host}\r\n");
        if *body > 0 {
            request.push_str(&format!("Content-Length: {body}\r\n"));
        }
        let mut request = format!("{request}\r\n").into_bytes();
        request.resize(request.len() + body, b'b');
        request
    }
}

/// A plain GET.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}
