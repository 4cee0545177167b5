//! Against a real broker.

mod lab;
mod span;
mod suite;
