//! YAML text to a tree that knows its lines; every mistake at once.
//!
//! All that people write for Tollgate (the configuration, price books) is read here.
//! - A reader never stops at the first mistake: it takes what it can and collects the rest,
//!   each with file, line and path, so that one run of `tollgate check` shows everything.
//! - A scalar is text until somebody says which type it has. So no number of a price book
//!   ever passes through a binary float.
//! - Input is bounded: size, depth, number of nodes; anchors, aliases and tags are refused.
//! - A mistake refuses the whole text. A fault is one in a part that can be left out by itself:
//!   whoever reads that part says so ([`Value::apart`]), and whoever reads the text decides whether
//!   it is good without ([`Sink::finish_but_faults`]).
//! - Secrets are named (`${env:NAME}`, `${file:PATH}`), resolved by the caller, and never printed.
//!
//! Usage: [`Document::parse`] gives a tree, [`Document::root`] a [`Value`] to walk it with,
//! and [`Sink`] holds the mistakes of all files read with it.

mod fields;
mod scalar;
mod secret;
mod tree;

use std::cell::{Cell, RefCell};
use std::fmt;

pub use fields::{Fields, Value};
pub use scalar::{ByteSize, Scalar};
pub use secret::{Reference, Resolve, Secret};
pub use tree::Document;

/// More mistakes than a person reads in one go; further ones are counted, not kept.
const MISTAKES_MAX: usize = 100;

/// One thing that is wrong in a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file as the user named it.
    pub file: String,
    /// 1-based line.
    pub line: usize,
    /// The path of keys, like `services[0].host`; empty for the document itself.
    pub path: String,
    /// What is wrong and what is accepted, one sentence fragment without a final stop.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, path, text } = self;
        if path.is_empty() {
            write!(f, "{file}:{line}: {text}")
        } else {
            write!(f, "{file}:{line}: {path}: {text}")
        }
    }
}

/// Collects the mistakes of one reading, over all its files.
#[derive(Debug, Default)]
pub struct Sink {
    mistakes: RefCell<Vec<Mistake>>,
    more: Cell<usize>,
    /// How many of all are faults.
    faults: Cell<usize>,
}

impl Sink {
    /// An empty collector.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one mistake; beyond [`MISTAKES_MAX`] it is only counted.
    pub fn add(&self, mistake: Mistake) {
        let mut mistakes = self.mistakes.borrow_mut();
        if mistakes.len() < MISTAKES_MAX {
            mistakes.push(mistake);
        } else {
            self.more.set(self.more.get() + 1);
        }
    }

    /// Adds a mistake that leaves the rest good.
    pub(crate) fn add_fault(&self, mistake: Mistake) {
        self.faults.set(self.faults.get() + 1);
        self.add(mistake);
    }

    /// How many faults there were so far.
    pub(crate) fn faults(&self) -> usize {
        self.faults.get()
    }

    /// True when nothing was wrong so far.
    pub fn is_empty(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// All mistakes in the order of files and lines, or `value` when there are none.
    ///
    /// # Errors
    /// The mistakes, when there are any.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Mistakes> {
        match self.finish_but_faults(value)? {
            (value, faults) if faults.is_empty() => Ok(value),
            (_, faults) => Err(faults),
        }
    }

    /// The same, for who can leave out what is faulty: `value` and the faults in it, none when all
    /// is well.
    ///
    /// # Errors
    /// All mistakes, the faults among them, when there is one that is more than a fault.
    pub fn finish_but_faults<T>(self, value: Option<T>) -> Result<(T, Mistakes), Mistakes> {
        let mut list = self.mistakes.into_inner();
        list.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let found = Mistakes { list, more: self.more.get() };
        match value {
            Some(value) if found.count() == self.faults.get() => Ok((value, found)),
            _ => {
                assert!(!found.is_empty(), "a reading without value has at least one mistake");
                Err(found)
            }
        }
    }
}

impl Mistakes {
    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.list.len() + self.more
    }
}

/// All that is wrong; displays one line each.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub struct Mistakes {
    /// In the order of files and lines.
    pub list: Vec<Mistake>,
    /// How many further ones were not kept.
    pub more: usize,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        if self.more > 0 {
            write!(f, "\n… and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
