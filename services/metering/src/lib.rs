//! Records in, hours closed, bills out.
//!
//! Two workers, which know each other only through the store:
//! - A [`Pipeline`] takes the records of one source: decode → judge (RULE-1) → drop what is stored →
//!   insert → acknowledge. Every message ends in one [`Outcome`].
//! - The [`Closer`] closes hours: what belongs to an hour is frozen in one row, the cut; use, bills
//!   and proof are computed from it, and the closing row comes last.
//!
//! Invariants, each with its tests:
//! - DUP-1: a number of a stream becomes at most one row. Stored rows are the only truth; after any
//!   doubt the owner claims anew, reads back, and sends what is missing.
//! - LOSS-1: only what has its outcome in the store is acknowledged.
//! - PROOF-1: `stored + dead + missing = last - first + 1` of each stream, asserted, and checked by
//!   the SQL that the proof carries.
//! - BILL-1: a closed hour computed again ([`dry_run`]) gives the same bytes.
//! - BILL-2: what comes late becomes corrections in the next hour that is closed.
//! - BOUND-1: batches are bounded by rows and bytes; a store that is away makes the source wait.
//!
//! Over Kafka several such processes share the partitions of a topic ([`Service`]).
//!
//! The pure parts are `ranges`, `known`, and of `close` the assessment, `due`, the cut and the bill
//! of an account.

mod close;
mod cluster;
mod config;
mod counters;
mod dead;
mod intake;
mod known;
mod owner;
mod ranges;

pub use close::{
    COLUMNS, CloseError, Closer, CutError, DryBill, DryRun, Held, HeldUse, Open, ProofError,
    Provisional, Release, ReleaseError, Round, Stopped, UsageError, dry_run, held, provisional,
    release,
};
pub use cluster::{Service, ServiceError};
pub use config::{Clock, Config, OnStep, Step};
pub use counters::{Counters, Metric};
pub use dead::{DeadLetter, LETTERS_MAX, Retried, RetryError, dead_letter, dead_letters, retry};
pub use intake::{Ended, Handle, IntakeError, Outcome, Pipeline, Tally};
