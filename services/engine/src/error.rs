//! What can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The library can not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file or folder of the cache can not be used.
    #[error("the cache folder can not be used: {path} (TOLLGATE_CACHE names another one)")]
    Cache {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has been fetching for too long.
    #[error("process {pid} holds the cache folder {path} for too long: end it and start again")]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// Who, as far as is known.
        pid: String,
    },
    /// No way led to the library.
    #[error(
        "the engine's library can not be fetched (npm: {npm}; curl: {curl}): put npm or curl on the \
         PATH and let them reach the network, or bring {url} here by other means, unpack its \
         {file} to {path}, and start again",
        file = crate::library::FILE
    )]
    NoWay {
        /// What became of the try with npm.
        npm: String,
        /// What became of the try with curl.
        curl: String,
        /// The public archive.
        url: String,
        /// Where the library is to lie.
        path: PathBuf,
    },
}

/// The engine can not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens where it was told to.
    #[error(
        "port {port} is in use: stop the process that holds it (`ss -ltnp` shows it), or set \
         `engine.listen` to another port"
    )]
    Port {
        /// The port.
        port: u16,
    },
    /// Its library can not be had.
    #[error(transparent)]
    Library(#[from] FetchError),
    /// A file or folder of the data folder can not be used.
    #[error("the engine's folder can not be used: {path}")]
    Data {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process runs an engine on this folder.
    #[error(
        "the data folder {dir} is held by {holder}: stop that one, or name another folder",
        holder = holder(*pid)
    )]
    Held {
        /// The folder.
        dir: PathBuf,
        /// Who holds it, as far as is known.
        pid: Option<u32>,
    },
    /// The name of the database is none.
    #[error("`{name}` is no name for a database: letters, digits and `_` make one")]
    Database {
        /// The name.
        name: String,
    },
    /// The system does not start the child, or its watching thread.
    #[error("the engine's process can not be started")]
    Spawn(#[source] io::Error),
    /// The child ended before it answered.
    #[error("the engine ended while it started: {complaint}")]
    Died {
        /// Its last words.
        complaint: String,
    },
    /// The child runs, but does not answer.
    #[error(
        "the engine did not answer within {seconds} s: see `engine.log` in its folder, or free the \
         machine and start again"
    )]
    Silent {
        /// How long it was waited for.
        seconds: u64,
    },
}

impl FetchError {
    pub(crate) fn cache(path: &Path, source: io::Error) -> Self {
        Self::Cache { path: path.to_owned(), source }
    }
}

impl StartError {
    pub(crate) fn data(path: &Path, source: io::Error) -> Self {
        Self::Data { path: path.to_owned(), source }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
