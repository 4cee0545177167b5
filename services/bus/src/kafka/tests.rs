//! Against a real broker.

mod hold;
mod lab;
mod member;
mod ship;
mod span;
mod suite;
