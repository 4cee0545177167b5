//! Records in, hours closed, bills out.

mod close;
mod config;
mod counters;
mod intake;
mod known;
mod owner;
mod ranges;

pub use close::{
    COLUMNS, Clock, CloseError, Closer, CutError, DryBill, DryRun, Held, Open, ProofError,
    Provisional, Round, Stopped, UsageError, dry_run, provisional,
};
pub use config::{Config, OnStep, Step};
pub use counters::{Counters, Metric};
pub use intake::{Ended, Handle, IntakeError, Outcome, Pipeline, Tally};
