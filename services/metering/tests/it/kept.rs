//! A source that lives on when its pipeline dies: what was acknowledged is gone, the rest comes
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bus::{Bounds, Event, Memory, Source, SourceError};

use crate::world::Input;

/// Remembers how many messages are acknowledged.
pub struct Kept {
    memory: Memory,
    /// Acknowledged before this pipeline.
    gone: u64,
    acked: Arc<AtomicU64>,
}

// === impl Kept ===

impl Kept {
    /// A source of those messages that are not acknowledged.
    pub fn new(name: &str, messages: &[Input], acked: &Arc<AtomicU64>) -> Self {
        let gone = acked.load(Ordering::SeqCst);
        let rest = messages[usize::try_from(gone).expect("a small number")..].to_vec();
        // Small batches, so that an end comes in the midst of things.
        let bounds = Bounds { batch_messages: 7, ..Bounds::default() };
        Self { memory: Memory::new(name, rest, bounds), gone, acked: Arc::clone(acked) }
    }
}

impl Source for Kept {
    fn name(&self) -> &str {
        self.memory.name()
    }

    async fn next(&mut self) -> Result<Event, SourceError> {
        self.memory.next().await
    }

    async fn ack(&mut self, partition: u32, position: u64) -> Result<(), SourceError> {
        self.memory.ack(partition, position).await?;
        self.acked.store(self.gone + position + 1, Ordering::SeqCst);
        Ok(())
    }

    async fn mark(&mut self) -> Result<u64, SourceError> {
        self.memory.mark().await
    }

    async fn rewind(&mut self, partition: u32) -> Result<(), SourceError> {
        self.memory.rewind(partition).await
    }
}
