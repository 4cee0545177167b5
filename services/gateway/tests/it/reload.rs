//! Another policy while requests are served: no request is dropped, none is answered by half of
//! each.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use policy::Policy;

use crate::backend::Backend;
use crate::client::Client;
use crate::world::{Plan, World, policy, policy_of, service};

const CALL: &str = "GET /release/x HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Longer than a reload takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// One API, whose id, header and body all say which policy it is of.
fn version(name: &str) -> Policy {
    policy_of(&service(&format!(
        "- id: api-{name}\n  path: /x\n  \
         backend: {{mock: {{status: 200, headers: {{x-version: {name}}}, body: {name}}}}}"
    )))
}

#[test]
fn every_request_goes_by_one_policy_and_none_is_dropped() {
    let mut plan = Plan::default();
    plan.config.workers = NonZeroU16::new(2).expect("not zero");
    let mut world = World::with(plan, version("one"));
    let (address, done) = (world.address, Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let done = done.clone();
            std::thread::spawn(move || {
                let (mut client, mut seen) = (Client::connect(address), Vec::new());
                while !done.load(Ordering::SeqCst) {
                    let answer = client.call(CALL);
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    assert_eq!(answer.status, 200, "{body}");
                    assert_eq!(answer.header("x-version"), Some(body.as_str()), "half of each");
                    seen.push((answer.id().to_owned(), body));
                }
                seen
            })
        })
        .collect();
    for round in 0..100 {
        world.load(Arc::new(version(if round % 2 == 0 { "two" } else { "one" })));
    }
    done.store(true, Ordering::SeqCst);
    let seen: Vec<_> =
        clients.into_iter().flat_map(|client| client.join().expect("it is well")).collect();
    assert!(["one", "two"].iter().all(|name| seen.iter().any(|(_, body)| body == name)));
    for (id, body) in &seen {
        assert_eq!(world.record(id).api_id, format!("api-{body}"), "its record says the same");
    }
    assert_eq!(world.finals().len(), seen.len(), "a record for each");
}

#[test]
fn what_has_begun_is_finished_by_the_policy_it_began_with() {
    let (go, goes) = std::sync::mpsc::sync_channel::<()>(0);
    let goes = std::sync::Mutex::new(goes);
    let backend = Backend::start(move |mut peer| {
        peer.request()?;
        let _gone = goes.lock().expect("no test panics here").recv();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    });
    let mut world = World::with(Plan::default(), policy(backend.address));
    let mut waits = Client::connect(world.address);
    waits.send("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    backend.until(|seen| seen.len() == 1 && seen[0].requests == 1);
    world.load(Arc::new(version("two")));
    let mut client = Client::connect(world.address);
    // A worker follows at its next turn.
    let began = Instant::now();
    while client.call(CALL).status != 200 {
        assert!(began.elapsed() < PATIENCE, "the worker does not follow");
    }
    let gone = client.call("GET /release/b/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(gone.status, 404, "its API is gone");
    go.send(()).expect("the backend waits");
    let answer = waits.answer(false);
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"ok".as_slice()));
    assert_eq!(world.record(answer.id()).api_id, "api-b");
}

#[test]
fn a_policy_is_served_with_the_names_of_its_backends() {
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let mut world = World::with(Plan::default(), version("one"));
    world.load(Arc::new(policy(backend.address)));
    let mut client = Client::connect(world.address);
    let named = "GET /release/named/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let began = Instant::now();
    loop {
        match client.call(named).status {
            200 => break,
            // The worker has not followed yet.
            404 => assert!(began.elapsed() < PATIENCE, "the worker does not follow"),
            status => panic!("the name was not known: {status}"),
        }
    }
}
