//! Sources of records: the spool in the same process, memory, Kafka.
//!
//! Invariants, for every [`Source`], kept by one suite (`suite`, cargo feature of that name):
//! - A partition is assigned before its first batch.
//! - Messages of a stream come in the order in which they were written.
//! - What is not acknowledged comes again after a restart or a rewind. What is acknowledged does
//!   not, except after a crash that lost the acknowledgement.
//! - [`Event::Reached`] comes after everything that stood in the source when it was asked for,
//!   in the order of the marks.
//! - A source holds no more in memory than its [`Bounds`] say, beside what was given and is not
//!   yet acknowledged.

mod given;
pub mod kafka;
pub mod memory;
mod revocations;
mod source;
mod spool_source;

pub use memory::Memory;
pub use revocations::Revocations;
pub use source::{Batch, Bounds, Event, Message, Place, Source, SourceError};
pub use spool_source::SpoolSource;

#[cfg(any(test, feature = "suite"))]
pub mod suite;

#[cfg(test)]
mod tests;
