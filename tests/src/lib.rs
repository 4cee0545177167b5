//! Support for the whole-system tests: a client that keeps its own ledger, backends, and the
//! product as a process of its own.
//!
//! What a test compares with is never computed by the code under test: the client here is plain
//! blocking sockets and counts what it saw itself.

pub mod ask;
pub mod audit;
pub mod backend;
pub mod chance;
pub mod clickhouse;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod gate;
pub mod ledger;
pub mod lines;
pub mod load;
pub mod naive;
pub mod processes;
pub mod program;
pub mod recount;
pub mod sabotage;
pub mod schema;
pub mod service;
pub mod storm;
pub mod topic;
pub mod under_test;
pub mod wait;
pub mod world;
pub mod yaml;
