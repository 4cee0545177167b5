//! The way from a spool to Kafka: skeleton, its bodies follow.

use std::io;
use std::time::{Duration, Instant};

use spool::Reader;
use tokio::sync::watch;

use super::config::Config;
use super::topic::TopicError;

/// Ships what is in a spool to Kafka, in order, on a thread of its own; never blocks a request.
#[derive(Debug)]
pub struct Shipper {
    state: watch::Receiver<ShipperState>,
}

/// How the shipping stands.
#[derive(Debug, Clone, Default)]
pub struct ShipperState {
    /// Records that Kafka has confirmed, since the start.
    pub shipped: u64,
    /// Records that the broker refused for good, since the start: an empty message stands in the
    /// place of each, the original is kept in the folder `refused` of the spool. An alarm.
    pub refused: u64,
    /// Bytes of the spool that wait, about: its segments count as a whole where nothing better
    /// is known.
    pub waiting_bytes: u64,
    /// No broker confirms anything since then. An alarm when it lasts.
    pub broker_away_since: Option<Instant>,
    /// Why the topic is not used. An alarm.
    pub topic_refused: Option<TopicError>,
}

impl Shipper {
    /// Starts the thread; no broker needs to be up.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(_config: &Config, _reader: Reader) -> io::Result<Self> {
        let (_, state) = watch::channel(ShipperState::default());
        Ok(Self { state })
    }

    /// How it stands, now and later.
    pub fn state(&self) -> watch::Receiver<ShipperState> {
        self.state.clone()
    }

    /// Returns when everything is shipped that was in the spool at the call.
    pub async fn caught_up(&self) {}

    /// Ships what is there, for no longer than `within`, and ends. What is not shipped is in the
    /// spool for the next start. True when nothing is left.
    pub async fn stop(self, _within: Duration) -> bool {
        true
    }
}
