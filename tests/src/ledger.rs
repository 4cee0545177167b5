//! The client's own ledger: what it received whole, kept apart from everything under test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crate::client::Client;

/// What the client saw of one whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path that was asked for.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes sent.
    pub req_len: u64,
    /// Bytes received.
    pub rsp_len: u64,
}

/// Entries by request id.
pub type Ledger = BTreeMap<String, Entry>;

/// Threads that ask one gateway until they are told to stop.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Ledger>>,
}

// === impl Load ===

impl Load {
    /// Starts `clients` threads that ask for `paths` in turn, each on a kept-alive connection. A
    /// broken connection is made anew: the gateway may be gone for a while.
    pub fn start(gateway: SocketAddr, host: &str, clients: usize, paths: &[&str]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let client = |number: usize| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
            let host = host.to_owned();
            std::thread::spawn(move || run(gateway, &host, number, &paths, &stop, &answered))
        };
        let clients = (0..clients).map(client).collect();
        Self { stop, answered, clients }
    }

    /// Whole answers so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// Stops the clients; gives all that they received whole.
    ///
    /// # Panics
    /// When a client panicked, or an id came twice.
    pub fn stop(self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut whole = Ledger::new();
        for client in self.clients {
            for (id, entry) in client.join().expect("a client of the load") {
                assert!(whole.insert(id, entry).is_none(), "a request id came twice");
            }
        }
        whole
    }
}

fn run(
    gateway: SocketAddr,
    host: &str,
    first: usize,
    paths: &[String],
    stop: &AtomicBool,
    answered: &AtomicU64,
) -> Ledger {
    let mut ledger = Ledger::new();
    let mut connection = None;
    for number in first.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let path = &paths[number % paths.len()];
        let request = get(host, path);
        let Some(mut client) = connection.take().or_else(|| Client::connect(gateway).ok()) else {
            std::thread::yield_now();
            continue;
        };
        let Ok(answer) = client.exchange(&request) else { continue };
        let entry = Entry {
            path: path.clone(),
            status: answer.status,
            req_len: request.len() as u64,
            rsp_len: answer.bytes,
        };
        ledger.insert(answer.req_id().to_owned(), entry);
        answered.fetch_add(1, Ordering::SeqCst);
        connection = Some(client);
    }
    ledger
}

/// A plain GET.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}
