//! This crate against a real engine: one per run of the tests, one database per test.

mod claims;
mod inserts;
mod lab;
mod migrations;
mod proxy;
mod queries;
mod ranges;
mod records;
mod rows;

type Outcome = Result<(), Box<dyn std::error::Error>>;
