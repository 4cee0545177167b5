//! The gateway over real sockets: raw clients, raw backends, records read back from the spool.
//!
//! - `exact`: every shape of exchange, its record against what the raw sockets saw;

mod backend;
mod client;
mod world;

mod exact;
