//! The whole-system tests, one binary. Each module says what it shows.
//!
//! - [`bills`]: a day of records, its bills computed a second time by hand
//! - [`proof`]: what was altered is found, a closed hour comes to the same bytes again
//! - [`recount`]: a closed hour counted again from its records, in ClickHouse and in Kafka
//! - [`ingest`]: files of other gateways, once and again, and their bad lines
//! - [`late`]: corrections, and an old spool that returns
//! - [`tenant`]: every route and role, and whose rows they show
//! - [`day`]: support: worlds of the sample day
//! - [`way`]: n requests → n records, equal to what the client saw
//! - [`killed`]: SIGKILL of everything, of the engine alone, in and between inserts
//! - [`reload`]: a configuration that changes under load
//! - [`services`]: each service starts without the others
//! - [`storm`]: the storm, small
//! - [`outage`]: the engine away for long, and back
//! - [`fault`]: the separate services, and whatever can happen to them
//! - [`full`]: a spool without room
//! - [`closing`]: hours being closed, killed at each step, with late records
//! - [`clocks`]: clocks that jump, and a deadline that passes while ClickHouse is away
//! - [`closers`]: several closers at once
//! - [`ending`]: a clean end, at Ctrl-C
//! - [`command`]: exit codes, one sentence per fault, no secret in any of them
//! - [`config`]: the starter configuration, and every mistake at once
//! - [`schema`]: the JSON Schema of the configuration and its readers say the same
//! - [`demo`]: its document, its story, that its check can fail, and docs/try.md line by line
//! - [`deployment`]: the composition runs with the versions and settings of the tests
//! - [`documents`]: the commands, metrics and files that the documents name exist
//! - [`topic`]: the tests' own client of Kafka
//! - [`tidy`]: what can be checked of the source itself

mod bills;
mod clocks;
mod closers;
mod closing;
mod command;
mod config;
mod day;
mod demo;
mod deployment;
mod documents;
mod ending;
mod fault;
mod full;
mod ingest;
mod killed;
mod late;
mod outage;
mod proof;
mod recount;
mod reload;
mod schema;
mod services;
mod storm;
mod tenant;
mod tidy;
mod topic;
mod way;

/// The product's program.
const EXE: &str = env!("CARGO_BIN_EXE_tollgate-under-test");
