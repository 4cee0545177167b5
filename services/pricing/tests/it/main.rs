//! The crate as others use it.
//!
//! - `golden`: values from outside (published prices and examples) and the edges of tiers.
//! - `books`, `prices`: what is read, and every mistake at once.
//! - `auditor`: a second, naive computation of an hour, unit by unit.
//! - `properties`: random hours, slicings and late records against the auditor.
//! - `corrections`: BILL-2 by example.
//! - `forms`: canonical JSON.
//! - `sources`: the crate's own text, searched for binary floats.

mod auditor;
mod books;
mod corrections;
mod forms;
mod golden;
mod prices;
mod properties;
mod sources;
mod tables;
