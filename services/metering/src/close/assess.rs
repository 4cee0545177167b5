//! What belongs to an hour, and whether anything is still to come: pure.
//!
//! Per stream:
//! - Its **share** is `first..=last`: `first` follows its share of the hour before; `last` comes
//!   before its first row beyond the hour, or is its end, or the last number known.
//! - It is **done** when everything from `first` to its first row beyond the hour, or to its end,
//!   is stored or dead, without a hole.
//! - **Strays** are rows of the hour outside of the share: they fill a hole that an earlier share
//!   went over. They are frozen beside the shares, so that every row of the hour that stands when
//!   it is cut is in its cut, whatever its number.
//!
//! Which streams live in an hour: those that the hour before hands on, those with rows in it, all
//! workers that a `start` of that hour or before names, and those of a previous life that a
//! `start` names and nobody has seen yet. A life is ended by an `end`, or by the `start` of a later
//! one that names its last numbers. A later `start` that knows of no life before it says that the
//! spool was lost, and nobody knows what else was in it: that life is waited for like a silent one,
//! in one hour, and never again.
//!
//! A gateway that did not retire is expected after the hour: an `end` alone may be followed by a
//! new life of which nothing has arrived yet.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use record::{Hour, Stream, Time};

use super::seen::{Carry, Gateway, LifeRow, Living, Seen, is_ingest};
use crate::ranges::Ranges;

/// The state of one hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// The shares that hold anything, in the order of the streams.
    pub shares: Vec<Share>,
    /// Rows of the hour that lie in no share of it.
    pub strays: BTreeMap<Stream, Ranges>,
    /// What is handed on to the next hour.
    pub carry: Carry,
    /// What is still to come. Nothing: the hour is complete, as far as is known.
    pub waiting: Vec<Waiting>,
}

/// What belongs to the hour of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The stream.
    pub stream: Stream,
    /// Its first number.
    pub first: u64,
    /// Its last number; not below `first`.
    pub last: u64,
    /// What is stored of them. Late rows of earlier hours between them are in here too.
    pub ranges: Ranges,
    /// What of them ended as dead letters.
    pub dead: Ranges,
}

/// Who has not said yet that the hour is over for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// A stream: with a hole, or silent.
    Stream(Stream),
    /// A gateway that ended without retiring.
    Gateway(String),
}

/// Where streams end.
#[derive(Debug, Default)]
struct Ends {
    /// One past the last number, as far as anybody has said it, or as is stored.
    past: BTreeMap<Stream, u64>,
    /// Streams whose spool was lost, and the hour of the `start` that says so: there may have been
    /// more of them.
    lost: BTreeMap<Stream, Hour>,
}

// === impl Share ===

impl Share {
    /// Numbers that are neither stored nor dead. PROOF-1: with the others they are the whole share.
    pub fn missing(&self) -> u64 {
        let known = self.ranges.count().saturating_add(self.dead.count());
        let length = (self.last - self.first).saturating_add(1);
        length.checked_sub(known).expect("PROOF-1: stored and dead lie in the share, apart")
    }
}

/// Assesses one hour.
pub fn assess(hour: Hour, carry: &Carry, seen: &Seen) -> Assessment {
    let known = known_streams(hour, carry, seen);
    let ends = ends(carry, seen, &known);
    let mut state = Assessment::default();
    let living: BTreeMap<&Stream, &Living> =
        carry.living.iter().map(|living| (&living.stream, living)).collect();
    for stream in &known {
        let first = match (living.get(stream), seen.cut_before.get(stream)) {
            (Some(living), _) => living.next,
            (None, Some(last)) => last.saturating_add(1),
            (None, None) => 0,
        };
        one_stream(stream, (hour, first), &ends, seen, &mut state);
    }
    state.carry.gateways = gateways(hour, carry, seen, &known);
    for (name, gateway) in &state.carry.gateways {
        let heard = seen.beyond.keys().any(|stream| stream.gateway == *name);
        if !gateway.retired && !heard && !state.waiting.iter().any(|other| other.is_of(name)) {
            state.waiting.push(Waiting::Gateway(name.clone()));
        }
    }
    state
}

impl Waiting {
    fn is_of(&self, gateway: &str) -> bool {
        match self {
            Self::Stream(stream) => stream.gateway == gateway,
            Self::Gateway(name) => name == gateway,
        }
    }
}

fn one_stream(
    stream: &Stream,
    (hour, first): (Hour, u64),
    ends: &Ends,
    seen: &Seen,
    state: &mut Assessment,
) {
    let (end, lost) = (ends.past.get(stream).copied(), ends.lost.get(stream).copied());
    let none = Ranges::new();
    let inside = seen.inside.get(stream).unwrap_or(&none);
    let dead = seen.dead.get(stream).unwrap_or(&none);
    let beyond = seen.beyond.get(stream).map(|beyond| beyond.first);
    let stored = inside.union(&seen.late_of(stream));
    let known = stored.union(dead);
    let mut run = known.clone();
    if let Some(beyond) = beyond {
        run.insert(beyond, beyond);
    }
    // Everything from `first` up to, and not including, `past` is there.
    let reached =
        |past: u64| first >= past || run.reach(first).is_some_and(|reach| reach >= past - 1);
    let done = beyond.is_some_and(|beyond| reached(beyond.saturating_add(1)))
        || lost.is_none() && end.is_some_and(reached);
    if !done {
        state.waiting.push(Waiting::Stream(stream.clone()));
    }
    let last_known = known.max().map_or(first, |last| last.saturating_add(1));
    let past = beyond.or(end).unwrap_or(last_known).max(first);
    let mut strays = inside.clone();
    if past > first {
        let ranges = stored.clip(first, past - 1);
        strays = strays.minus(&ranges);
        let dead = dead.clip(first, past - 1).minus(&ranges);
        let share = Share { stream: stream.clone(), first, last: past - 1, ranges, dead };
        state.shares.push(share);
    }
    if !strays.is_empty() {
        state.strays.insert(stream.clone(), strays);
    }
    // A file that did not end by now is not waited for in every later hour; should it go on, it
    // goes on behind its last cut.
    if beyond.is_some() || (end.is_none() && !is_ingest(&stream.gateway)) {
        // Whoever sees that `start` too shall wait for what is lost.
        let end = end.filter(|_| lost.is_none_or(|at| at <= hour));
        state.carry.living.push(Living { stream: stream.clone(), next: past, end });
    }
}

/// The streams that live in the hour, or were handed on to it.
fn known_streams(hour: Hour, carry: &Carry, seen: &Seen) -> BTreeSet<Stream> {
    let mut known: BTreeSet<Stream> =
        carry.living.iter().map(|living| living.stream.clone()).collect();
    known.extend(seen.inside.keys().cloned());
    // Late rows that only fill earlier shares make no share of this hour.
    for (stream, ranges) in seen.late.values().flatten() {
        if seen.cut_before.get(stream).is_none_or(|&last| ranges.max() > Some(last)) {
            known.insert(stream.clone());
        }
    }
    // Of a life at or before the one carried, everything that is not living is done.
    let unseen = |stream: &Stream| {
        let carried = carry.gateways.get(&stream.gateway);
        !is_ingest(&stream.gateway) && carried.is_none_or(|gateway| stream.epoch > gateway.epoch)
    };
    for row in seen.lives.iter().filter(|row| !row.ends) {
        if row.hour <= hour {
            let stream = |worker| Stream { worker, ..row.stream.clone() };
            known.extend((0..row.life.workers).map(stream).filter(unseen));
        }
        let Some(previous) = &row.life.previous else { continue };
        // An epoch is the clock at the start of the life. After a clock that was set back it may lie
        // ahead of its rows: those are not waited for then, and come late.
        let began = i64::try_from(previous.epoch).unwrap_or(i64::MAX);
        if Time(began).hour() > hour {
            continue;
        }
        for (worker, last) in (0_u16..).zip(&previous.last) {
            let stream = Stream { epoch: previous.epoch, worker, ..row.stream.clone() };
            if last.is_some() && unseen(&stream) {
                known.insert(stream);
            }
        }
    }
    known
}

/// Where each stream ends, as far as anybody has said it.
fn ends(carry: &Carry, seen: &Seen, known: &BTreeSet<Stream>) -> Ends {
    let mut ends = Ends::default();
    for living in &carry.living {
        if let Some(end) = living.end {
            ends.past.insert(living.stream.clone(), end);
        }
    }
    for row in seen.lives.iter().filter(|row| row.ends) {
        ends.past.insert(row.stream.clone(), row.seq.saturating_add(1));
    }
    let starts = || seen.lives.iter().filter(|row| !row.ends);
    let of = |row: &LifeRow| {
        let (gateway, epoch) = (row.stream.gateway.clone(), row.stream.epoch);
        known.iter().filter(move |stream| stream.gateway == gateway && stream.epoch < epoch)
    };
    let past = |last: Option<u64>| last.map_or(0, |last| last.saturating_add(1));
    for (row, previous) in starts().filter_map(|row| Some((row, row.life.previous.as_ref()?))) {
        // Older than the life that this record speaks of: that one's `start` tells.
        for stream in of(row).filter(|stream| stream.epoch >= previous.epoch) {
            let last = if stream.epoch == previous.epoch {
                let last = previous.last.get(usize::from(stream.worker)).copied().flatten();
                last.max(greatest(stream, seen))
            } else {
                // A life between the two left nothing on disk: what is stored is all of it.
                greatest(stream, seen)
            };
            ends.past.entry(stream.clone()).or_insert_with(|| past(last));
        }
    }
    for row in starts().filter(|row| row.life.previous.is_none()) {
        for stream in of(row) {
            let end = ends.past.entry(stream.clone());
            if let Entry::Vacant(end) = end {
                end.insert(past(greatest(stream, seen)));
                if is_ingest(&stream.gateway) {
                    continue;
                }
                ends.lost.insert(stream.clone(), row.hour);
            }
        }
    }
    ends
}

/// The greatest number of a stream that is stored or dead.
fn greatest(stream: &Stream, seen: &Seen) -> Option<u64> {
    let ranges = |map: &BTreeMap<Stream, Ranges>| map.get(stream).and_then(Ranges::max);
    let beyond = seen.beyond.get(stream).map(|beyond| beyond.last);
    let late = seen.late_of(stream).max();
    ranges(&seen.inside).max(ranges(&seen.dead)).max(beyond).max(late)
}

fn gateways(
    hour: Hour,
    carry: &Carry,
    seen: &Seen,
    known: &BTreeSet<Stream>,
) -> BTreeMap<String, Gateway> {
    let mut gateways = carry.gateways.clone();
    for stream in known.iter().filter(|stream| !is_ingest(&stream.gateway)) {
        let new = Gateway { epoch: stream.epoch, retired: false };
        let gateway = gateways.entry(stream.gateway.clone()).or_insert_with(|| new.clone());
        if stream.epoch > gateway.epoch {
            *gateway = new;
        }
    }
    for row in seen.lives.iter().filter(|row| row.ends && row.life.retires && row.hour <= hour) {
        if let Some(gateway) = gateways.get_mut(&row.stream.gateway)
            && gateway.epoch == row.stream.epoch
        {
            gateway.retired = true;
        }
    }
    gateways
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
