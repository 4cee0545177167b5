//! A topic with what nobody should have written into it. Each becomes a dead letter with its reason
//! and its place, and the records around it are stored.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::kafka::{PLACE_HEADER, REFUSED_HEADER, headers};
use rdkafka::message::{Header, Headers, OwnedHeaders};
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

/// The stream of a gateway that nobody knows; the key of all messages here.
const STREAM: &str = "gw-three/1/0";
/// The partition of its messages.
const PARTITION: i32 = 3;

/// Bytes of a message that a broker takes only when it is told to.
const LARGE: usize = 10_000_000;

/// A heartbeat of [`STREAM`], as its shipper would write it.
fn heartbeat(seq: u64, time: Time, host: &str) -> (OwnedHeaders, Vec<u8>) {
    let time = time.to_rfc3339();
    let record = json!({
        "time": time, "gateway": "gw-three", "epoch": 1, "worker": 0, "seq": seq,
        "part": "heartbeat", "host": host, "req_id": format!("{host}-{seq}"),
    });
    let bytes = record.to_string().into_bytes();
    (headers(seq, spool::hash(&bytes)), bytes)
}

#[test]
fn what_can_not_be_a_record_is_a_dead_letter_and_consumption_goes_on() {
    let cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(200);
    let large = vec![b'x'; LARGE];
    let none = OwnedHeaders::new();
    let other_hash = headers(5, 0);
    let no_record = headers(6, spool::hash(b"[]"));
    let refused = headers(7, 0).insert(Header { key: REFUSED_HEADER, value: Some("too large") });
    let bad = OwnedHeaders::new().insert(Header { key: PLACE_HEADER, value: Some("minus one ?") });
    let now = Time(i64::try_from(since_1970().as_millis()).expect("this age"));
    let far = Time(now.0 + 365 * 86_400_000);
    let (far, far_bytes) = heartbeat(9, far, "far");
    let (again, other_bytes) = heartbeat(2, now, "another");
    let poison: [(&OwnedHeaders, &[u8]); 10] = [
        (&none, b"\xff\xfe garbage"),
        (&none, b"{\"another\": \"shape\"}"),
        (&other_hash, b"{}"),
        (&no_record, b"[]"),
        (&refused, b""),
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
        topic.put(Text { partition: PARTITION, key: STREAM, headers: &headers, bytes: &bytes });
    }
    for (number, (headers, bytes)) in (0..).zip(poison) {
        // What names no number may stand anywhere.
        let partition = if headers.count() == 0 { number % 4 } else { PARTITION };
        topic.put(Text { partition, key: STREAM, headers, bytes });
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
    let placed = "SELECT count() FROM dead_letters \
                  WHERE gateway = 'gw-three' AND epoch = 1 AND seq IN (5, 6, 7)";
    assert_eq!(cluster.store.number(placed), 3, "key and header say whose numbers are dead");

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
