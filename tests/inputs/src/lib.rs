//! What benchmarks feed in, and the benches of pure functions that need nothing else.
//!
//! - [`rows`]: records of a busy installation.
//! - [`services`]: policies of few and of many APIs, and paths that they answer.
//!
//! `cargo bench` runs `benches/hot`; the suite that starts services and peers is `tests/bench`.

pub mod rows;
pub mod services;
