//! Membership: a reader that is slow, members that come and go, the broker that dies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use broker::Broker;

use super::lab;
use crate::kafka::{KafkaSource, is_live};
use crate::suite::BOUNDS;
use crate::{Event, Source};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_nothing_keeps_its_membership() {
    let mut config = lab::config(Broker::shared(), 2);
    config.session_timeout = Duration::from_secs(2);
    config.max_poll_interval = Duration::from_secs(3);
    lab::make(&config, &[]).await;
    let writer = lab::Writer::new(&config);
    for partition in 0..2 {
        writer.numbers(partition, 0, 1000);
    }
    let mut source = KafkaSource::start(&config, BOUNDS).expect("it starts");
    lab::assigned(&mut source, 2).await;
    let first = lab::batch(&mut source).await;
    source.ack(first.partition, first.messages[0].position).await.expect("it was given");
    let start = Instant::now();
    while start.elapsed() < 3 * config.max_poll_interval {
        assert!(is_live(&config, &config.group).await.expect("the broker answers"));
        assert!(!source.revocations().waits_for(first.partition), "the partition is lost");
    }
    let mut seen = BTreeMap::from([(0, 0), (1, 0)]);
    seen.insert(first.partition, first.messages.len() as u64);
    while seen.values().sum::<u64>() < 2000 {
        let Event::Batch(batch) = lab::next(&mut source).await else { panic!("no other event") };
        let next = seen.get_mut(&batch.partition).expect("it is ours");
        for number in lab::numbers(&batch) {
            assert_eq!(number, *next, "in order, none twice");
            *next += 1;
        }
    }
    source.ack(0, 999).await.expect("it is still ours");
}
