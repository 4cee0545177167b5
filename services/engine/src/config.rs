//! What the engine is started with, and how it is reached.

use std::ffi::OsString;
use std::path::PathBuf;

use settings::Secret;

use crate::fetch::Sources;

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
    /// Where the library comes from when it is not in the cache.
    pub sources: Sources,
    /// The most memory the engine may use, bytes.
    pub memory_max: u64,
    /// The database that our user may use, and every other whose name starts with it: letters,
    /// digits and `_` only.
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
    /// Its first arguments; `engine-child` for our own binary.
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
    /// This executable with the argument `engine-child`.
    ///
    /// # Errors
    /// When the system can not say where the executable lies.
    pub fn this() -> std::io::Result<Self> {
        Ok(Self { path: std::env::current_exe()?, args: vec!["engine-child".into()] })
    }

    /// This test executable: it runs its one test called `name` (with the path of its module),
    /// which is to call [`crate::child_main`] with the arguments behind `engine`, and to do nothing
    /// when there are none: see [`Program::test_args`].
    ///
    /// # Errors
    /// When the system can not say where the executable lies.
    pub fn test(name: &str) -> std::io::Result<Self> {
        let args = ["--exact", "--nocapture", name, "--", "engine"].map(OsString::from);
        Ok(Self { path: std::env::current_exe()?, args: args.to_vec() })
    }

    /// In the test named to [`Program::test`]: the arguments for [`crate::child_main`], or `None`
    /// when this process is an ordinary run of the tests.
    pub fn test_args() -> Option<Vec<OsString>> {
        let mut args = std::env::args_os().skip_while(|arg| arg != "--").skip(1);
        (args.next()? == "engine").then(|| args.collect())
    }
}
