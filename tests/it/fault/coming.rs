//! Members of the group that come and go: every five seconds, for a minute.

use std::time::{Duration, Instant};

use tests::ask::ASKS;
use tests::chance::rounds;

use super::{SHORT_BATCHES, cluster};

/// How long each of the changes lasts.
const CHANGE: Duration = Duration::from_secs(5);

#[test]
fn members_that_come_and_go_lose_and_double_nothing() {
    let mut cluster = cluster(SHORT_BATCHES);
    let load = cluster.load(ASKS);
    for round in 0..rounds(12) {
        let number = usize::try_from(round / 2 % 2).expect("one of two");
        if round % 2 == 0 {
            cluster.stop_metering(number);
        } else {
            cluster.spawn_metering(number, &[]);
        }
        let end = Instant::now() + CHANGE;
        while Instant::now() < end {
            load.more(50);
        }
    }
    let ledger = load.stop();
    assert!(
        ledger.torn.is_empty() && ledger.refused.is_empty(),
        "a request met the end of metering"
    );
    cluster.audit(&ledger);
}
