//! The shipper: everything, once, in order, across restarts and outages.

use std::time::Duration;

use broker::Broker;
use rdkafka::admin::{AdminOptions, AlterConfig, NewPartitions, ResourceSpecifier};

use super::hold::{self, Hold};
use super::lab::{self, PATIENCE};
use crate::kafka::{Config, Shipper, ShipperState, TopicError};

async fn caught_up(shipper: &Shipper) {
    let done = tokio::time::timeout(PATIENCE, shipper.caught_up()).await;
    done.expect("everything is shipped");
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
    assert_eq!(shipper.state().borrow().shipped, 1000);
    let topic = hold::read(&config);
    assert_eq!(topic.len(), 9, "three workers in three lives");
    assert_eq!(hold::count(&topic), 3000, "none twice");
    assert_eq!(hold::numbers(&topic), (0..3000).collect::<Vec<_>>());
    hold::assert_in_order(&topic);
}
