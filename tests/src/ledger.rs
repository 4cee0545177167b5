//! The client's own ledger: what it received whole, kept apart from everything under test.
//!
//! Every request carries a number of its own in its query, so that also a record whose answer never
//! came whole can be told to be one that was asked for. On disk a ledger is a folder with a file for
//! each client, one line for each request, written as soon as its outcome is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

/// What the client saw of one whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it was sent.
    pub method: String,
    /// As it was sent.
    pub host: String,
    /// The path that was asked for, without the query.
    pub path: String,
    /// The query that was sent: the request's own number.
    pub query: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes sent.
    pub req_len: u64,
    /// Bytes received.
    pub rsp_len: u64,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its answer came whole, with this request id.
    Whole(String, Entry),
    /// As [`Outcome::Whole`], but not as the backend gave it; the text says how.
    Altered(String, Entry, String),
    /// A whole answer, with this request id, that says that there is no room for a record (503 with
    /// `Retry-After`): the product promises that it has none.
    Refused(String, Entry),
    /// The answer did not come whole; the request's query.
    Torn(String),
}

/// What a client, or several, saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Answers that came whole, by request id.
    pub whole: BTreeMap<String, Entry>,
    /// Whole answers that say that there is no room, by request id.
    pub refused: BTreeMap<String, Entry>,
    /// Queries of requests whose answer did not come whole.
    pub torn: BTreeSet<String>,
    /// What was altered of answers that came whole: there must be none (FAULT-1).
    pub altered: Vec<String>,
}

// === impl Ledger ===

impl Ledger {
    /// Adds what became of a request.
    ///
    /// # Panics
    /// When an id, or the number of a request, came twice.
    pub fn add(&mut self, outcome: Outcome) {
        let answers = match &outcome {
            Outcome::Refused(..) => &mut self.refused,
            _ => &mut self.whole,
        };
        let before = match outcome {
            Outcome::Whole(id, entry) | Outcome::Refused(id, entry) => answers.insert(id, entry),
            Outcome::Altered(id, entry, what) => {
                self.altered.push(what);
                answers.insert(id, entry)
            }
            Outcome::Torn(query) => {
                assert!(self.torn.insert(query), "a request's number came twice");
                None
            }
        };
        assert_eq!(before, None, "a request id came twice");
    }

    /// Adds what another client saw.
    ///
    /// # Panics
    /// When an id, or the number of a request, came twice.
    pub fn merge(&mut self, other: Self) {
        let (ids, torn) = (self.whole.len() + self.refused.len(), self.torn.len());
        let (more, more_torn) = (other.whole.len() + other.refused.len(), other.torn.len());
        self.whole.extend(other.whole);
        self.refused.extend(other.refused);
        self.torn.extend(other.torn);
        self.altered.extend(other.altered);
        let all: BTreeSet<&String> = self.whole.keys().chain(self.refused.keys()).collect();
        assert_eq!(all.len(), ids + more, "a request id came twice");
        assert_eq!(self.torn.len(), torn + more_torn, "a request's number came twice");
    }

    /// How many of the whole answers were made by the backend.
    pub fn from_backend(&self) -> u64 {
        self.whole.values().filter(|entry| entry.asked_backend()).count() as u64
    }

    /// Reads what was written to a folder.
    ///
    /// # Errors
    /// When it can not be read, or a line is no line of a ledger.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut ledger = Self::default();
        for file in fs::read_dir(folder)? {
            for line in fs::read_to_string(file?.path())?.lines() {
                let bad = || io::Error::new(io::ErrorKind::InvalidData, line.to_owned());
                ledger.add(Outcome::parse(line).ok_or_else(bad)?);
            }
        }
        Ok(ledger)
    }
}

// === impl Entry ===

impl Entry {
    /// True for a path that the configuration of [`crate::world::World`] sends to the backend.
    pub fn asked_backend(&self) -> bool {
        self.routed() && !self.mocked()
    }

    /// True for a path that a mock answers.
    pub fn mocked(&self) -> bool {
        self.routed() && self.path.starts_with("/release/mock/")
    }

    fn routed(&self) -> bool {
        self.host == crate::world::HOST && self.path.starts_with("/release/")
    }
}

// === impl Outcome ===

impl Outcome {
    /// One line: the outcome, the request's number, its id, status, bytes of the request and of the
    /// answer, method, host, path, and what was altered; separated by tabs.
    pub fn line(&self) -> String {
        let line = |word: &str, id: &str, entry: &Entry, what: &str| {
            let Entry { method, host, path, query, status, req_len, rsp_len } = entry;
            format!(
                "{word}\t{query}\t{id}\t{status}\t{req_len}\t{rsp_len}\t{method}\t{host}\t{path}\t\
                 {what}\n"
            )
        };
        match self {
            Self::Whole(id, entry) => line("whole", id, entry, ""),
            Self::Altered(id, entry, what) => line("altered", id, entry, what),
            Self::Refused(id, entry) => line("refused", id, entry, ""),
            Self::Torn(query) => format!("torn\t{query}\n"),
        }
    }

    /// The other way round.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        let mut word = || words.next();
        let (outcome, query) = (word()?, word()?.to_owned());
        if outcome == "torn" {
            return Some(Self::Torn(query));
        }
        let id = word()?.to_owned();
        let (status, req_len) = (word()?.parse().ok()?, word()?.parse().ok()?);
        let rsp_len = word()?.parse().ok()?;
        let (method, host, path) = (word()?.to_owned(), word()?.to_owned(), word()?.to_owned());
        let entry = Entry { method, host, path, query, status, req_len, rsp_len };
        match outcome {
            "whole" => Some(Self::Whole(id, entry)),
            "altered" => Some(Self::Altered(id, entry, word()?.to_owned())),
            "refused" => Some(Self::Refused(id, entry)),
            _ => None,
        }
    }
}

/// A plain GET.
pub fn get(host: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_was_seen() {
        let text = |word: &str| word.to_owned();
        let (method, host, path) = (text("GET"), text("h.example"), text("/release/x"));
        let query = text("n=1");
        let entry = Entry { method, host, path, query, status: 200, req_len: 50, rsp_len: 99 };
        for outcome in [
            Outcome::Whole(text("id"), entry.clone()),
            Outcome::Altered(text("id"), entry.clone(), text("a byte")),
            Outcome::Refused(text("id"), entry),
            Outcome::Torn(text("n=2")),
        ] {
            let line = outcome.line();
            assert_eq!(Outcome::parse(line.trim_end_matches('\n')), Some(outcome), "{line}");
        }
        assert_eq!(Outcome::parse("whole\tn=1\tid"), None);
    }
}
