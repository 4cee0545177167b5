//! n requests to two gateways → n records, through four partitions and two metering processes.

use tests::ask::ASKS;

use super::cluster;

/// Enough for several batches of all streams.
const REQUESTS: u64 = 2000;

#[test]
fn each_request_to_either_gateway_is_stored_once() {
    let cluster = cluster("");
    let load = cluster.load(ASKS);
    load.more(REQUESTS);
    let ledger = load.stop();
    assert!(ledger.torn.is_empty() && ledger.refused.is_empty(), "{:?}", ledger.torn);
    let found = cluster.audit(&ledger);
    assert_eq!((found.rows, found.torn), (ledger.whole.len() as u64, 0));
    assert_eq!(cluster.topic_differs(0), (0, 0), "the topic and the rows are the same records");
    // Both gateways had requests, and the partitions are shared out between both processes.
    let gateways = "SELECT uniqExact(gateway) FROM records WHERE part = 'final'";
    assert_eq!(cluster.store.number(gateways), 2);
    cluster.shared_out();
    assert_eq!(cluster.store.number("SELECT count() FROM dead_letters"), 0);
    assert_eq!(cluster.store.number("SELECT count() FROM gaps"), 0);
}
