//! A new epoch while the gateway serves: what happens when the wall clock jumps.
//!
//! ```text
//! a worker sees the jump ─► all are called ─► each ends its stream ─► the spool begins an epoch
//!                                                      ─► each worker writes `start`, and goes on
//! ```
//! - The first worker that sees the jump calls the others; whoever sees it later finds the epoch
//!   ending already. An idle worker looks at each beat.
//! - The new epoch begins only when every stream of the old one is whole on disk, and each `start`
//!   says with which number each of them ended. So a worker whose disk takes nothing holds all the
//!   others: their answers wait, as they do for a disk of their own, and after a while nothing new
//!   is admitted (`record`).
//! - Once the gateway stops, no epoch ends by a jump any more; what is left is recorded by the old
//!   clock, gone on evenly.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use record::PreviousLife;
use spool::{Ended, Fresh};
use tokio::sync::{mpsc, watch};

use crate::clocks::Clocks;

/// How often a new epoch is tried again that the disk did not take.
const RETRY: Duration = Duration::from_millis(200);

/// Which epoch is called to its end; shared by all workers.
#[derive(Debug)]
pub(crate) struct Calls {
    /// The epoch that is to end; 0 before any is. For the way of every record.
    ending: AtomicU64,
    /// No call is made any more. Locked once per jump and at the end.
    closed: Mutex<bool>,
    called: watch::Sender<u64>,
}

/// What a worker has to do with the epochs.
pub(crate) struct Member {
    pub(crate) calls: Arc<Calls>,
    /// Wakes the worker when an epoch is called to its end.
    pub(crate) called: watch::Receiver<u64>,
    /// Takes each stream that has ended.
    pub(crate) ended: SyncSender<Ended>,
    /// Gives the streams that follow.
    pub(crate) next: mpsc::Receiver<Next>,
}

/// The stream with which a worker goes on.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) fresh: Fresh,
    pub(crate) previous: PreviousLife,
}

/// Begins an epoch whenever all workers have ended theirs; ends with the last of them.
struct Coordinator {
    epochs: spool::Epochs,
    clocks: Arc<Clocks>,
    ended: Receiver<Ended>,
    members: Vec<mpsc::Sender<Next>>,
}

/// Starts the thread that begins epochs; gives each worker its part.
///
/// # Errors
/// The thread could not be started.
pub(crate) fn start(
    epochs: spool::Epochs,
    clocks: Arc<Clocks>,
    workers: u16,
) -> std::io::Result<(Arc<Calls>, Vec<Member>, JoinHandle<()>)> {
    let (called, hears) = watch::channel(0);
    let calls = Arc::new(Calls { ending: AtomicU64::new(0), closed: Mutex::new(false), called });
    // Each worker has one stream that ends at a time.
    let (ended, ends) = sync_channel(usize::from(workers));
    let (mut senders, mut members) = (Vec::new(), Vec::new());
    for _ in 0..workers {
        let (sender, next) = mpsc::channel(1);
        senders.push(sender);
        let (calls, called, ended) = (calls.clone(), hears.clone(), ended.clone());
        members.push(Member { calls, called, ended, next });
    }
    let coordinator = Coordinator { epochs, clocks, ended: ends, members: senders };
    let thread = std::thread::Builder::new().name("gateway-epochs".to_owned());
    Ok((calls, members, thread.spawn(|| coordinator.run())?))
}

// === impl Calls ===

impl Calls {
    /// True when this epoch is to end.
    pub(crate) fn ends(&self, epoch: u64) -> bool {
        self.ending.load(Ordering::Acquire) >= epoch
    }

    /// Calls an epoch to its end. True for the first who does; nobody does once it is closed.
    pub(crate) fn end(&self, epoch: u64) -> bool {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *closed || self.ends(epoch) {
            return false;
        }
        self.ending.store(epoch, Ordering::Release);
        self.called.send_replace(epoch);
        true
    }

    /// No epoch is called to its end from now on. One that was, ends.
    pub(crate) fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

// === impl Coordinator ===

impl Coordinator {
    fn run(mut self) {
        let mut ended = Vec::new();
        while let Ok(one) = self.ended.recv() {
            ended.push(one);
            if ended.len() < self.members.len() {
                continue;
            }
            let Some(begun) = self.begin(&ended) else { return };
            ended.clear();
            for (member, fresh) in self.members.iter().zip(begun.fresh) {
                // A worker that is gone needs no stream.
                let _gone = member.blocking_send(Next { fresh, previous: begun.previous.clone() });
            }
        }
    }

    /// Begins the next epoch by the clock as it is now. Nothing when all workers are gone.
    fn begin(&mut self, ended: &[Ended]) -> Option<spool::Begun> {
        let mut told = false;
        loop {
            let now = self.clocks.anchor();
            let error = match self.epochs.begin(u64::try_from(now.0).unwrap_or(0), ended) {
                Ok(begun) => {
                    let (epoch, previous) = (begun.epoch, begun.previous.epoch);
                    tracing::info!(epoch, previous, "a new epoch has begun");
                    return Some(begun);
                }
                Err(error) => error,
            };
            if !told {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the next epoch can not begin, answers are held");
                told = true;
            }
            // Nothing can come: all have ended. So this is a wait that the end of the workers cuts.
            if self.ended.recv_timeout(RETRY) == Err(RecvTimeoutError::Disconnected) {
                return None;
            }
        }
    }
}
