//! What the engine is started with, and how it is reached.

use std::ffi::OsString;
use std::path::PathBuf;

use settings::Secret;

/// The header that every request to the engine must carry.
pub const HEADER: &str = "X-Tollgate-Engine";

/// The user that Tollgate logs in as.
pub const USER: &str = "tollgate";

/// How to start an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// The engine's own folder: data, configuration, secrets, lock. Made if it is not there.
    pub data_dir: PathBuf,
    /// The folder of fetched libraries ([`crate::cache_dir`]).
    pub cache_dir: PathBuf,
    /// The most memory the engine may use, bytes.
    pub memory_max: u64,
    /// The database that our user may use, and every other whose name starts with it.
    pub database: String,
    /// What is started as the child.
    pub program: Program,
}

/// The executable that becomes the engine: it must pass the arguments after `args` to
/// [`crate::child_main`].
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its first arguments; `engine` for our own binary.
    pub args: Vec<OsString>,
}

/// How the running engine is reached. The same for the whole life of an [`crate::Engine`].
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// Name ([`HEADER`]) and value of the header that opens the port.
    pub header: (String, Secret),
    /// The user to log in as ([`USER`]).
    pub user: String,
    /// Its password.
    pub password: Secret,
}

impl Program {
    /// This executable with the argument `engine`.
    ///
    /// # Errors
    /// When the system can not say where the executable lies.
    pub fn this() -> std::io::Result<Self> {
        Ok(Self { path: std::env::current_exe()?, args: vec!["engine".into()] })
    }

    /// This test executable: it runs the one test called `name`, which is to call
    /// [`crate::child_main`] with what stands behind `--` and `engine` among its arguments, and to
    /// do nothing when there is no `--`.
    ///
    /// # Errors
    /// When the system can not say where the executable lies.
    pub fn test(name: &str) -> std::io::Result<Self> {
        let args = ["--exact", "--nocapture", name, "--", "engine"].map(OsString::from);
        Ok(Self { path: std::env::current_exe()?, args: args.to_vec() })
    }
}
