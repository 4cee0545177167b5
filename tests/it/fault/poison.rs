//! A topic with what nobody should have written into it. Each becomes a dead letter with its reason
//! and its place, and the records around it are stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::message::{Header, OwnedHeaders};
use record::Time;
use serde_json::{Value, json};
use tests::ask::ASKS;
use tests::program::Program;
use tests::topic::Text;
use tests::wait;
use tests::world::STORE_MAX;

use super::cluster;
use crate::EXE;

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("this age")
}

/// Headers as a shipper writes them.
fn headers(stream: &str, seq: &str, hash: &str) -> OwnedHeaders {
    [("tollgate-stream", stream), ("tollgate-seq", seq), ("tollgate-hash", hash)]
        .into_iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        })
}

/// Bytes of a message that a broker takes only when it is told to.
const LARGE: usize = 10_000_000;

/// A heartbeat of a gateway that nobody knows, as its shipper would write it.
fn heartbeat(seq: u64, time: Time, host: &str) -> (OwnedHeaders, Vec<u8>) {
    let time = time.to_rfc3339();
    let record = json!({
        "time": time, "gateway": "gw-three", "epoch": 1, "worker": 0, "seq": seq,
        "part": "heartbeat", "host": host, "req_id": format!("{host}-{seq}"),
    });
    let bytes = record.to_string().into_bytes();
    let hash = format!("{:016x}", spool::hash(&bytes));
    (headers("gw-three/1/0", &seq.to_string(), &hash), bytes)
}

#[test]
fn what_can_not_be_a_record_is_a_dead_letter_and_consumption_goes_on() {
    let cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(200);
    let large = vec![b'x'; LARGE];
    let none = OwnedHeaders::new();
    let unknown = headers("gw-three/1/0", "5", "0000000000000000");
    let bad = headers("no stream", "minus one", "?");
    let now = Time(i64::try_from(since_1970().as_millis()).expect("this age"));
    let far = Time(now.0 + 365 * 86_400_000);
    let (far, far_bytes) = heartbeat(9, far, "far");
    let (again, other_bytes) = heartbeat(2, now, "another");
    let poison: [(&OwnedHeaders, &[u8]); 8] = [
        (&none, b"\xff\xfe garbage"),
        (&none, b"{\"another\": \"shape\"}"),
        (&unknown, b"{}"),
        (&bad, b"[]"),
        (&none, b""),
        (&none, &large),
        (&far, &far_bytes),
        (&again, &other_bytes),
    ];
    let topic = cluster.topic();
    topic.allow(LARGE + 1_000_000);
    // An unknown stream whose numbers go back: records all the same, each once.
    for (headers, bytes) in (0..4).rev().map(|seq| heartbeat(seq, now, "first")) {
        topic.put(Text { partition: 3, key: "gw-three/1/0", headers: &headers, bytes: &bytes });
    }
    for (number, (headers, bytes)) in (0..).zip(poison) {
        topic.put(Text { partition: number % 4, key: "gw-three/1/0", headers, bytes });
        load.more(50);
    }
    let letters = "SELECT count() FROM dead_letters";
    wait::until("a dead letter for each", STORE_MAX, || {
        (cluster.store.number(letters) == poison.len() as u64).then_some(())
    });
    load.more(100);
    cluster.audit(&load.stop());
    assert_eq!(cluster.store.number(letters), poison.len() as u64, "each once");
    let rows = "SELECT count() FROM records WHERE gateway = 'gw-three' AND host = 'first'";
    assert_eq!(cluster.store.number(rows), 4, "the unknown stream");
    let unnamed = "SELECT count() FROM dead_letters WHERE reason = '' OR position = ''";
    assert_eq!(cluster.store.number(unnamed), 0, "each with its reason and its place");

    let program = Program::new(EXE, cluster.query.folder());
    let listed = program.json(&["deadletters", "list"]);
    let listed = listed["dead_letters"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), poison.len(), "{listed:?}");
    let id = listed[0]["id"].as_str().expect("an id");
    let shown: Value = program.json(&["deadletters", "show", id]);
    assert_eq!(shown["id"], listed[0]["id"], "{shown}");
    let tried = program.json(&["deadletters", "retry", "--all"]);
    let count = |key: &str| tried[key].as_u64().expect("a number");
    assert_eq!((count("tried"), count("stored")), (poison.len() as u64, 0), "{tried}");
    assert_eq!(cluster.store.number(letters), poison.len() as u64, "as dead as before");
}
