//! LOSS-1 at its root: the last byte of an answer is never readable before its record is on disk.
//!
//! Every answer that a client reads whole is looked up in the spool's files at that moment, with
//! no waiting. The backend holds back its last byte and lets go when the client is known to have
//! all the others, so that nothing but the record stands between the two.

use std::io::{ErrorKind, Read};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::backend::Backend;
use crate::client::{Client, header};
use crate::world::{Plan, World, policy};

const ROUNDS: usize = 300;

/// Reads single bytes as soon as they are there, until `end` holds of all of them.
fn spin(client: &mut Client, end: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    client.socket.set_nonblocking(true).expect("an option can be set");
    let mut all = Vec::new();
    let mut piece = [0; 1024];
    while !end(&all) {
        match client.socket.read(&mut piece) {
            Ok(0) => break,
            Ok(bytes) => all.extend_from_slice(&piece[..bytes]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    client.socket.set_nonblocking(false).expect("an option can be set");
    all
}

/// `first` goes out at once, `last` when the client has what it can have of it.
fn check(first: &'static str, last: &'static str, visible: &'static str, end: &'static str) {
    let (go, goes) = sync_channel::<()>(0);
    let goes = Arc::new(Mutex::new(goes));
    let backend = Backend::start(move |mut peer| {
        loop {
            peer.request()?;
            peer.send(first)?;
            if goes.lock().expect("no test panics here").recv().is_err() {
                return Ok(());
            }
            peer.send(last)?;
        }
    });
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    for _ in 0..ROUNDS {
        client.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
        let mut all = spin(&mut client, |all| all.ends_with(visible.as_bytes()));
        let head = String::from_utf8_lossy(&all).into_owned();
        let id = header(&head, "x-api-requestid").expect("an id is in the head").to_owned();
        assert_eq!(world.record_now(&id), None, "the answer is not whole yet");
        go.send(()).expect("the backend waits");
        let seen = all.clone();
        all.extend(spin(&mut client, |more| [&seen, more].concat().ends_with(end.as_bytes())));
        let record = world.record_now(&id).expect("the last byte is here, so the record must be");
        assert_eq!(record.rsp_len, all.len() as u64);
    }
}

#[test]
fn the_last_byte_of_a_counted_body_comes_after_the_record() {
    check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefgh", "i", "abcdefgh", "abcdefghi");
}

#[test]
fn the_last_chunk_comes_after_the_record() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    check(head, "0\r\n\r\n", "abc\r\n", "abc\r\n0\r\n\r\n");
}

#[test]
fn many_clients_at_once_never_see_an_answer_before_its_record() {
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let mut plan = Plan::default();
    plan.config.workers = 2.try_into().expect("two is not zero");
    let world = World::with(plan, policy(backend.address));
    let address = world.address;
    let world = Arc::new(Mutex::new(world));
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let world = world.clone();
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                let path = if number % 2 == 0 { "b/x" } else { "mock" };
                for _ in 0..50 {
                    let request = format!("GET /release/{path} HTTP/1.1\r\nHost: a.test\r\n\r\n");
                    let answer = client.call(&request);
                    world.lock().expect("no test panics here").record(answer.id());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no client panics");
    }
    let mut world = world.lock().expect("no test panics here");
    world.stop(Duration::from_secs(5));
    assert_eq!(world.finals().len(), 400);
}
