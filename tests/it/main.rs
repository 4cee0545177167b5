//! The whole-system tests, one binary. Each module says what it shows.
//!
//! - [`bills`]: a day of records, its bills computed a second time by hand
//! - [`proof`]: what was altered is found, a closed hour comes to the same bytes again
//! - [`late`]: corrections, and an old spool that returns
//! - [`day`]: support: worlds of the sample day
//! - [`way`]: n requests → n records, equal to what the client saw
//! - [`tidy`]: what can be checked of the source itself

mod bills;
mod day;
mod late;
mod proof;
mod tidy;
mod way;

/// The product's program.
const EXE: &str = env!("CARGO_BIN_EXE_tollgate-under-test");
