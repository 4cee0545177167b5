//! From an hour that has ended to its cut: look, wait or not, freeze.

use std::collections::BTreeMap;

use record::{Hour, RULE_VERSION, Stream, Time};

use super::assess::{Assessment, Waiting, assess};
use super::catching::Progress;
use super::closer::{Closer, Open};
use super::cut::{Cut, SourceEnd};
use super::due::{Due, due, later};
use super::error::CloseError;
use super::held;
use super::look::{self, look};
use super::seen::{Carry, Seen, is_ingest};
use super::stored;
use super::terms::terms;
use crate::config::Step;
use crate::owner::chain;

/// Idle hours that are closed in one step: a long gap between records costs two inserts each.
const IDLE_AT_ONCE: usize = 500;

/// One hour, looked at.
struct Looked {
    hour: Hour,
    /// When, by the store's clock.
    at: Time,
    seen: Seen,
    state: Assessment,
}

// === impl Closer ===

impl Closer {
    /// Cuts and closes an hour that has ended, if it is due; and idle hours after it.
    pub(super) async fn open_hour(
        &mut self,
        hour: Hour,
        before: Option<&Cut>,
    ) -> Result<Result<Vec<Hour>, Open>, CloseError> {
        // Past the deadline the sources come first: one look at the hour is enough then.
        let past = self.now() >= later(hour.end(), self.owner.config.deadline);
        if past && !self.caught_up(hour, true) {
            self.catch_up(hour, true).await;
        }
        let mut looked = self.look(hour, before).await?;
        loop {
            match self.due(&looked).await? {
                Due::Open => return Ok(Err(Open::Running)),
                Due::Complete if self.caught_up(hour, past) => break,
                Due::Deadline if self.caught_up(hour, true) && !self.settles() => break,
                // A stream that nobody has heard of yet may wait in a source.
                Due::Complete => {
                    if self.catch_up(hour, past).await != Progress::Reached {
                        let until = later(hour.end(), self.owner.config.deadline);
                        if self.now() >= until {
                            return Ok(Err(self.behind(hour)));
                        }
                        let on = vec!["sources that are not consumed to their ends".to_owned()];
                        return Ok(Err(Open::Waiting { until, on }));
                    }
                }
                Due::Wait { until } => {
                    self.goal = None;
                    self.watch_topic().await;
                    let on = names(&looked.state.waiting);
                    return Ok(Err(Open::Waiting { until, on }));
                }
                Due::Deadline => {
                    let progress = self.catch_up(hour, true).await;
                    let settles = self.settles();
                    if settles {
                        // What is shipped in the meantime is in the next goal.
                        self.goal = None;
                    }
                    if progress != Progress::Reached {
                        return Ok(Err(self.behind(hour)));
                    }
                    if settles {
                        // Nothing is behind that is known of: there is nothing to say.
                        return Ok(Err(Open::Behind));
                    }
                }
            }
            looked = self.look(hour, before).await?;
        }
        self.goal = None;
        self.owner.config.step(Step::BeforeCut);
        let cut = self.make_cut(&looked).await?;
        let idle = self.idle(&looked, &cut.ends);
        let mut cuts = vec![cut];
        cuts.extend(idle);
        stored::put_cuts(&self.owner.store, &self.claim, &cuts).await?;
        self.owner.config.step(Step::AfterCut);
        // What stands now is what counts.
        let (first, last) = (hour, cuts.last().map_or(hour, |cut| cut.hour));
        let standing = stored::cuts(&self.owner.store, first, last).await?;
        let first = standing.get(&hour).ok_or(CloseError::NotCut { hour })?;
        self.finish(first).await?;
        let rest: Vec<&Cut> = standing.values().skip(1).collect();
        self.finish_idle(&rest).await?;
        Ok(Ok(standing.into_keys().collect()))
    }

    /// The deadline has passed, and sources are not consumed to their ends.
    fn behind(&mut self, hour: Hour) -> Open {
        // Said once; the gauge says how long it lasts.
        if self.said_behind.replace(hour) != Some(hour) {
            tracing::error!(%hour, "the deadline has passed, sources are behind");
        }
        Open::Behind
    }

    async fn look(&self, hour: Hour, before: Option<&Cut>) -> Result<Looked, CloseError> {
        let nothing = Carry::default();
        let carry = before.map_or(&nothing, |before| &before.carry);
        let looked_before = before.map(|before| before.looked_at);
        // Before anything is looked at: what is stored from then on may be unseen.
        let at = look::clock(&self.owner.store).await?;
        let seen = look(&self.owner.store, hour, carry, looked_before).await?;
        let state = assess(hour, carry, &seen);
        Ok(Looked { hour, at, seen, state })
    }

    async fn due(&self, looked: &Looked) -> Result<Due, CloseError> {
        let Looked { hour, state, .. } = looked;
        let file = |waiting: &Waiting| match waiting {
            Waiting::Stream(stream) => is_ingest(&stream.gateway),
            Waiting::Gateway(_) => false,
        };
        let files = if state.waiting.iter().any(file) {
            look::files(&self.owner.store).await?
        } else {
            BTreeMap::<Stream, Time>::new()
        };
        Ok(due(*hour, &state.waiting, &files, self.now(), self.owner.config.deadline))
    }

    /// How far each source is consumed.
    async fn ends(&self) -> Vec<SourceEnd> {
        let mut ends: Vec<SourceEnd> = Vec::new();
        let mut add = |source: &str, positions: BTreeMap<u32, u64>| {
            ends.extend(positions.into_iter().map(|(part, position)| {
                let source = source.to_owned();
                SourceEnd { source, part, position }
            }));
        };
        for handle in &self.sources {
            add(handle.source(), handle.positions());
        }
        if let Some(topic) = &self.topic {
            match topic.ends.committed().await {
                Ok(next) => {
                    let stored = next.into_iter().filter(|(_, next)| *next > 0);
                    add(&topic.source, stored.map(|(part, next)| (part, next - 1)).collect());
                }
                // They are for those who recount; nothing that is closed depends on them.
                Err(error) => {
                    let (source, error) = (&topic.source, chain(&error));
                    tracing::warn!(source, error, "the cut is made without the topic's ends");
                }
            }
        }
        ends
    }

    /// Hours after this one in which nothing happened and nothing is waited for.
    fn idle(&self, looked: &Looked, ends: &[SourceEnd]) -> Vec<Cut> {
        let until = looked.seen.next_hour();
        let mut seen = looked.seen.clone();
        seen.inside.clear();
        seen.late.clear();
        let mut idle = Vec::new();
        let mut carry = looked.state.carry.clone();
        let mut hour = looked.hour.next();
        while idle.len() < IDLE_AT_ONCE
            && until.is_none_or(|until| hour < until)
            && hour.end() <= self.now()
        {
            let state = assess(hour, &carry, &seen);
            if !state.shares.is_empty() || !state.waiting.is_empty() {
                break;
            }
            carry = state.carry.clone();
            let cut = self.cut(hour, looked.at, state, &Seen::default());
            idle.push(Cut { ends: ends.to_vec(), ..cut });
            hour = hour.next();
        }
        idle
    }

    async fn make_cut(&self, looked: &Looked) -> Result<Cut, CloseError> {
        let mut cut = self.cut(looked.hour, looked.at, looked.state.clone(), &looked.seen);
        cut.ends = self.ends().await;
        cut.released = held::released(&self.owner.store).await?;
        let prices = self.prices.as_deref();
        (cut.terms, cut.books) = terms(&self.owner.store, &cut, prices).await?;
        Ok(cut)
    }

    fn cut(&self, hour: Hour, looked_at: Time, state: Assessment, seen: &Seen) -> Cut {
        let mut late = seen.late.clone();
        if !state.strays.is_empty() {
            late.insert(hour, state.strays);
        }
        Cut {
            hour,
            looked_at,
            rule: RULE_VERSION,
            released: Vec::new(),
            settled: state.waiting.is_empty(),
            silent: names(&state.waiting),
            books: Vec::new(),
            streams: state.shares,
            late,
            carry: state.carry,
            ends: Vec::new(),
            terms: BTreeMap::new(),
        }
    }
}

fn names(waiting: &[Waiting]) -> Vec<String> {
    let name = |waiting: &Waiting| match waiting {
        Waiting::Stream(stream) => stream.to_string(),
        Waiting::Gateway(name) => name.clone(),
    };
    waiting.iter().map(name).collect()
}
