//! Reads with tokens for all accounts, written down before they are answered.
//!
//! A read that can not be written down is not answered: TENANT-1 asks for the line. It is written
//! beside the read, and waited for when the answer is there: one lookup by id takes as long as one
//! line. Who leaves before the answer leaves the line behind.

use std::sync::{Arc, Mutex, PoisonError};

use record::Time;
use serde::Serialize;
use store::{Rows, Store, tables};
use tokio::task::JoinHandle;

use crate::problem::{Code, Problem};
use crate::tokens::Known;

/// Longest text of what was read, bytes: as much as the head of a request has, so that a filter
/// stands there whole.
const WHAT_MAX: usize = 16 * 1024;

/// Writes the table `access_log`.
pub(crate) struct AccessLog {
    store: Store,
}

/// The line of one request, from its beginning to its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Arc<Mutex<Option<Writing>>>);

type Writing = JoinHandle<Result<(), Problem>>;

/// The request did not come through the layer that waits for the line.
#[derive(Debug, thiserror::Error)]
#[error("nobody waits for the line of the access log")]
struct Unawaited;

#[derive(Serialize)]
struct Row<'a> {
    at: String,
    token_name: &'a str,
    role: &'a str,
    account: &'a str,
    what: &'a str,
}

impl AccessLog {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Begins to write one line; `what` is method and target of the request.
    ///
    /// # Errors
    /// It is not waited for: the answer would leave without it.
    pub(crate) fn write(
        &self,
        line: Option<&Line>,
        known: &Known,
        what: &str,
        at: Time,
    ) -> Result<(), Problem> {
        let line = line.ok_or_else(|| Problem::internal(Unawaited))?;
        let mut rows = Rows::new(&tables::ACCESS_LOG);
        let row = Row {
            at: at.to_rfc3339(),
            token_name: &known.name,
            role: known.role.as_str(),
            account: known.account.as_deref().unwrap_or_default(),
            what: cut(what),
        };
        rows.push(&row).map_err(Problem::internal)?;
        let store = self.store.clone();
        let writing = tokio::spawn(async move {
            store.append(&rows).await.map_err(|error| {
                let detail = "the access could not be written down; try again in a moment";
                Problem::new(Code::StoreUnavailable, detail).because(error)
            })
        });
        *line.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
        Ok(())
    }
}

// === impl Line ===

impl Line {
    /// Returns when the line is written, if the request has one.
    pub(crate) async fn written(self) -> Result<(), Problem> {
        let writing = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match writing {
            Some(writing) => writing.await.map_err(Problem::internal)?,
            None => Ok(()),
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(WHAT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("GET /"), "GET /");
        assert_eq!(cut(&"a".repeat(WHAT_MAX + 1)).len(), WHAT_MAX);
        assert_eq!(cut(&format!("a{}", "é".repeat(WHAT_MAX / 2))).len(), WHAT_MAX - 1);
    }
}
