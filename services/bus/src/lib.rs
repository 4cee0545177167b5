//! Sources of records, and the way from the spool.
//!
//! SKELETON: the public shape is agreed with the other crates; bodies are being written.

pub mod memory;
mod source;
mod spool_source;

pub use memory::Memory;
pub use source::{Batch, Bounds, Event, Message, Place, Source, SourceError};
pub use spool_source::SpoolSource;
