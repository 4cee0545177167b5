//! The sabotage: each promise is broken once, and its test must see it.
//!
//! - `tests/sabotage/<PROMISE>.patch` is one small mistake in `services/` or `schemas/`, with a
//!   head that names the test ([`Patch`]). `<PROMISE>.<word>.patch` is another one for the same
//!   promise, with another test.
//! - It is tried on a copy of the tree ([`Tree`]), never on the tree itself.
//! - The test must pass without the patch, and with it fail by an assertion of its own
//!   ([`judge`]): a test that fails because the product panicked or a wait ran out shows nothing.

mod command;
mod patch;
mod tree;
mod verdict;

use std::path::Path;

pub use command::{Commands, Interrupted, Ran};
pub use patch::{Patch, Test};
pub use tree::Tree;
pub use verdict::{Seen, judge, read};

/// The promises, in the order of ARCHITECTURE.md. Each has a patch, or several.
pub const PROMISES: [&str; 10] = [
    "LOSS-1", "DUP-1", "PROOF-1", "BILL-1", "BILL-2", "BILL-3", "RULE-1", "FAULT-1", "TENANT-1",
    "BOUND-1",
];

/// The root of the tree.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

#[cfg(test)]
mod tests;
