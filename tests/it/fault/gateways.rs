//! SIGKILL of a gateway under load: its requests go to the other one, its spool is shipped by its
//! next life.

use tests::ask::ASKS;
use tests::chance::{Chance, rounds};

use super::cluster;

#[test]
fn a_gateway_killed_under_load_loses_and_doubles_nothing() {
    let mut chance = Chance::new("gateways");
    let mut cluster = cluster("");
    let load = cluster.load(ASKS);
    for round in 0..rounds(4) {
        load.more(chance.between(1, 600));
        let number = usize::try_from(round % 2).expect("one of two");
        cluster.kill_gateway(number, &load);
        // The other one serves meanwhile.
        load.more(chance.between(1, 200));
        cluster.start_gateway(number, &load);
    }
    load.more(100);
    let ledger = load.stop();
    assert!(!ledger.torn.is_empty(), "no answer was cut: nothing was killed under load");
    cluster.audit(&ledger);
    assert_eq!(cluster.topic_differs(0), (0, 0), "the topic and the rows are the same records");
}
