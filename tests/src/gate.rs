//! A port between a metering process and ClickHouse that can hold an insert in the middle of its
//! body, as a process that stands still or a network that stalls would.
//!
//! It never cuts a connection by itself, and lets everything else pass.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Nothing is held for longer.
const HOLD_MAX: Duration = Duration::from_secs(120);
/// How an insert of records begins.
const INSERT: &[u8] = b"INSERT%20INTO%20records%20";

/// A port in front of another one.
#[derive(Debug)]
pub struct Gate {
    /// Where it listens.
    pub addr: SocketAddr,
    plan: Arc<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// The next insert is to be held.
    armed: AtomicBool,
    held: AtomicU64,
    open: Mutex<bool>,
    opened: Condvar,
}

// === impl Gate ===

impl Gate {
    /// Listens on a free port for what `target` serves; ends with the test's process.
    ///
    /// # Panics
    /// When no port is free.
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let plan: Arc<Plan> = Arc::default();
        let shared = Arc::clone(&plan);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let plan = Arc::clone(&shared);
                std::thread::spawn(move || relay(&client, target, &plan));
            }
        });
        Self { addr, plan }
    }

    /// The next insert of records is held when its head and the begin of its body have passed.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn hold_next(&self) {
        *self.plan.open.lock().expect("no connection panicked") = false;
        self.plan.armed.store(true, Ordering::SeqCst);
    }

    /// How many inserts have been held so far.
    pub fn held(&self) -> u64 {
        self.plan.held.load(Ordering::SeqCst)
    }

    /// Lets pass what is held.
    ///
    /// # Panics
    /// When a connection panicked.
    pub fn open(&self) {
        self.plan.armed.store(false, Ordering::SeqCst);
        *self.plan.open.lock().expect("no connection panicked") = true;
        self.plan.opened.notify_all();
    }
}

// === impl Plan ===

impl Plan {
    /// Where to hold these bytes: in the middle of what follows the head of an insert. `headed` says
    /// that the head came before them.
    fn holds(&self, bytes: &[u8], headed: &mut bool) -> Option<usize> {
        let mut head = 0;
        if !*headed {
            let line = bytes.iter().position(|&byte| byte == b'\r')?;
            *headed = bytes[..line].windows(INSERT.len()).any(|part| part == INSERT);
            head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
        }
        let body = bytes.len() - head;
        let holds = *headed && body > 1 && self.armed.swap(false, Ordering::SeqCst);
        holds.then_some(head + body / 2)
    }

    fn wait(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        let open = self.open.lock().expect("no connection panicked");
        let waited = self.opened.wait_timeout_while(open, HOLD_MAX, |open| !*open);
        drop(waited.expect("no connection panicked"));
    }
}

/// Carries bytes both ways until either side ends.
fn relay(client: &TcpStream, target: SocketAddr, plan: &Plan) -> Option<()> {
    let server = TcpStream::connect(target).ok()?;
    for socket in [client, &server] {
        socket.set_nodelay(true).ok()?;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            carry(&server, client, |_| None, || ());
            // Whichever side ended, the other one learns it.
            client.shutdown(Shutdown::Both).ok();
        });
        let mut headed = false;
        carry(client, &server, |bytes| plan.holds(bytes, &mut headed), || plan.wait());
        server.shutdown(Shutdown::Both).ok();
    });
    Some(())
}

fn carry(
    mut from: &TcpStream,
    mut to: &TcpStream,
    mut holds: impl FnMut(&[u8]) -> Option<usize>,
    wait: impl Fn(),
) -> Option<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = from.read(&mut buffer).ok().filter(|&count| count > 0)?;
        let bytes = &buffer[..count];
        let Some(at) = holds(bytes) else {
            to.write_all(bytes).ok()?;
            continue;
        };
        to.write_all(&bytes[..at]).ok()?;
        wait();
        to.write_all(&bytes[at..]).ok()?;
    }
}
