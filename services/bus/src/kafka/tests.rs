//! Against a real broker.

mod lab;
mod suite;
