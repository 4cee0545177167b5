//! Records in, hours closed, bills out.

mod close;
mod config;
mod counters;
mod intake;
mod known;
mod owner;
mod ranges;

pub use config::{Config, OnStep, Step};
pub use counters::{Counters, Metric};
pub use intake::{Ended, Handle, IntakeError, Outcome, Pipeline, Tally};
