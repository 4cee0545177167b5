//! A topic with what nobody should have written into it. Each becomes a dead letter with its reason
//! and its place, and the records around it are stored.

use rdkafka::message::{Header, OwnedHeaders};
use serde_json::Value;
use tests::ask::ASKS;
use tests::program::Program;
use tests::topic::Text;
use tests::wait;
use tests::world::STORE_MAX;

use super::cluster;
use crate::EXE;

/// Headers as a shipper writes them.
fn headers(stream: &str, seq: &str, hash: &str) -> OwnedHeaders {
    [("tollgate-stream", stream), ("tollgate-seq", seq), ("tollgate-hash", hash)]
        .into_iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        })
}

/// More than a broker takes by default is refused by itself; this is the most that it takes.
const LARGE: usize = 1_000_000;

#[test]
fn what_can_not_be_a_record_is_a_dead_letter_and_consumption_goes_on() {
    let cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(200);
    let large = vec![b'x'; LARGE];
    let none = OwnedHeaders::new();
    let unknown = headers("gw-three/1/0", "5", "0000000000000000");
    let bad = headers("no stream", "minus one", "?");
    let poison: [(&OwnedHeaders, &[u8]); 6] = [
        (&none, b"\xff\xfe garbage"),
        (&none, b"{\"another\": \"shape\"}"),
        (&unknown, b"{}"),
        (&bad, b"[]"),
        (&none, b""),
        (&none, &large),
    ];
    let topic = cluster.topic();
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
