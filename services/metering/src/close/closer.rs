//! The closer: closes the hours that are due, in their order, one after the other.
//!
//! Steps of a closing, each of which may be repeated with the same result: cut → use → bills → sums
//! → proof → closing row. Whoever finds a cut that stands goes on from there. Another closer fences
//! this one off; then it stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::kafka::Ends;
use pricing::Prices;
use record::{Hour, Time};
use store::{Claim, Store};
use tokio::time::{Instant, sleep};

use super::account::Books;
use super::bills::{CountFrom, bills};
use super::catching::Goal;
use super::cut::Cut;
use super::error::CloseError;
use super::held;
use super::look;
use super::proof::{Figures, proof};
use super::retention;
use super::stored;
use crate::config::{Clock, Config, Step};
use crate::counters::{Counters, add};
use crate::intake::Handle;
use crate::owner::{Backoff, Owner, chain};

/// The source in claims, partition 0.
const SOURCE: &str = "close";

/// The longest pause between tries of a closing that fails: some failures a person has to mend.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How many times longer than a look the pause after it is, at least: an hour that waits for a
/// silent gateway is looked at for 25 minutes, and may take a tenth of one core for it.
const PAUSE_PER_LOOK: u32 = 10;
/// The longest pause between two looks: a round that waited for sources was not work.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(60);

/// A difference between this machine's clock and the store's that somebody should hear of.
const AHEAD_MS: i64 = 60_000;

/// Between two looks for records that are older than the retention, which is days.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Closes hours.
pub struct Closer {
    pub(super) owner: Owner,
    pub(super) claim: Claim,
    pub(super) prices: Option<Arc<Prices>>,
    pub(super) books: Books,
    pub(super) sources: Vec<Handle>,
    pub(super) topic: Option<Topic>,
    pub(super) goal: Option<Goal>,
    /// The last hour of which it was said that sources are behind at its deadline.
    pub(super) said_behind: Option<Hour>,
    clock: Clock,
    /// How far this machine's clock is ahead of the store's, milliseconds; 0 when it is not.
    ahead_ms: i64,
}

/// A topic that other processes may consume as well.
#[derive(Clone)]
pub(super) struct Topic {
    /// The source in claims.
    pub(super) source: String,
    pub(super) ends: Ends,
    /// Until then gateways may still be shipping what waited in their spools.
    pub(super) settles: Instant,
}

/// How a closer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It was asked to.
    Asked,
    /// Another closer has taken over.
    TakenOver,
}

/// What a look at the hours came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// Hours that were closed.
    pub closed: Vec<Hour>,
    /// The hour that is not closed yet, and why not. None when there is no record at all.
    pub open: Option<(Hour, Open)>,
}

/// Why an hour is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// It has not ended.
    Running,
    /// Streams or gateways are waited for, until this time at the latest.
    Waiting {
        /// The deadline.
        until: Time,
        /// Who.
        on: Vec<String>,
    },
    /// The deadline has passed, but a source is not consumed to its end. Alarm.
    Behind,
}

// === impl Closer ===

impl Closer {
    /// Claims the closing of hours, and puts the price books where they are kept for ever.
    ///
    /// # Errors
    /// A price book that would price hours that are cut already; another closer that starts at
    /// the same time. While the store is away it waits.
    pub async fn start(
        store: Store,
        config: Config,
        counters: Arc<Counters>,
        prices: Option<Arc<Prices>>,
        sources: Vec<Handle>,
        clock: Clock,
    ) -> Result<Self, CloseError> {
        let owner = Owner::new(store, config, counters);
        let claim = owner.claim(SOURCE, 0).await?;
        let books = Books::new();
        let mut closer = Self {
            owner,
            claim,
            prices,
            books,
            sources,
            topic: None,
            goal: None,
            said_behind: None,
            clock,
            ahead_ms: 0,
        };
        let mut backoff = closer.owner.backoff();
        loop {
            match closer.register_books().await {
                Ok(()) => return Ok(closer),
                Err(error @ (CloseError::Query(_) | CloseError::Doubt { .. })) => {
                    tracing::warn!(error = chain(&error), "price books are not stored yet");
                    backoff.wait().await;
                    closer.claim = closer.owner.claim_again(&closer.claim).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Its records come through a topic, which other processes may consume as well: at a deadline
    /// the whole group must have stored all that the topic holds. `source` names it in claims.
    #[must_use]
    pub fn with_topic(mut self, source: &str, ends: Ends) -> Self {
        let settles = Instant::now() + self.owner.config.grace;
        self.topic = Some(Topic { source: source.to_owned(), ends, settles });
        self
    }

    /// Closes what is due, again and again, until `stop` is ready or another closer takes over.
    ///
    /// # Errors
    /// None that waiting could mend: what fails is logged, counted, and begun again.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> Stopped {
        tokio::select! {
            () = self.rounds() => Stopped::TakenOver,
            () = stop => Stopped::Asked,
        }
    }

    /// Returns when another closer has taken over.
    async fn rounds(&mut self) {
        let mut backoff = Backoff::new(PAUSE_MAX);
        let mut swept: Option<Instant> = None;
        loop {
            let began = Instant::now();
            match self.round().await {
                Ok(_) => {
                    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                        self.sweep().await;
                        swept = Some(Instant::now());
                    }
                    backoff = Backoff::new(PAUSE_MAX);
                    let pause = began.elapsed().saturating_mul(PAUSE_PER_LOOK);
                    sleep(pause.min(LOOK_PAUSE_MAX).max(self.owner.config.look_every)).await;
                }
                Err(CloseError::TakenOver) => break,
                Err(error) => {
                    // What comes while nothing could be closed is waited for, too.
                    self.goal = None;
                    add(&self.owner.counters.close_failures, 1);
                    tracing::error!(error = chain(&error), "closing an hour failed");
                    backoff.wait().await;
                    if let CloseError::Query(_) | CloseError::Doubt { .. } = error {
                        let Ok(claim) = self.owner.claim_again(&self.claim).await else { break };
                        self.claim = claim;
                    }
                }
            }
        }
        tracing::info!("another closer has taken over; this one stops");
    }

    /// Drops records that are older than the retention. What fails is done the next time.
    ///
    /// Public for tests, which do not wait for the pause between two of them.
    pub async fn sweep(&self) {
        let Some(kept) = self.owner.config.retention else { return };
        if let Err(error) = retention::drop_old(&self.owner.store, kept).await {
            tracing::warn!(error = chain(&error), "old records are not dropped yet");
        }
    }

    /// Closes all hours that are due now.
    ///
    /// # Errors
    /// [`CloseError`]. After any but [`CloseError::TakenOver`] it may be called again; steps that
    /// were done stand.
    pub async fn round(&mut self) -> Result<Round, CloseError> {
        let mut round = Round::default();
        // Whoever has nothing to write would never meet the fence.
        if !self.owner.store.holds(&self.claim).await? {
            return Err(CloseError::TakenOver);
        }
        self.compare_clocks().await?;
        while let Some(hour) = self.next_hour().await? {
            if self.now() < hour.end() {
                round.open = Some((hour, Open::Running));
                break;
            }
            let around = stored::cuts(&self.owner.store, hour.prev(), hour).await?;
            if let Some(standing) = around.get(&hour) {
                tracing::info!(%hour, "going on with a closing that was begun");
                let cut = standing.clone();
                self.finish(&cut).await?;
                round.closed.push(hour);
                continue;
            }
            match self.open_hour(hour, around.get(&hour.prev())).await? {
                Ok(closed) => round.closed.extend(closed),
                Err(open) => {
                    round.open = Some((hour, open));
                    break;
                }
            }
        }
        let behind = matches!(round.open, Some((_, Open::Behind)));
        self.owner.counters.overdue.store(u64::from(behind), Ordering::Relaxed);
        Ok(round)
    }

    /// The hour after the last closed one; at first, that of the first record.
    async fn next_hour(&self) -> Result<Option<Hour>, CloseError> {
        let store = &self.owner.store;
        if let Some(closed) = stored::last_closed(store).await? {
            return Ok(Some(closed.next()));
        }
        if let Some(cut) = stored::first_cut(store).await? {
            return Ok(Some(cut));
        }
        Ok(look::first_hour(store).await?)
    }

    /// Everything after the cut.
    pub(super) async fn finish(&mut self, cut: &Cut) -> Result<(), CloseError> {
        let store = self.owner.store.clone();
        self.load_books(cut).await?;
        let made = bills(&store, &self.books, cut, CountFrom::Sums).await?;
        self.owner.config.step(Step::BeforeBills);
        stored::put_bills(&store, &self.claim, cut.hour, &made.bills).await?;
        held::put(&store, &self.claim, cut.hour, &made.held).await?;
        self.owner.config.step(Step::AfterBills);
        let text = proof(cut, &made.figures, &made.held, store.database());
        self.owner.config.step(Step::BeforeClosing);
        stored::put_closings(&store, &self.claim, vec![(cut.hour, text)]).await?;
        let outstanding = held::held(&store).await?.len() as u64;
        self.owner.counters.held.store(outstanding, Ordering::Relaxed);
        self.closed(cut);
        Ok(())
    }

    pub(super) async fn finish_idle(&self, cuts: &[&Cut]) -> Result<(), CloseError> {
        if cuts.is_empty() {
            return Ok(());
        }
        let store = &self.owner.store;
        let none = Figures::default();
        let proofs = cuts.iter().map(|cut| (cut.hour, proof(cut, &none, &[], store.database())));
        stored::put_closings(store, &self.claim, proofs.collect::<Vec<_>>()).await?;
        cuts.iter().for_each(|cut| self.closed(cut));
        Ok(())
    }

    fn closed(&self, cut: &Cut) {
        let counters = &self.owner.counters;
        add(&counters.closed, 1);
        add(&counters.incomplete, u64::from(!cut.complete()));
        counters.closed_until_ms.store(cut.hour.end().0, Ordering::Relaxed);
        let (hour, complete) = (cut.hour, cut.complete());
        tracing::info!(%hour, complete, streams = cut.streams.len(), "hour closed");
        self.owner.config.step(Step::AfterClosing);
    }

    /// The time, by this machine's clock or the store's, whichever is behind: an hour that both take
    /// for ended has ended.
    pub(super) fn now(&self) -> Time {
        Time((self.clock)().0.saturating_sub(self.ahead_ms))
    }

    async fn compare_clocks(&mut self) -> Result<(), CloseError> {
        // Ours first: what the question takes is no difference.
        let ours = (self.owner.config.machine)();
        let stored = look::clock(&self.owner.store).await?;
        let ahead_ms = ours.0.saturating_sub(stored.0).max(0);
        if ahead_ms > AHEAD_MS && self.ahead_ms <= AHEAD_MS {
            tracing::error!(
                ahead_s = ahead_ms / 1000,
                "this machine's clock and the store's differ; hours close by the one that is behind"
            );
        }
        self.ahead_ms = ahead_ms;
        Ok(())
    }
}

impl std::fmt::Debug for Closer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closer").field("claim", &self.claim).finish_non_exhaustive()
    }
}
