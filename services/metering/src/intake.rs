//! Records in: decode → judge → drop what is stored → insert → acknowledge.
//!
//! - **Stored rows are the only truth.** After any doubt (an unknown outcome, a restart) the owner
//!   claims anew, forgets what it knew, reads back, and sends only what is missing.
//! - **Every message ends in one [`Outcome`]**; batches assert that the outcomes sum to what was
//!   read. Acknowledged is only what has its outcome in the store.
//! - **Back-pressure, not queues.** While the store is away, the source is not read further.
//! - **One owner.** Who is fenced off stops; it does not claim again.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::{Event, Source, SourceError};
use store::{Claim, Store};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::{Config, Step};
use crate::counters::{Counters, add};
use crate::owner::{Owner, Trouble, chain};
use partition::Partition;

mod attempt;
mod letters;
mod outcome;
mod partition;
mod readback;
mod suspects;

pub use outcome::{Outcome, Tally};

/// Requests to catch up that may wait for their turn.
const REQUESTS: usize = 16;

/// All partitions together hold at most so many times the bytes of one in memory.
const PENDING_BATCHES: u64 = 4;

/// Pause after a source could not be read: its next call tries again.
const SOURCE_PAUSE: Duration = Duration::from_millis(200);

/// The partition whose owner closes hours.
const FIRST: u32 = 0;

/// Why a pipeline ended.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// Another owner has claimed the partition: this one must not write any more.
    #[error("another owner has taken over {source_name}/{part}")]
    TakenOver {
        /// The source.
        source_name: String,
        /// The partition.
        part: u32,
    },
    /// Another consumer group is at work on the same topic and store.
    #[error(
        "consumer group `{group}` is at work on {source_name} and the same store: stop its members \
         first (one that was killed leaves after its session time-out), or use that group"
    )]
    OtherGroup {
        /// The source.
        source_name: String,
        /// The other group.
        group: String,
    },
    /// The source does not take what it should.
    #[error("failed to acknowledge {source_name}/{part} up to {position}")]
    Ack {
        /// The source.
        source_name: String,
        /// The partition.
        part: u32,
        /// The position.
        position: u64,
        /// Why.
        #[source]
        source: SourceError,
    },
}

/// Takes the records of one source into the store.
#[derive(Debug)]
pub struct Pipeline<S> {
    source: S,
    owner: Owner,
    partitions: BTreeMap<u32, Partition>,
    requests: mpsc::Receiver<oneshot::Sender<()>>,
    /// Who waits for which mark.
    marks: Vec<(u64, oneshot::Sender<()>)>,
    positions: Positions,
    /// Whether the first partition is ours: whoever has it closes hours.
    leads: watch::Sender<bool>,
    /// Nobody can ask any more.
    deaf: bool,
    /// When the last insert ended.
    free: Option<Instant>,
}

/// Asks a running pipeline. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    source: String,
    requests: mpsc::Sender<oneshot::Sender<()>>,
    positions: Positions,
    leads: watch::Receiver<bool>,
}

/// By partition: the last position acknowledged. A lock held for one look or one write.
type Positions = Arc<Mutex<BTreeMap<u32, u64>>>;

/// The pipeline has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the pipeline has ended")]
pub struct Ended;

enum Turn {
    Event(Result<Event, SourceError>),
    Asked(Option<oneshot::Sender<()>>),
    Time,
}

// === impl Handle ===

impl Handle {
    /// Name of the source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The last position acknowledged, by partition.
    pub fn positions(&self) -> BTreeMap<u32, u64> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the pipeline owns the first partition. Of several that share a source, only one
    /// does: it is the one that closes hours. Its end is an error of the receiver.
    pub fn leads(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    /// Returns once everything that stands in the source now is stored (or a duplicate, or dead).
    ///
    /// # Errors
    /// When the pipeline ends before.
    pub async fn catch_up(&self) -> Result<(), Ended> {
        let (done_tx, done) = oneshot::channel();
        self.requests.send(done_tx).await.map_err(|_closed| Ended)?;
        done.await.map_err(|_closed| Ended)
    }
}

// === impl Pipeline ===

impl<S: Source> Pipeline<S> {
    /// A pipeline from `source` into `store`; it does nothing before [`run`](Self::run).
    pub fn new(source: S, store: Store, config: Config, counters: Arc<Counters>) -> (Self, Handle) {
        let (requests_tx, requests) = mpsc::channel(REQUESTS);
        let (partitions, marks, positions) = (BTreeMap::new(), Vec::new(), Positions::default());
        let (leads, leads_rx) = watch::channel(false);
        let handle = Handle {
            source: source.name().to_owned(),
            requests: requests_tx,
            positions: Arc::clone(&positions),
            leads: leads_rx,
        };
        let owner = Owner::new(store, config, counters).in_group(source.group());
        let (deaf, free) = (false, None);
        (Self { source, owner, partitions, requests, marks, positions, leads, deaf, free }, handle)
    }

    /// Works until the source is closed (everything is stored then) or `stop` is ready (what is not
    /// acknowledged comes again at the next start).
    ///
    /// # Errors
    /// [`IntakeError`]. While the store is away it waits.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> Result<(), IntakeError> {
        tokio::select! {
            done = self.work() => done,
            () = stop => Ok(()),
        }
    }

    async fn work(&mut self) -> Result<(), IntakeError> {
        loop {
            match self.turn().await {
                Turn::Event(Ok(event)) => {
                    self.owner.counters.refused.store(0, Ordering::Relaxed);
                    self.event(event).await?;
                }
                Turn::Event(Err(SourceError::Closed)) => return self.flush_all().await,
                Turn::Event(Err(error)) => {
                    if matches!(error, SourceError::Topic(_)) {
                        self.owner.counters.refused.store(1, Ordering::Relaxed);
                    }
                    tracing::warn!(source = self.source.name(), %error, "source can not be read");
                    sleep(SOURCE_PAUSE).await;
                }
                Turn::Asked(Some(done)) => self.ask(done).await,
                Turn::Asked(None) => self.deaf = true,
                Turn::Time => self.flush_due().await?,
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let wait = self.owner.config.batch_wait;
        let due = self.partitions.values().filter_map(|it| it.due(wait, self.free)).min();
        tokio::select! {
            biased;
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Turn::Time,
            asked = self.requests.recv(), if !self.deaf => Turn::Asked(asked),
            event = self.source.next() => Turn::Event(event),
        }
    }

    async fn ask(&mut self, done: oneshot::Sender<()>) {
        match self.source.mark().await {
            Ok(mark) => self.marks.push((mark, done)),
            // Whoever asked learns it from the dropped sender.
            Err(error) => {
                tracing::warn!(source = self.source.name(), %error, "source can not be marked");
            }
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), IntakeError> {
        match event {
            Event::Assigned { partition } => self.assigned(partition).await?,
            Event::Revoked { partition } => self.drop_partition(partition),
            Event::Batch(batch) => {
                let number = batch.partition;
                let config = &self.owner.config;
                // Batches of a partition that is not ours any more: the next owner gets them.
                let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
                partition.push(batch);
                if partition.is_full(config.batch_rows, config.batch_bytes) {
                    self.flush(number).await?;
                } else if let Some(number) = self.too_much() {
                    self.flush(number).await?;
                }
            }
            Event::Reached { mark } => {
                self.flush_all().await?;
                let (reached, later): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.marks).into_iter().partition(|(at, _)| *at <= mark);
                self.marks = later;
                for (_, done) in reached {
                    // Nobody may be waiting any more.
                    done.send(()).ok();
                }
            }
        }
        self.count_pending();
        Ok(())
    }

    fn count_pending(&self) {
        let pending = self.partitions.values().map(Partition::batches).sum();
        self.owner.counters.pending.store(pending, Ordering::Relaxed);
    }

    /// The partition with the most bytes, when all together are too many.
    fn too_much(&self) -> Option<u32> {
        let bytes: u64 = self.partitions.values().map(Partition::bytes).sum();
        let max = self.owner.config.batch_bytes.saturating_mul(PENDING_BATCHES);
        let largest = self.partitions.iter().max_by_key(|(_, partition)| partition.bytes());
        largest.filter(|_| bytes >= max).map(|(number, _)| *number)
    }

    /// Stores what is due, and with it what is little: an insert that is not worth waiting for.
    async fn flush_due(&mut self) -> Result<(), IntakeError> {
        let (wait, now) = (self.owner.config.batch_wait, Instant::now());
        let due = |partition: &Partition| {
            !partition.is_busy() || partition.due(wait, self.free).is_some_and(|due| due <= now)
        };
        let found = self.partitions.iter().filter(|(_, partition)| due(partition));
        for part in found.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.flush(part).await?;
        }
        self.count_pending();
        Ok(())
    }

    async fn flush_all(&mut self) -> Result<(), IntakeError> {
        for part in self.partitions.keys().copied().collect::<Vec<_>>() {
            self.flush(part).await?;
        }
        self.count_pending();
        Ok(())
    }

    /// Claims a partition; what its owner before had begun is ended then. Abandoned when the
    /// partition is taken away meanwhile.
    async fn assigned(&mut self, part: u32) -> Result<(), IntakeError> {
        let mut revocations = self.source.revocations();
        let claim = tokio::select! {
            claim = self.claim(part) => claim?,
            () = revocations.wait_for(part) => return Ok(()),
        };
        tracing::info!(source = self.source.name(), part, claim = claim.counter, "owned");
        self.partitions.insert(part, Partition::new(claim));
        if part == FIRST {
            self.leads.send_replace(true);
        }
        Ok(())
    }

    async fn claim(&mut self, part: u32) -> Result<Claim, IntakeError> {
        let name = self.source.name().to_owned();
        if let Some(group) = self.owner.other_group(&name, part).await {
            let mut backoff = self.owner.backoff();
            loop {
                match self.source.is_live(&group).await {
                    Ok(false) => break,
                    Ok(true) => {
                        return Err(IntakeError::OtherGroup { source_name: name, group });
                    }
                    Err(error) => {
                        tracing::warn!(source = name, error = chain(&error), "group not known");
                        backoff.wait().await;
                    }
                }
            }
        }
        self.owner.claim(&name, part).await
    }

    fn drop_partition(&mut self, part: u32) {
        self.partitions.remove(&part);
        if part == FIRST {
            self.leads.send_replace(false);
        }
    }

    /// Stores all that is pending of a partition, however long it takes, and acknowledges it.
    /// Abandoned when the partition is taken away meanwhile: its next owner ends what still runs,
    /// and reads back.
    async fn flush(&mut self, part: u32) -> Result<(), IntakeError> {
        let mut revocations = self.source.revocations();
        tokio::select! {
            flushed = self.flush_owned(part) => return flushed,
            () = revocations.wait_for(part) => {}
        }
        tracing::info!(source = self.source.name(), part, "taken away; an insert is abandoned");
        self.drop_partition(part);
        Ok(())
    }

    async fn flush_owned(&mut self, part: u32) -> Result<(), IntakeError> {
        let Some(partition) = self.partitions.get_mut(&part) else { return Ok(()) };
        let Some(position) = partition.last_position() else { return Ok(()) };
        let mut backoff = self.owner.backoff();
        let tally = loop {
            match partition.attempt(&self.owner).await {
                Ok(tally) => break tally,
                Err(Trouble::Fenced) => return Err(self.owner.taken_over(&partition.claim)),
                Err(Trouble::Doubt(reason)) => {
                    add(&self.owner.counters.retries, 1);
                    let source = self.source.name();
                    tracing::warn!(source, part, reason, "storing a batch is begun again");
                    backoff.wait().await;
                    let claim = self.owner.claim_again(&partition.claim).await?;
                    partition.forget(claim);
                }
            }
        };
        tally.count(&self.owner.counters);
        partition.done();
        self.free = Some(Instant::now());
        self.owner.config.step(Step::AfterInsert);
        self.ack(part, position).await?;
        self.owner.config.step(Step::AfterAck);
        Ok(())
    }

    /// Acknowledges what is stored, however long it takes: a disk that is full for a while is no
    /// reason to stop.
    async fn ack(&mut self, part: u32, position: u64) -> Result<(), IntakeError> {
        let mut backoff = self.owner.backoff();
        loop {
            match self.source.ack(part, position).await {
                Ok(()) => {
                    let mut positions =
                        self.positions.lock().unwrap_or_else(PoisonError::into_inner);
                    positions.insert(part, position);
                    return Ok(());
                }
                // Taken from us in the meantime: the next owner finds all of it stored.
                Err(SourceError::NotAssigned { .. }) => {
                    self.drop_partition(part);
                    return Ok(());
                }
                Err(error @ SourceError::Ack(_)) => {
                    add(&self.owner.counters.retries, 1);
                    let (source, error) = (self.source.name(), chain(&error));
                    tracing::error!(source, part, position, error, "not acknowledged yet");
                    backoff.wait().await;
                }
                Err(source) => {
                    let source_name = self.source.name().to_owned();
                    return Err(IntakeError::Ack { source_name, part, position, source });
                }
            }
        }
    }
}
