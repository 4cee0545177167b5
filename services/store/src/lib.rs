//! The connection to ClickHouse: migrations, claims, the fenced insert.
//!
//! What this crate promises to those above it:
//! - **Stored rows are the only truth.** An insert ends in one of four ways: written, [`Fenced`],
//!   [`Unknown`], [`Refused`]. Whatever was not clearly answered is `Unknown`, and nobody may
//!   repeat an insert after that without a new claim and a look at what stands.
//! - **One owner writes.** Every insert on behalf of a partition carries its owner's [`Claim`] in
//!   its SQL; once somebody claimed above, it writes nothing. See [`claim`](Store::claim).
//! - **One insert is one part**, so it is there as a whole or not at all. See [`Block`].
//! - **No value travels inside SQL text.** Values are bound parameters; see [`Sql`].
//!
//! Queries of the services live with the services; here is only what runs them.
//!
//! [`Fenced`]: InsertError::Fenced
//! [`Unknown`]: InsertError::Unknown
//! [`Refused`]: InsertError::Refused

mod block;
mod claim;
mod endpoint;
mod insert;
mod migrate;
mod post;
mod query;
mod ranges;
pub mod records;
mod rows;
mod sql;
pub mod tables;
#[cfg(test)]
mod tests;

pub use block::Block;
pub use claim::{Claim, ClaimError};
pub use endpoint::{Endpoint, EndpointError, Store};
pub use insert::InsertError;
pub use migrate::MigrateError;
pub use query::QueryError;
pub use ranges::{Ranges, Scope, Span};
pub use rows::{Hex, Placed, Rows, RowsError};
pub use sql::{Limits, Param, Sql};
