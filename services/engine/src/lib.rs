//! The embedded ClickHouse: fetch its library, start it, lock it, watch it.
//!
//! The engine is a child process of our own executable (`tollgate engine-child`, hidden) that loads one
//! pinned library and serves HTTP on a loopback port.
//! - The parent holds a pipe to the child's stdin. When the parent ends in any way, the pipe ends,
//!   and so does the engine: no orphan, no lock left behind.
//! - The port answers only requests that carry a secret header; our own user has a random password.
//! - One data folder has one holder: an `flock` that ends with the process that took it.
//! - A child that dies is started again on the same port; what it had stored is still there.
//! - The library is fetched once per machine, and is used only if its SHA-256 is the pinned one.
//!
//! All calls block; asynchronous callers use a blocking task. This is the only crate with `unsafe`.

#[cfg(not(unix))]
compile_error!("Tollgate runs on Linux (and, untried, on macOS): on Windows, use WSL");

mod child;
mod config;
mod error;
mod fetch;
mod files;
mod library;
mod lock;
mod probe;
mod process;
mod progress;
mod supervisor;

pub use child::child_main;
pub use config::{Config, Endpoint, HEADER, Program, USER};
pub use error::{FetchError, StartError};
pub use fetch::{Sources, library};
pub use files::{GRANTS, KEEP_ALIVE_S, RECEIVE_TIMEOUT_S, endpoint_of};
pub use library::{Known, PIN, Pin, cache_dir};
pub use progress::{Plain, Progress, stderr as progress_on_stderr};
pub use supervisor::{Engine, State};
