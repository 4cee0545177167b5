//! The proxy: a request in, its answer out, its record on disk before the answer is whole.
//!
//! # The life of a request
//!
//! ```text
//! socket ─► wire ─► hyper ─► receive ─► route ─► admit ─► forward ─► respond ─► hyper ─► wire ─► socket
//!            │                                              │                               ▲
//!            │ framing: refused before hyper sees it        └► backend (pool, link)         │ released
//!            └──────────────── exchange: what the record needs ─────────────► record ───────┘
//! ```
//!
//! `life` runs the phases in order; each is a file and a function:
//! - `receive`: what the record needs is taken from the head, room in the spool is reserved;
//! - `route`: host, environment, path and method to the API that answers;
//! - `admit`: may the caller do this, and whose call is it;
//! - `forward`: the request to its backend, until the head of the answer is in;
//! - `respond`: the answer as the client gets it;
//! - `record`: once per turn of the event loop, on every way out: one write for all exchanges
//!   that ended, then the ends of their answers are released.
//!
//! # Shape
//! - A worker is a thread with one single-threaded runtime, its own listener (SO_REUSEPORT), its
//!   own connections to backends, its own stream of the spool (`worker`). Nothing is shared and
//!   nothing is locked on the way of a request.
//! - **Invariant**: the last byte of an answer is not handed to the socket before its record is in
//!   the spool (`wire` holds it, `record` releases it).
//! - **Invariant**: an exchange has exactly one final record (`exchange`).
//! - **Invariant**: bytes in a record are those that the sockets took and gave.
//! - **Invariant**: no record tells a time that its epoch's clock did not show: when the wall clock
//!   jumps, all streams end and another epoch begins (`clocks`, `epochs`).

mod admit;
mod backend;
mod beat;
mod budget;
mod client;
mod clocks;
mod config;
mod connection;
mod connections;
mod epochs;
mod exchange;
mod forward;
mod framing;
pub mod fuzz;
mod life;
pub mod metrics;
mod proxy;
mod receive;
mod record;
mod respond;
mod retire;
mod route;
mod running;
mod serve;
mod start;
mod wire;
mod worker;

pub use config::{Config, Limits, Networks, ProxyProtocol, RecordConfig, Timeouts, read};
pub use retire::{RetireError, retire};
pub use running::{Health, Reloader, Running, SpoolUsage, Unready};
pub use start::{Gateway, StartError, Streams};
