//! What can go wrong, each with what to do about it.

use std::path::PathBuf;

/// The library can not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file or folder of the cache can not be used.
    #[error("the cache folder can not be used: {path}")]
    Cache {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The engine can not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its library can not be had.
    #[error("the engine's library can not be had")]
    Library(#[from] FetchError),
    /// A file or folder of the data folder can not be used.
    #[error("the data folder can not be used: {path}")]
    Data {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
