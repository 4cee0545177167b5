//! Every shape of exchange: what the record says is what the raw sockets saw.

use std::time::Duration;

use record::{Fault, Part};

use crate::backend::Backend;
use crate::client::Client;
use crate::world::World;

#[test]
fn a_get_passes_and_is_recorded() {
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-B: c\r\n\r\nhello");
    let mut world = World::start(backend.address);
    let mut client = Client::connect(world.address);
    let answer =
        client.call("GET /release/b/x?y=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: t\r\n\r\n");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(answer.header("x-b"), Some("c"));
    let record = world.record(answer.id());
    assert_eq!((record.rsp_st, record.ups_st.as_ref(), record.fault), (200, "200", Fault::None));
    assert_eq!((record.req_len, record.rsp_len), (client.sent, client.received));
    let seen = backend.seen()[0];
    assert_eq!((record.ups_req_len, record.ups_rsp_len), (seen.received, seen.sent));
    assert_eq!((record.account.as_ref(), record.api_id.as_ref()), ("1001", "api-b"));
    assert_eq!((record.uri.as_ref(), record.query.as_ref()), ("/release/b/x", "y=1"));
    world.stop(Duration::from_secs(5));
    assert_eq!(world.records.iter().filter(|record| record.part == Part::Final).count(), 1);
}
