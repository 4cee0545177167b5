//! The durable segment log of one gateway: an append survives SIGKILL the moment it returned.
//!
//! Invariants, each kept by a test in `tests/`:
//! - What [`Writer::write`] returned `Ok` for is read after any crash that the configured
//!   [`Durability`] covers: every record once, whole, in the order of its stream.
//! - Reading stops at the first frame whose checksum is wrong. The checksum covers gateway,
//!   epoch, worker, segment number, `seq` and length besides the payload, so neither zeros nor
//!   the bytes of another segment verify.
//! - The [`Reader`] never yields a frame that is not completely written (with
//!   [`Durability::Host`]: not synced).
//! - Segments go only after all in them is acknowledged. A lost acknowledgement means that
//!   records are read again, never that one is missing.
//! - The bytes on disk stay within `size`, see [`Writer::reserve`].
//!
//! The folder:
//! ```text
//! lock                          flock of the living process, holds its pid
//! gateway                       the name that the folder belongs to
//! epoch                         the last epoch that began
//! streams/<epoch>-<worker>/     one per worker and epoch
//!     <number>.seg              header, frames, zeros (see `frame`)
//!     ack, used, partition      what is stored elsewhere, what has no record, where the records
//!                               go (see `number`)
//! reserve                       room for a start on a full disk (see `open`)
//! refused/<epoch>-<worker>-<seq>  records that were refused elsewhere, kept for a person
//! ```
//! A writer shares nothing with other writers. With the reader it shares a few atomics
//! (`progress`): the writer says how far it has written, the reader what is freed.

mod beside;
mod config;
mod cursor;
mod disk;
mod epochs;
mod folder;
mod frame;
mod number;
mod open;
mod progress;
mod reader;
mod recover;
mod segment;
mod tail;
mod writer;

pub use config::{Config, Durability, WhenFull, read};
pub use epochs::{BeginError, Begun, Epochs, Fresh};
pub use frame::hash;
pub use open::{OpenError, Spool, open};
pub use reader::{AckError, Frame, Frames, Mark, ReadError, Reader};
pub use writer::{Ended, PushError, Room, Stalled, Usage, Writer};

#[cfg(test)]
mod tests;
