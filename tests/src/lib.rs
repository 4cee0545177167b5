//! Support for the whole-system tests: a client that keeps its own ledger, backends, and the
//! product as a process of its own.
//!
//! What a test compares with is never computed by the code under test: the client here is plain
//! blocking sockets and counts what it saw itself.

pub mod audit;
pub mod backend;
pub mod chance;
pub mod client;
pub mod ledger;
pub mod lines;
pub mod naive;
pub mod processes;
pub mod program;
pub mod sabotage;
pub mod wait;
pub mod world;
