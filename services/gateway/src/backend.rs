//! Connections to backends: counted, pooled, resolved.
//!
//! - A [`Link`] tells the true state of one connection: bytes both ways, whether the socket took
//!   the whole head of the current request, whether the backend closed.
//! - A [`Channel`] is the right to use a connection. Dropped anywhere but in the pool, it closes
//!   the connection: hyper would keep one whose request was not sent whole (hyper#4176).
//! - The [`Pool`] is the worker's own.

mod balance;
mod early;
mod io;
mod link;
mod names;
mod pool;
mod refused;

pub(crate) use balance::Balancer;
pub(crate) use link::Link;
pub(crate) use names::{NAMES_FIRST, Names, Policies, Resolver};
pub(crate) use pool::{Channel, NoChannel, Pool};
pub(crate) use refused::RefusedAddresses;
