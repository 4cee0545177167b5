//! The whole-system tests, one binary. Each module says what it shows.
//!
//! - [`tidy`]: what can be checked of the source itself

mod tidy;
