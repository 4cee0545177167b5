//! The API over sockets, on a real engine.
//!
//! - `world`: an engine, a store and a served API for one test; who asks, and what is stored.
//! - `logs`, `search`, `explain`, `usage`, `bills`, `orders`: what each route answers.
//! - `tenants`: TENANT-1 on every route, tokens, the access log.
//! - `outside`: problems, health, metrics, the end.

mod bills;
mod explain;
mod logs;
mod orders;
mod outside;
mod search;
mod tenants;
mod usage;
mod world;

/// The child's side of the engine that `world` starts.
#[test]
fn engine_child() {
    if let Some(args) = engine::Program::test_args() {
        std::process::exit(engine::child_main(args).into());
    }
}
