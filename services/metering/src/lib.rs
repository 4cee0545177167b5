//! Records in, hours closed, bills out.

mod close;
mod known;
mod ranges;

pub use ranges::Ranges;
