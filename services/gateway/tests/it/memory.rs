//! A large body to a reader that stalls costs no memory.
//!
//! The gateway runs in a child process of its own, so that only its memory is measured: the test
//! starts itself again with [`ROLE`] set.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::World;

/// Set in the child: the backend's address.
const ROLE: &str = "GATEWAY_TEST_BACKEND";
const GIB: u64 = 1 << 30;
const PIECE: usize = 1 << 20;
/// By how much the resident memory may grow.
const GROWTH_MAX_KIB: u64 = 16 << 10;

/// The child: a gateway that runs until its standard input closes.
#[test]
fn gateway_for_the_tests_of_memory() {
    let Some(backend) = std::env::var_os(ROLE) else { return };
    let backend: SocketAddr =
        backend.to_str().and_then(|text| text.parse().ok()).expect("an address is given");
    let mut world = World::start(backend);
    println!("\nlistening {}", world.address);
    std::io::stdout().flush().expect("the parent listens");
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).expect("the parent closes it");
    world.stop(std::time::Duration::ZERO);
}

/// The child, and its output, which stays open until it ends.
struct Gateway {
    child: Child,
    output: BufReader<ChildStdout>,
}

fn start(backend: &Backend) -> (Gateway, SocketAddr) {
    let exe = std::env::current_exe().expect("the test knows itself");
    let mut child = Command::new(exe)
        .args(["--exact", "memory::gateway_for_the_tests_of_memory", "--nocapture"])
        .env(ROLE, backend.address.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test starts itself");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut gateway = Gateway { child, output };
    loop {
        let mut line = String::new();
        let bytes = gateway.output.read_line(&mut line).expect("the child speaks");
        assert!(bytes > 0, "the child says where it listens");
        if let Some(address) = line.trim().strip_prefix("listening ") {
            return (gateway, address.parse().expect("it is an address"));
        }
    }
}

fn resident_kib(gateway: &Gateway, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.child.id()));
    let status = status.expect("the child lives");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key is known");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

fn finish(mut gateway: Gateway) {
    drop(gateway.child.stdin.take());
    let mut rest = String::new();
    gateway.output.read_to_string(&mut rest).expect("the child speaks until it ends");
    assert!(gateway.child.wait().expect("the child ends").success(), "{rest}");
}

#[test]
fn a_gibibyte_to_a_reader_that_stalls_is_not_kept() {
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n"))?;
        let piece = vec![b'a'; PIECE];
        for _ in 0..GIB / PIECE as u64 {
            peer.send(&piece)?;
        }
        peer.drain();
        Ok(())
    });
    let (gateway, address) = start(&backend);
    let mut client = Client::connect(address);
    client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let before = resident_kib(&gateway, "VmRSS:");
    client.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.head().expect("a head comes");
    // The reader stalls until the backend can not send any more: all buffers between are full.
    let mut sent = u64::MAX;
    while sent != backend.seen()[0].sent {
        sent = backend.seen()[0].sent;
        // Readable is what the kernel has; the gateway moves nothing while that is not taken.
        client.take(1).expect("the body comes");
        for _ in 0..2000 {
            std::thread::yield_now();
        }
    }
    assert!(sent < GIB / 2, "the backend is held back, not the body kept: {sent}");
    assert!(resident_kib(&gateway, "VmRSS:") < before + GROWTH_MAX_KIB);
    let mut piece = vec![0; PIECE];
    let mut received = client.received;
    while received < GIB {
        received += client.socket.read(&mut piece).expect("the body goes on") as u64;
    }
    let peak = resident_kib(&gateway, "VmHWM:");
    assert!(peak < before + GROWTH_MAX_KIB, "from {before} to {peak} KiB");
    finish(gateway);
}

#[test]
fn an_upload_to_a_backend_that_stalls_is_not_kept() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = std::sync::Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.head()?;
        // The test lets go once the gateway takes no more.
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.drain();
        Ok(())
    });
    let (gateway, address) = start(&backend);
    let mut client = Client::connect(address);
    client.call("GET /release/mock HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let before = resident_kib(&gateway, "VmRSS:");
    client.send("POST /release/b/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 39000000\r\n\r\n");
    client.socket.set_nonblocking(true).expect("an option can be set");
    let piece = vec![b'a'; PIECE];
    let (mut sent, mut refused) = (0, 0);
    while sent < 39_000_000 && refused < 20_000 {
        match client.socket.write(&piece[..PIECE.min(39_000_000 - sent)]) {
            Ok(bytes) => (sent, refused) = (sent + bytes, 0),
            Err(_) => refused += 1,
        }
        std::thread::yield_now();
    }
    assert!(sent < 39_000_000, "the client is held back");
    assert!(resident_kib(&gateway, "VmHWM:") < before + GROWTH_MAX_KIB);
    go.send(()).expect("the backend waits");
    drop(client);
    finish(gateway);
}

#[test]
fn streams_that_wait_keep_no_memory_of_what_they_said() {
    // Each says as much as one piece of what answers are read into, and then nothing more.
    const SAID: usize = 60_000;
    let backend = Backend::start(|mut peer| {
        peer.request()?;
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        peer.send(format!("{SAID:x}\r\n{}\r\n", "a".repeat(SAID)))?;
        peer.drain();
        Ok(())
    });
    let (gateway, address) = start(&backend);
    let stream = || {
        let mut client = Client::connect(address);
        client.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
        client.head().expect("a head comes");
        client.take(SAID).expect("the body comes");
        client
    };
    let _some: Vec<Client> = (0..10).map(|_| stream()).collect();
    let before = resident_kib(&gateway, "VmRSS:");
    let _more: Vec<Client> = (0..400).map(|_| stream()).collect();
    let after = resident_kib(&gateway, "VmRSS:");
    assert!(after < before + GROWTH_MAX_KIB, "from {before} to {after} KiB");
    finish(gateway);
}
