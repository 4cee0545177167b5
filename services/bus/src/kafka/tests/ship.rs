//! The shipper: everything, once, in order, across restarts and outages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::Broker;
use rdkafka::admin::{AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};

use super::hold::{self, Hold};
use super::lab::{self, PATIENCE};
use crate::kafka::{Config, Shipper, ShipperState, TopicError, kept};

async fn caught_up(shipper: &Shipper) {
    let done = tokio::time::timeout(PATIENCE, shipper.caught_up()).await;
    assert!(done.expect("everything is shipped"), "the shipper runs");
}

/// Waits until the state is as asked for.
async fn until(
    shipper: &Shipper,
    what: &str,
    look: impl Fn(&ShipperState) -> bool,
) -> ShipperState {
    let mut state = shipper.state();
    let found = tokio::time::timeout(PATIENCE, state.wait_for(|state| look(state))).await;
    found.unwrap_or_else(|_| panic!("{what}")).expect("the shipper runs").clone()
}

fn start(config: &Config, hold: &mut Hold) -> Shipper {
    Shipper::start(config, hold.open()).expect("a thread")
}

/// So many characters that hardly compress, and so are as large on the way.
fn noise(length: usize) -> String {
    let mut state = 7_u64;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        char::from(b'!' + u8::try_from((state >> 40) % 90).expect("below 90"))
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// The broker refuses a sender's own stamp that is an hour ahead: such a gateway could ship nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_takes_what_a_wrong_clock_stamps() {
    let config = lab::config(Broker::shared(), 1);
    let mut hold = Hold::new(1, 512);
    let shipper = start(&config, &mut hold);
    hold.numbers(0..1);
    caught_up(&shipper).await;
    let before = kept(&config).await.expect("the broker answers")[&0].end;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let ahead = i64::try_from(now).expect("a time") + 3 * 3_600_000;
    lab::Writer::new(&config).send_at(0, ahead);
    let after = kept(&config).await.expect("the broker answers")[&0].end;
    assert_eq!(after, before + 1, "LOSS-1: the broker refused it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_shipped_once_in_order_across_restarts() {
    let config = lab::config(Broker::shared(), 4);
    let mut hold = Hold::new(3, 512);
    let shipper = start(&config, &mut hold);
    hold.numbers(0..1000);
    caught_up(&shipper).await;
    hold.numbers(1000..2000);
    assert!(shipper.stop(PATIENCE).await, "nothing is left");
    // These two lives leave something to the next one.
    drop(hold.open());
    hold.numbers(2000..2500);
    let shipper = start(&config, &mut hold);
    hold.numbers(2500..3000);
    caught_up(&shipper).await;
    let state = until(&shipper, "nothing waits", |state| state.waiting_bytes == 0).await;
    assert_eq!((state.shipped, state.refused), (1000, 0));
    let topic = hold::read(&config);
    assert_eq!(topic.len(), 9, "three workers in three lives");
    assert_eq!(hold::count(&topic), 3000, "none twice");
    assert_eq!(hold::numbers(&topic), (0..3000).collect::<Vec<_>>());
    hold::assert_in_order(&topic);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_costs_no_record_and_no_order() {
    let mut broker = Broker::start();
    let config = lab::config(&broker, 2);
    let mut hold = Hold::new(2, 512);
    let shipper = start(&config, &mut hold);
    for round in 0..2 {
        let begin = round * 5000;
        hold.numbers(begin..begin + 4000);
        let shipped = shipper.state().borrow().shipped;
        until(&shipper, "some are shipped", |state| state.shipped > shipped).await;
        broker.kill();
        hold.numbers(begin + 4000..begin + 5000);
        let away = until(&shipper, "it is away", |state| state.broker_away_since.is_some()).await;
        assert!(away.waiting_bytes > 0);
        broker.start_again();
        until(&shipper, "it is back", |state| state.broker_away_since.is_none()).await;
    }
    caught_up(&shipper).await;
    assert!(shipper.stop(PATIENCE).await, "nothing is left");
    let topic = hold::read(&config);
    // What was under way at a kill may stand twice; metering knows it by stream and `seq`.
    hold::assert_in_order(&topic);
    assert_eq!(hold::numbers(&topic), (0..10_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_at_a_stop_is_sent_by_the_next_life() {
    let mut broker = Broker::start();
    let config = lab::config(&broker, 2);
    let mut hold = Hold::new(2, 512);
    let shipper = start(&config, &mut hold);
    hold.numbers(0..100);
    caught_up(&shipper).await;
    broker.kill();
    hold.numbers(100..1000);
    until(&shipper, "it is away", |state| state.broker_away_since.is_some()).await;
    assert!(!shipper.stop(Duration::ZERO).await, "no answer came");
    broker.start_again();
    let shipper = start(&config, &mut hold);
    caught_up(&shipper).await;
    let topic = hold::read(&config);
    hold::assert_in_order(&topic);
    assert_eq!(hold::numbers(&topic), (0..1000).collect::<Vec<_>>(), "LOSS-1: all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_a_broker_waits_and_stops_at_once() {
    let config = lab::config(Broker::shared(), 1);
    let nobody = Config { brokers: vec!["127.0.0.1:1".to_owned()], ..config.clone() };
    let mut hold = Hold::new(1, 512);
    let shipper = start(&nobody, &mut hold);
    hold.numbers(0..100);
    until(&shipper, "it is away", |state| state.broker_away_since.is_some()).await;
    let state = until(&shipper, "they wait", |state| state.waiting_bytes > 0).await;
    assert_eq!((state.shipped, state.topic_refused.is_none()), (0, true));
    assert!(!shipper.stop(Duration::ZERO).await, "they wait in the spool");
    let shipper = start(&config, &mut hold);
    caught_up(&shipper).await;
    assert_eq!(hold::numbers(&hold::read(&config)), (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_refuses_is_kept_and_its_place_is_marked() {
    // The spool still has a record from a time when larger ones were allowed.
    let config = Config { record_max: 4096, ..lab::config(Broker::shared(), 1) };
    lab::make(&config, &[("max.message.bytes", "200000")]).await;
    let mut hold = Hold::new(1, 65_536);
    let shipper = start(&config, &mut hold);
    hold.write(0, b"before");
    caught_up(&shipper).await;
    // The topic takes less than it did when it was looked at, but enough.
    alter(&config, "20000").await;
    let large = noise(50_000);
    for text in ["small", &large, "after"] {
        hold.write(0, text.as_bytes());
    }
    caught_up(&shipper).await;
    until(&shipper, "it was refused once", |state| state.refused == 1).await;
    let kept = hold.folder.path().join("refused/1-0-2");
    assert_eq!(std::fs::read_to_string(kept).expect("it is kept"), large);
    let topic = hold::read(&config);
    hold::assert_in_order(&topic);
    let stands = |seq: u64| {
        let found = topic["gw/1/0"].iter().find(|found| found.seq == seq).expect("it stands");
        (String::from_utf8_lossy(&found.bytes).into_owned(), found.refused.is_some())
    };
    assert_eq!(stands(0), ("before".to_owned(), false));
    assert_eq!(stands(1), ("small".to_owned(), false));
    assert_eq!(stands(2), (String::new(), true));
    assert_eq!(stands(3), ("after".to_owned(), false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_takes_too_little_is_refused_until_it_takes_more() {
    let config = lab::config(Broker::shared(), 1);
    lab::make(&config, &[("max.message.bytes", "200000")]).await;
    let mut hold = Hold::new(1, 65_536);
    let shipper = start(&config, &mut hold);
    hold.write(0, b"before");
    caught_up(&shipper).await;
    alter(&config, "20000").await;
    hold.write(0, noise(50_000).as_bytes());
    let state = until(&shipper, "it is refused", |state| state.topic_refused.is_some()).await;
    assert!(matches!(state.topic_refused, Some(TopicError::TooSmall { allowed: 20_000, .. })));
    alter(&config, "200000").await;
    caught_up(&shipper).await;
    let state = until(&shipper, "it is used", |state| state.topic_refused.is_none()).await;
    assert_eq!((state.shipped, state.refused), (2, 0));
}

/// Sets how large a message of the topic may be.
async fn alter(config: &Config, bytes: &str) {
    let topic = AlterConfig::new(ResourceSpecifier::Topic(&config.topic));
    let topic = topic.set("max.message.bytes", bytes);
    let altered = lab::admin(config).alter_configs([&topic], &AdminOptions::new()).await;
    altered.expect("the broker answers")[0].as_ref().expect("it is altered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_are_for_new_streams() {
    let config = lab::config(Broker::shared(), 1);
    let mut hold = Hold::new(1, 512);
    let shipper = start(&config, &mut hold);
    hold.numbers(0..10);
    caught_up(&shipper).await;
    let more = NewPartitions::new(&config.topic, 64);
    let grown = lab::admin(&config).create_partitions([&more], &AdminOptions::new()).await;
    grown.expect("the broker answers")[0].as_ref().expect("it has grown");
    assert!(shipper.stop(PATIENCE).await, "nothing is left");
    // The old stream still has records when the next life begins.
    hold.numbers(10..20);
    let shipper = start(&config, &mut hold);
    for life in 0..3 {
        hold.numbers(20 + life..21 + life);
        caught_up(&shipper).await;
    }
    let topic = hold::read(&config);
    hold::assert_in_order(&topic);
    assert_eq!(topic["gw/1/0"].len(), 20);
    assert_eq!(topic["gw/1/0"][19].partition, 0, "where it began");
    assert_ne!(topic["gw/2/0"][0].partition, 0, "of all that there are now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_topic_is_refused_and_the_records_wait() {
    let config = lab::config(Broker::shared(), 1);
    lab::make(&config, &[("cleanup.policy", "compact")]).await;
    let mut hold = Hold::new(1, 512);
    let shipper = start(&config, &mut hold);
    hold.numbers(0..10);
    let state = until(&shipper, "it is refused", |state| state.topic_refused.is_some()).await;
    assert!(matches!(state.topic_refused, Some(TopicError::Compacted { .. })));
    assert_eq!(state.shipped, 0);
    assert!(!shipper.stop(Duration::ZERO).await, "they wait in the spool");
}
