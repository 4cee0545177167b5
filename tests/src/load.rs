//! Threads that ask gateways until they are told to stop, or have made all their requests.
//!
//! A client behaves as a good one does: it makes a new connection when one broke, to a gateway that
//! is there, and waits while none is. So a gateway that is gone costs the requests that were on
//! their way, and no more. A request is sent once; whether to repeat it is not this client's to
//! decide.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ask::Ask;
use crate::client::{Answer, Client};
use crate::ledger::{Entry, Ledger, Outcome};
use crate::wait;

/// A gateway that is killed is back within it.
const BACK_MAX: Duration = Duration::from_secs(60);

/// Whoever holds a load back lets it go on within it.
const LEAVE_MAX: Duration = Duration::from_secs(300);

/// What a load does.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The gateways that are there.
    pub gateways: &'a [SocketAddr],
    /// The host that is asked for.
    pub host: &'a str,
    /// Threads. Two of three keep their connection, the third makes each request on a fresh one.
    pub clients: usize,
    /// What they ask in turn: see [`Ask::parse`].
    pub asks: &'a [&'a str],
    /// How many requests are made; without it, as many as there is time for.
    pub requests: Option<u64>,
    /// A folder for the ledger, which is not kept in memory then.
    pub disk: Option<&'a Path>,
}

/// Running clients.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Ledger>>,
}

#[derive(Debug)]
struct Shared {
    host: String,
    asks: Vec<Ask>,
    /// None while one is away: its port may be another's then.
    gateways: Mutex<Vec<Option<SocketAddr>>>,
    /// Whose turn it is among the gateways.
    turn: AtomicUsize,
    stop: AtomicBool,
    /// How many requests are made in all.
    requests: u64,
    /// How many of them may be made by now.
    allowed: AtomicU64,
    /// How many have begun, or wait for leave.
    begun: AtomicU64,
    /// Requests whose outcome is known.
    made: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// Where one client keeps what it saw.
struct Book {
    ledger: Ledger,
    disk: Option<File>,
}

// === impl Load ===

impl Load {
    /// Clients that ask one gateway, and keep their ledger in memory.
    ///
    /// # Panics
    /// When an ask can not be read.
    pub fn start(gateway: SocketAddr, host: &str, clients: usize, asks: &[&str]) -> Self {
        let gateways = &[gateway];
        Self::begin(Plan { gateways, host, clients, asks, requests: None, disk: None })
    }

    /// The same by a plan.
    ///
    /// # Panics
    /// When an ask can not be read, or the folder not be written.
    pub fn begin(plan: Plan<'_>) -> Self {
        let shared = Arc::new(Shared {
            host: plan.host.to_owned(),
            asks: plan.asks.iter().map(|text| Ask::parse(text)).collect(),
            gateways: Mutex::new(plan.gateways.iter().copied().map(Some).collect()),
            turn: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            requests: plan.requests.unwrap_or(u64::MAX),
            allowed: AtomicU64::new(u64::MAX),
            begun: AtomicU64::new(0),
            made: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let book = |number: usize| {
            let disk = plan.disk.map(|folder| {
                fs::create_dir_all(folder).expect("a folder for the ledger");
                File::create_new(folder.join(format!("client-{number}"))).expect("a new ledger")
            });
            Book { ledger: Ledger::default(), disk }
        };
        let client = |number: usize| {
            let (shared, book) = (Arc::clone(&shared), book(number));
            std::thread::spawn(move || shared.run(number, book))
        };
        let clients = (0..plan.clients).map(client).collect();
        Self { shared, clients }
    }

    /// The only gateway is there again, at another address.
    pub fn aim(&self, gateway: SocketAddr) {
        self.aim_at(0, gateway);
    }

    /// The only gateway is about to go: those who have a connection go on with it, new ones are
    /// made after [`Load::aim`] only.
    pub fn hold(&self) {
        self.hold_from(0);
    }

    /// [`Load::aim`] for one of several.
    ///
    /// # Panics
    /// When a client panicked.
    pub fn aim_at(&self, number: usize, gateway: SocketAddr) {
        self.shared.gateways.lock().expect("no client panicked")[number] = Some(gateway);
    }

    /// [`Load::hold`] for one of several.
    ///
    /// # Panics
    /// When a client panicked.
    pub fn hold_from(&self, number: usize) {
        self.shared.gateways.lock().expect("no client panicked")[number] = None;
    }

    /// No more requests than this are begun until the next call, all counted from the start: the
    /// clients wait.
    pub fn allow(&self, requests: u64) {
        self.shared.allowed.store(requests, Ordering::SeqCst);
    }

    /// Requests so far whose outcome is known, whole or not.
    pub fn made(&self) -> u64 {
        self.shared.made.load(Ordering::SeqCst)
    }

    /// Whole answers so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Of these, the ones that say that there is no room.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// True when all requests have been made and have their outcome.
    pub fn finished(&self) -> bool {
        self.clients.iter().all(JoinHandle::is_finished)
    }

    /// Waits for so many more whole answers.
    ///
    /// # Panics
    /// When they do not come.
    pub fn more(&self, count: u64) {
        let goal = self.answered() + count;
        wait::until("whole answers", BACK_MAX, || (self.answered() >= goal).then_some(()));
    }

    /// Stops the clients; gives all that they saw, unless that is on disk.
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
    fn run(&self, client: usize, mut book: Book) -> Ledger {
        let keeps = client % 3 != 2;
        let mut connection = None;
        for number in 0.. {
            if self.stopped() || !self.take() {
                break;
            }
            let Some(mut open) = connection.take().or_else(|| self.connect()) else { break };
            let ask = &self.asks[(client + number) % self.asks.len()];
            let query = format!("n={}-{client}-{number}", self.host);
            let request = ask.request(&self.host, &query);
            let outcome = match open.exchange(&request) {
                Ok(answer) => {
                    let closes = answer.header("connection") == Some("close");
                    connection = (keeps && !closes).then_some(open);
                    self.whole(ask, query, request.len(), &answer)
                }
                Err(_) => Outcome::Torn(query),
            };
            book.write(outcome);
            self.made.fetch_add(1, Ordering::SeqCst);
        }
        book.ledger
    }

    /// Takes one of the requests that are left, and waits until it may be made.
    fn take(&self) -> bool {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let may = || number < self.allowed.load(Ordering::SeqCst) || self.stopped();
        number < self.requests && (may() || self.leave(may))
    }

    fn leave(&self, may: impl Fn() -> bool) -> bool {
        wait::until("leave to go on", LEAVE_MAX, || may().then_some(()));
        !self.stopped()
    }

    fn whole(&self, ask: &Ask, query: String, req_len: usize, answer: &Answer) -> Outcome {
        let seconds = answer.header("retry-after").map(str::parse::<u32>);
        let refused = answer.status == 503 && matches!(seconds, Some(Ok(1..)));
        let altered = ask.altered(&self.host, &query, answer);
        let entry = Entry {
            method: ask.method.clone(),
            host: self.host.clone(),
            path: ask.path.clone(),
            query,
            status: answer.status,
            req_len: req_len as u64,
            rsp_len: answer.bytes,
        };
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.refused.fetch_add(u64::from(refused), Ordering::SeqCst);
        let id = answer.req_id().to_owned();
        match altered {
            _ if refused => Outcome::Refused(id, entry),
            Some(what) => Outcome::Altered(id, entry, what),
            None => Outcome::Whole(id, entry),
        }
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
            Client::connect(self.gateway()?).ok().map(Some)
        })
    }

    /// The next one of those that are there.
    fn gateway(&self) -> Option<SocketAddr> {
        let gateways = self.gateways.lock().expect("no client panicked");
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        (0..gateways.len()).find_map(|step| gateways[(turn + step) % gateways.len()])
    }
}

// === impl Book ===

impl Book {
    fn write(&mut self, outcome: Outcome) {
        match &mut self.disk {
            Some(file) => file.write_all(outcome.line().as_bytes()).expect("the ledger's disk"),
            None => self.ledger.add(outcome),
        }
    }
}
