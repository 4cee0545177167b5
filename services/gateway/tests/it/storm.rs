//! Everybody at once, and whoever likes leaves: still one record per request, and it is right.

use std::io::Write;
use std::time::Duration;

use socket2::SockRef;

use crate::backend::{Backend, Peer};
use crate::client::{Answer, Client};
use crate::world::{Plan, World, policy};

const CLIENTS: usize = 12;
const ROUNDS: usize = 40;

/// The path says what the backend does.
fn script(mut peer: Peer) -> std::io::Result<()> {
    loop {
        let (head, body) = peer.request()?;
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        match path.trim_start_matches("/base/") {
            "close" => return Ok(()),
            "part" => return peer.send("HTTP/1.1 200 OK\r\nContent-Le"),
            "half" => return peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            "chunks" => {
                peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")?;
                peer.send("2\r\nde\r\n0\r\n\r\n")?;
            }
            "large" => {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n")?;
                peer.send(vec![b'x'; 400_000])?;
            }
            _ => {
                peer.send(format!(
                    "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                ))?;
                peer.send(body)?;
            }
        }
    }
}

fn request(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /release/b/{path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// One client; gives the answers that it read whole.
fn client(address: std::net::SocketAddr, seed: usize) -> Vec<Answer> {
    let mut whole = Vec::new();
    let mut state = seed as u64 + 7;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits fit") % below
    };
    for _ in 0..ROUNDS {
        let mut client = Client::connect(address);
        let path = ["echo", "chunks", "large", "close", "part", "half"][random(6)];
        let request = request(path, &"b".repeat(random(3000)));
        let many = 1 + random(3);
        let all = request.repeat(many);
        let keep = if random(3) == 0 { random(all.len()) } else { all.len() };
        // The gateway may close before it has all.
        let _closed = client.socket.write_all(&all.as_bytes()[..keep]);
        if keep == all.len() {
            let wanted = random(many + 1);
            whole.extend((0..wanted).map_while(|_| client.try_answer(false).ok()));
            if wanted < many && random(2) == 0 {
                // What it has not read is lost to it, some of it maybe in the middle.
                let _gone = client.head();
            }
        }
        if random(2) == 0 {
            let reset = SockRef::from(&client.socket).set_linger(Some(Duration::ZERO));
            reset.expect("an option can be set");
        }
    }
    whole
}

#[test]
fn a_storm_leaves_one_right_record_per_request() {
    let mut plan = Plan::default();
    plan.config.workers = 2.try_into().expect("two is not zero");
    plan.config.record.interim = Duration::from_millis(20);
    plan.size = 256 << 20;
    let mut world = World::with(plan, policy(Backend::start(script).address));
    let address = world.address;
    let clients: Vec<_> =
        (0..CLIENTS).map(|seed| std::thread::spawn(move || client(address, seed))).collect();
    let mut whole = Vec::new();
    for client in clients {
        whole.extend(client.join().expect("no client panics"));
    }
    world.stop(Duration::from_secs(20));
    assert!(whole.len() > CLIENTS, "some answers arrived");
    for answer in whole {
        let record = world.record(answer.id());
        assert_eq!(record.rsp_st, answer.status);
        let told = world.records.iter().filter(|record| record.req_id == answer.id());
        assert_eq!(told.map(|record| record.rsp_len).sum::<u64>(), answer.bytes);
    }
}
