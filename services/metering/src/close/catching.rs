//! Waiting until the sources are consumed to where they ended when an hour could first be closed.
//!
//! The goal is fixed then, and kept from look to look: a metering that is always some minutes behind
//! closes its hours some minutes late. Were it "the end now" each time, it would close none.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::kafka::{Ends, EndsError};
use record::Hour;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::closer::{Closer, Topic};
use crate::intake::Handle;
use crate::owner::chain;

/// Between two looks at what the group has committed.
const COMMITTED_AGAIN: Duration = Duration::from_millis(200);

/// Where the sources ended when an hour could first be closed.
pub(super) struct Goal {
    hour: Hour,
    /// It could be closed because its deadline had passed, not because it was complete.
    deadline: bool,
    /// One for each source of this process: its name, and whether it got there.
    sources: JoinSet<(String, bool)>,
    /// A source is consumed by nobody any more.
    ended: bool,
    /// Where each partition of the topic ended.
    topic: Option<BTreeMap<u32, u64>>,
    reached: bool,
}

/// How far the consumption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Reached,
    NotYet,
    /// The topic can not be asked.
    Away,
}

// === impl Goal ===

impl Goal {
    /// Takes each source's end of now for the goal; the topic's with the first wait.
    fn new(hour: Hour, deadline: bool, handles: &[Handle]) -> Self {
        let mut sources = JoinSet::new();
        for handle in handles {
            let handle = handle.clone();
            sources.spawn(async move {
                let there = handle.catch_up().await.is_ok();
                (handle.source().to_owned(), there)
            });
        }
        Self { hour, deadline, sources, ended: false, topic: None, reached: false }
    }

    /// May be dropped at any time, and be begun again.
    async fn wait(&mut self, topic: Option<&Topic>) -> Progress {
        while let Some(joined) = self.sources.join_next().await {
            if let Ok((_, true)) = joined {
                continue;
            }
            self.ended = true;
            let source = joined.map(|(source, _)| source).unwrap_or_default();
            tracing::warn!(source, "nobody consumes a source any more");
        }
        if self.ended {
            return Progress::NotYet;
        }
        if let Some(Topic { source, ends, .. }) = topic
            && let Err(error) = consumed(ends, &mut self.topic).await
        {
            tracing::warn!(source, error = chain(&error), "no ends are known");
            return Progress::Away;
        }
        self.reached = true;
        Progress::Reached
    }
}

// === impl Closer ===

impl Closer {
    /// Whether the goal of this hour was reached in an earlier look.
    pub(super) fn caught_up(&self, hour: Hour, deadline: bool) -> bool {
        self.goal
            .as_ref()
            .is_some_and(|goal| goal.reached && (goal.hour, goal.deadline) == (hour, deadline))
    }

    /// Waits until the sources are consumed to the goal, for no longer than one look may.
    pub(super) async fn catch_up(&mut self, hour: Hour, deadline: bool) -> Progress {
        let kept = self.goal.take().filter(|goal| (goal.hour, goal.deadline) == (hour, deadline));
        let mut goal = kept.unwrap_or_else(|| Goal::new(hour, deadline, &self.sources));
        let wait = timeout(self.owner.config.catch_up, goal.wait(self.topic.as_ref()));
        let progress = wait.await.unwrap_or(Progress::NotYet);
        if progress == Progress::Away {
            self.was_away();
        }
        // Who consumes an ended source again is to be asked anew.
        self.goal = Some(goal).filter(|goal| !goal.ended);
        progress
    }

    /// Asks the topic for its ends, only to learn whether it is there: an absence that ends just
    /// before a deadline is one too.
    pub(super) async fn watch_topic(&mut self) {
        let Some(Topic { source, ends, .. }) = &self.topic else { return };
        if let Err(error) = ends.now().await {
            tracing::warn!(source, error = chain(&error), "no ends are known");
            self.was_away();
        }
    }

    /// Gateways had no topic to ship to, and get time to do so.
    fn was_away(&mut self) {
        if let Some(topic) = &mut self.topic {
            topic.settles = Instant::now() + self.owner.config.grace;
        }
    }

    /// Whether gateways may still ship what waited while the topic was away.
    pub(super) fn settles(&self) -> bool {
        self.topic.as_ref().is_some_and(|topic| Instant::now() < topic.settles)
    }
}

/// Returns once the group has stored all that the topic holds at the goal; the first time, that is
/// what it holds now.
async fn consumed(ends: &Ends, goal: &mut Option<BTreeMap<u32, u64>>) -> Result<(), EndsError> {
    let now = ends.now().await?;
    let goal = goal.get_or_insert_with(|| now.clone());
    for (part, end) in &mut *goal {
        // What the topic does not hold any more will never be stored.
        *end = (*end).min(now.get(part).copied().unwrap_or(0));
    }
    loop {
        let stored = ends.committed().await?;
        if goal.iter().all(|(part, end)| stored.get(part).copied().unwrap_or(0) >= *end) {
            return Ok(());
        }
        sleep(COMMITTED_AGAIN).await;
    }
}
