//! Hours closed, bills out.
//!
//! The way of an hour: [`look`] at the store → [`assess`] what belongs to it and what is still to
//! come → [`due`]? → the [`cut`], one row → use, counted from the cut's ranges → [`account`]: one
//! bill per account → [`proof`] → the closing row, which makes the hour closed.
//!
//! - Everything after the cut is computed from the cut, so each step may be repeated, by anybody.
//! - Every write is fenced by the claim on `close`, and made only where nothing stands.
//! - Pure parts (assess, due, cut, account) know no store; the others hold its SQL.

mod account;
mod assess;
mod bills;
mod catching;
mod closer;
mod cut;
mod cutting;
mod due;
mod error;
mod frozen;
mod held;
mod look;
mod proof;
mod retention;
pub(crate) mod seen;
mod stored;
mod terms;
mod usage;
mod view;

pub use closer::{Closer, Open, Round, Stopped};
pub use cut::{CutError, Release};
pub(crate) use due::later;
pub use error::CloseError;
pub use held::{HeldUse, ReleaseError, held, release};
pub(crate) use look::clock;
pub use proof::{COLUMNS, Held, ProofError};
pub use usage::UsageError;
pub use view::{DryBill, DryRun, Provisional, dry_run, provisional};
