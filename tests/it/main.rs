//! The whole-system tests, one binary. Each module says what it shows.
//!
//! - [`bills`]: a day of records, its bills computed a second time by hand
//! - [`way`]: n requests → n records, equal to what the client saw
//! - [`tidy`]: what can be checked of the source itself

mod bills;
mod tidy;
mod way;

/// The product's program.
const EXE: &str = env!("CARGO_BIN_EXE_tollgate-under-test");
