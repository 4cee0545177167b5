//! A source in memory, for `ingest` and for tests.

use crate::{Bounds, Event, Place, Source, SourceError};

/// Messages from memory; one partition, number 0.
#[derive(Debug)]
pub struct Memory {
    name: String,
}

impl Memory {
    /// A source of these messages.
    pub fn new(
        name: impl Into<String>,
        messages: impl IntoIterator<Item = (Option<Place>, Vec<u8>)>,
        bounds: Bounds,
    ) -> Self {
        let _skeleton = (messages.into_iter().count(), bounds);
        Self { name: name.into() }
    }
}

impl Source for Memory {
    fn name(&self) -> &str {
        &self.name
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        Err(SourceError::Closed)
    }

    async fn ack(&mut self, _partition: u32, _position: u64) -> Result<(), SourceError> {
        Ok(())
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        Ok(0)
    }

    async fn rewind(&mut self, _partition: u32) -> Result<(), SourceError> {
        Ok(())
    }
}
