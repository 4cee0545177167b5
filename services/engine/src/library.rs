//! Which library is used, on which platform, and where it is kept.
//!
//! - Version and SHA-256 are pinned here and nowhere else.
//! - The checksum is that of `libchdb.so` itself, so it does not matter which archive brought it.
//! - Linux on x86-64 is the platform that is tried. The others are pinned by version only: there the
//!   first fetch is trusted, and its checksum kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// One pinned build of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The package that holds it, for `npm pack`.
    pub package: &'static str,
    /// The version of the package.
    pub version: &'static str,
    /// The name of the same library's archive among the public releases.
    pub archive: &'static str,
    /// What is known of the file, on platforms that are tried.
    pub known: Option<Known>,
}

/// What is known of `libchdb.so`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Bytes of the package that holds it.
    pub packed: u64,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: &'static str,
}

/// The file inside each archive, and in the cache.
pub(crate) const FILE: &str = "libchdb.so";

/// The version that all platforms are pinned to.
const VERSION: &str = "26.7.3-stable.1";

/// The build for this platform.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub const PIN: Pin = Pin {
    package: "@chdb/lib-linux-x64-gnu",
    version: VERSION,
    archive: "linux-x86_64-libchdb.tar.gz",
    known: Some(Known {
        packed: 177_817_999,
        size: 566_330_096,
        sha256: "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
    }),
};

/// The build for this platform, untried.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
pub const PIN: Pin = Pin {
    package: "@chdb/lib-linux-arm64-gnu",
    version: VERSION,
    archive: "linux-aarch64-libchdb.tar.gz",
    known: None,
};

/// The build for this platform, untried.
#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
pub const PIN: Pin = Pin {
    package: "@chdb/lib-darwin-arm64",
    version: VERSION,
    archive: "macos-arm64-libchdb.tar.gz",
    known: None,
};

/// The build for this platform, untried.
#[cfg(all(target_os = "macos", target_arch = "x86_64"))]
pub const PIN: Pin = Pin {
    package: "@chdb/lib-darwin-x64",
    version: VERSION,
    archive: "macos-x86_64-libchdb.tar.gz",
    known: None,
};

/// The folder of fetched libraries: `$TOLLGATE_CACHE`, else `tollgate` in the user's cache folder.
/// `None` when the environment names no home at all.
pub fn cache_dir(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TOLLGATE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("tollgate")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache").join("tollgate")))
}

impl Pin {
    /// Where the library lies in the cache. The version is part of it, so that two versions of
    /// Tollgate can share a cache.
    pub fn path(&self, cache_dir: &Path) -> PathBuf {
        cache_dir.join("engine").join(self.version).join(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let check = |env: &[(&str, &str)], expected: Option<&str>| {
            let get = |name: &str| {
                env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(cache_dir(get), expected.map(PathBuf::from), "{env:?}");
        };
        check(&[("TOLLGATE_CACHE", "/t"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/t"));
        check(&[("TOLLGATE_CACHE", ""), ("XDG_CACHE_HOME", "/x")], Some("/x/tollgate"));
        check(&[("HOME", "/h")], Some("/h/.cache/tollgate"));
        check(&[], None);
    }
}
