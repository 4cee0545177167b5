//! The spool as a source: partition 0, read on a thread of its own.

use crate::{Bounds, Event, Source, SourceError};

/// The spool of one gateway; named `spool:<gateway>`.
#[derive(Debug)]
pub struct SpoolSource {
    name: String,
}

impl SpoolSource {
    /// Starts the thread that owns the reader.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn start(gateway: &str, reader: spool::Reader, bounds: Bounds) -> std::io::Result<Self> {
        let _skeleton = (reader, bounds);
        Ok(Self { name: format!("spool:{gateway}") })
    }
}

impl Source for SpoolSource {
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
