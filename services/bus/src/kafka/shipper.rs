//! The way from a spool to Kafka, in the gateway's process, on a thread of its own.
//!
//! - Records go in the order of their stream, and each stream has one partition: chosen once by a
//!   hash of the stream over the partitions that there are then, and kept in the spool before the
//!   first record is sent. So partitions that are added later concern new streams only.
//! - The spool is told of a record only when Kafka has confirmed it and all before it in its
//!   stream. What was sent and not confirmed is sent again after a restart; whoever consumes knows
//!   stream and `seq`.
//! - The producer is idempotent and gapless: when one record fails, none after it in its partition
//!   is taken. Then the producer is made anew and everything that is not confirmed is read from
//!   the spool again. That is the only way a failure is handled, so order needs no second thought.
//! - Nothing is given up: there is no time-out for a record. The exception is one that the broker
//!   refuses for good (too large): sent alone it was refused again, or it never passes the
//!   client's own limit. An empty message takes its place, with its stream, `seq` and the reason;
//!   the original is kept in the spool's folder `refused`.
//! - What is in flight is bounded; the rest stays on disk.

mod away;
mod control;
mod lanes;
mod producer;
mod ship;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use spool::Reader;
use tokio::sync::{oneshot, watch};

use super::config::Config;
use super::topic::TopicError;
use control::Control;
use ship::Ship;

/// What a stop may take beyond the time that it was given: closing the client.
const GRACE: Duration = Duration::from_secs(5);

/// Ships what is in a spool to Kafka, in order; never blocks a request. Dropping it ends the
/// shipping at once, and gives the spool free.
#[derive(Debug)]
pub struct Shipper {
    control: Arc<Control>,
    state: watch::Receiver<ShipperState>,
    /// Answers when the thread has ended: whether nothing was left. `None` once asked.
    ended: Option<oneshot::Receiver<bool>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// How the shipping stands.
#[derive(Debug, Clone, Default)]
pub struct ShipperState {
    /// Records that Kafka has confirmed, since the start.
    pub shipped: u64,
    /// Records that the broker refused for good, since the start: an empty message stands in the
    /// place of each, the original is kept in the folder `refused` of the spool. An alarm.
    pub refused: u64,
    /// Bytes that wait, about: those of the spool that were not read, and those in flight.
    pub waiting_bytes: u64,
    /// Nothing was confirmed since then, although there is something to confirm. An alarm when it
    /// lasts.
    pub broker_away_since: Option<Instant>,
    /// After the broker was away: how long it will take until nothing waits.
    pub drained_in: Option<Duration>,
    /// Why the topic is not used. An alarm.
    pub topic_refused: Option<TopicError>,
}

impl Shipper {
    /// Starts the thread; no broker needs to be up.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(config: &Config, reader: Reader) -> io::Result<Self> {
        let (sender, state) = watch::channel(ShipperState::default());
        let control = Arc::new(Control::default());
        let (end, ended) = oneshot::channel();
        let ship = Ship::new(config.clone(), reader, Arc::clone(&control), sender);
        let thread = thread::Builder::new().name("kafka-shipper".to_owned()).spawn(move || {
            let nothing_left = ship.run();
            // Nobody waits when the shipper was dropped.
            end.send(nothing_left).ok();
        })?;
        control.set_thread(thread.thread().clone());
        Ok(Self { control, state, ended: Some(ended), thread: Some(thread) })
    }

    /// How it stands, now and later.
    pub fn state(&self) -> watch::Receiver<ShipperState> {
        self.state.clone()
    }

    /// Returns when everything is in Kafka that was in the spool at the call; false when the shipping
    /// has ended before. May be dropped at any time.
    pub async fn caught_up(&self) -> bool {
        tokio::select! {
            biased;
            answer = self.control.ask() => answer.is_ok(),
            // Nobody takes the question any more.
            () = self.ended() => false,
        }
    }

    /// Returns when the thread has ended, which it does by itself only by a panic. May be dropped at
    /// any time.
    pub async fn ended(&self) {
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }

    /// Ships what is there, for no longer than `within`, and ends. What is not shipped is in the
    /// spool for the next start. True when nothing is left.
    pub async fn stop(mut self, within: Duration) -> bool {
        self.control.stop(Instant::now() + within);
        let Some(ended) = self.ended.take() else { return false };
        matches!(tokio::time::timeout(within + GRACE, ended).await, Ok(Ok(true)))
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.control.stop(Instant::now());
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + GRACE;
        while !thread.is_finished() && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(1));
        }
        if !thread.is_finished() {
            tracing::warn!("the shipper did not end in time; its thread is left alone");
        } else if thread.join().is_err() {
            tracing::error!("the thread of the shipper panicked");
        }
    }
}
