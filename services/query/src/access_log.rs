//! Reads with tokens for all accounts, written down before they are answered.
//!
//! A read that can not be written down is not answered: TENANT-1 asks for the line. It is written
//! beside the read, and waited for when the answer is there: one lookup by id takes as long as one
//! line. Who leaves before the answer is written down all the same, and has a place among the requests
//! at work until then.

use std::sync::{Arc, Mutex, PoisonError};

use record::Time;
use serde::Serialize;
use store::{InsertError, Rows, Store, tables};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

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
#[derive(Debug, Clone)]
pub(crate) struct Line {
    place: Arc<OwnedSemaphorePermit>,
    writing: Arc<Mutex<Option<Writing>>>,
}

type Writing = oneshot::Receiver<Result<(), InsertError>>;

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
        let (store, place) = (self.store.clone(), Arc::clone(&line.place));
        let (written, writing) = oneshot::channel();
        tokio::spawn(async move {
            let result = store.append(&rows).await;
            if let Err(Err(error)) = written.send(result) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the access of a client that left was not written down");
            }
            drop(place);
        });
        *line.writing.lock().unwrap_or_else(PoisonError::into_inner) = Some(writing);
        Ok(())
    }
}

// === impl Line ===

impl Line {
    /// Of the request that has this place among those at work.
    pub(crate) fn new(place: OwnedSemaphorePermit) -> Self {
        Self { place: Arc::new(place), writing: Arc::default() }
    }

    /// Returns when the line is written, if the request has one.
    pub(crate) async fn written(self) -> Result<(), Problem> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writing) = writing else { return Ok(()) };
        writing.await.map_err(Problem::internal)?.map_err(|error| {
            let detail = "the access could not be written down; try again in a moment";
            Problem::new(Code::StoreUnavailable, detail).because(error)
        })
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
