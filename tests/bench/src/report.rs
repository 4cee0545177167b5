//! What a part measured, in one form for all parts: the terminal, JSON and `docs/benchmarks.md`
//! show the same rows.
//!
//! - Ours and the peer's figures come from the same run, in rounds that take turns ([`turns`]).
//! - A ratio is the median of the rounds' ratios, not the ratio of two medians: what slows a whole
//!   round slows both sides of it.
//! - A peer that is missing has a row too, which says so.

mod text;

use anyhow::Result;
use serde::Serialize;

pub(crate) use text::{markdown, table};

/// What one part measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The word of the command line.
    pub(crate) part: &'static str,
    /// What was done, one sentence each.
    pub(crate) about: Vec<String>,
    /// Programs that took part, with their versions.
    pub(crate) versions: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// A table of its own form, markdown; empty when `rows` say it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
}

/// One figure beside its peer's.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Of the figures: `µs CPU/request`.
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<Spread>,
    pub(crate) peer: Option<Peer>,
    /// Ours by the peer's.
    pub(crate) ratio: Option<Spread>,
    pub(crate) must: Option<Bound>,
    pub(crate) aim: Option<Bound>,
    /// None: there is nothing to judge.
    pub(crate) met: Option<Met>,
    pub(crate) note: String,
}

/// Who is compared with, and its figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) figure: Spread,
}

/// The median of the rounds, and the least and most of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// What a median is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "is", content = "value", rename_all = "snake_case")]
pub(crate) enum Bound {
    RatioAtMost(f64),
    RatioAtLeast(f64),
    OursAtMost(f64),
}

/// What became of the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Met {
    /// The aim, and so the `must`.
    Aim,
    Must,
    /// There is only an aim.
    NotAim,
    NotMust,
}

/// Runs so many rounds; in each every side has one turn, and who begins changes. Figures by side,
/// then by round.
///
/// # Errors
/// The first one of a side.
pub(crate) fn turns<T>(
    rounds: u32,
    sides: usize,
    mut turn: impl FnMut(usize) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut done: Vec<Vec<T>> = (0..sides).map(|_| Vec::new()).collect();
    for round in 0..rounds as usize {
        for step in 0..sides {
            let side = (step + round) % sides;
            done[side].push(turn(side)?);
        }
    }
    Ok(done)
}

// === impl Report ===

impl Report {
    pub(crate) fn new(part: &'static str) -> Self {
        Self { part, ..Self::default() }
    }

    /// One more sentence about what was done.
    pub(crate) fn about(&mut self, sentence: impl Into<String>) {
        self.about.push(sentence.into());
    }

    pub(crate) fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// One more program, once.
    pub(crate) fn version(&mut self, version: String) {
        if !self.versions.contains(&version) {
            self.versions.push(version);
        }
    }
}

// === impl Row ===

impl Row {
    /// A row with nothing measured yet.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str) -> Self {
        let name = name.into();
        let (ours, peer, ratio, must, aim, met) = (None, None, None, None, None, None);
        Self { name, unit, ours, peer, ratio, must, aim, met, note: String::new() }
    }

    /// Our figures, one for each round.
    pub(crate) fn ours(mut self, rounds: &[f64]) -> Self {
        self.ours = Spread::of(rounds);
        self
    }

    /// Both figures, round by round.
    pub(crate) fn paired(mut self, ours: &[f64], peer: &str, theirs: &[f64]) -> Self {
        self.ours = Spread::of(ours);
        self.peer = Spread::of(theirs).map(|figure| Peer { name: peer.to_owned(), figure });
        let ratios = ours.iter().zip(theirs).filter(|(_, theirs)| **theirs > 0.0);
        let ratios: Vec<f64> = ratios.map(|(ours, theirs)| ours / theirs).collect();
        self.ratio = Spread::of(&ratios);
        self
    }

    /// What has to hold. After the figures.
    pub(crate) fn must(mut self, bound: Bound) -> Self {
        self.must = Some(bound);
        self.judged()
    }

    /// What is hoped for. After the figures.
    pub(crate) fn aim(mut self, bound: Bound) -> Self {
        self.aim = Some(bound);
        self.judged()
    }

    /// One more remark; they are joined.
    pub(crate) fn note(mut self, note: impl AsRef<str>) -> Self {
        if !self.note.is_empty() {
            self.note.push_str("; ");
        }
        self.note.push_str(note.as_ref());
        self
    }

    fn judged(mut self) -> Self {
        let holds = |bound: Option<Bound>| bound.and_then(|bound| bound.holds(&self));
        self.met = match (holds(self.must), holds(self.aim)) {
            (None, None) => None,
            (Some(false), _) => Some(Met::NotMust),
            (_, Some(true)) => Some(Met::Aim),
            (Some(true), _) => Some(Met::Must),
            (None, Some(false)) => Some(Met::NotAim),
        };
        self
    }
}

// === impl Spread ===

impl Spread {
    /// None without figures.
    pub(crate) fn of(figures: &[f64]) -> Option<Self> {
        let mut sorted = figures.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        };
        Some(Self { median, least, most })
    }
}

// === impl Bound ===

impl Bound {
    /// None when the figure is missing.
    fn holds(self, row: &Row) -> Option<bool> {
        let ratio = row.ratio.map(|spread| spread.median);
        let ours = row.ours.map(|spread| spread.median);
        match self {
            Self::RatioAtMost(value) => ratio.map(|ratio| ratio <= value),
            Self::RatioAtLeast(value) => ratio.map(|ratio| ratio >= value),
            Self::OursAtMost(value) => ours.map(|ours| ours <= value),
        }
    }
}

#[cfg(test)]
mod tests;
