//! `tollgate ingest`: the records of another gateway become a stream of their own.
//!
//! - The stream is `ingest:SOURCE`; its epoch is the first 53 bits of the SHA-256 of the file's
//!   content, so the same file is the same stream, and taking it in again stores nothing.
//! - `seq` follows a stable sort by time; the last record is an `end`.
//! - A line that can not be read keeps its place, beside the line before it, and becomes a dead
//!   letter with its line number and reason.
//! - Another content of the same source whose span of time overlaps what is stored is a log that
//!   has grown, most likely: it is refused unless forced, since it would be counted twice.

mod file;

pub(crate) use file::{Form, Options, Taken, read};
