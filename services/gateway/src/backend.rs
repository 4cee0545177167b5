//! Connections to backends: counted, pooled, resolved.
//!
//! - A [`Link`] is one connection and tells its true state: bytes both ways, whether the socket took
//!   the whole head of the current request.
//! - A [`Channel`] is the right to use one. Dropped anywhere but in the pool, it closes the
//!   connection: nobody knows what would still come on one whose request or answer is not whole.
//! - The [`Pool`] is the worker's own.
//! - [`answer`] reads what a backend says. There is no other client below this: hyper's would cost
//!   each request two channels, a task and two wake-ups of it.

pub(crate) mod answer;
mod balance;
mod channel;
mod link;
mod names;
mod pool;
mod refused;

pub(crate) use balance::Balancer;
pub(crate) use channel::{Channel, Heard};
pub(crate) use link::{Coding, Link, Unsent};
pub(crate) use names::{NAMES_FIRST, Names, Policies, Resolver};
pub(crate) use pool::{NoChannel, Pool};
pub(crate) use refused::RefusedAddresses;
