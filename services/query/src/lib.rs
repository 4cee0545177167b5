//! The HTTP API: records, bills, proofs and marketplace counts, read by those who may.
//!
//! The way of a request, one file each:
//! 1. [`serve`]: connections, bounded in number, each with a time to send its head.
//! 2. `layer`: a request id, a bound of requests at once, metrics, and the form of every problem.
//! 3. `caller`: the bearer token becomes a caller; a read by a token for all accounts is written
//!    down before it is answered.
//! 4. `roles`: which role may read what, one table.
//! 5. `scope`: TENANT-1. Every query of a handler passes here, and gets the condition that keeps
//!    it to the caller's rows. No handler holds the store.
//! 6. `filter`: what a search asks for, as text, as a tree and as SQL.
//! 7. `routes`: the handlers, one file each, with their SQL.
//!
//! Errors are problem details (RFC 9457) with a code that never changes and the request id. Times
//! are RFC 3339 in UTC, decimals are texts.

mod access_log;
mod app;
mod caller;
mod config;
mod filter;
mod layer;
mod metrics;
mod monitor;
mod problem;
mod provisional;
mod roles;
mod routes;
mod scope;
mod serve;
mod tokens;

pub use app::{App, Parts, openapi, routes};
pub use config::{Config, read};
pub use filter::{FilterError, canonical_filter, filter_sql};
pub use monitor::{Ready, monitor};
pub use provisional::{Provisional, ProvisionalBill, ProvisionalError, ProvisionalFuture};
pub use roles::Role;
pub use serve::{Listeners, ServeError, serve};
pub use tokens::{CreateError, NewToken, create as create_token};
