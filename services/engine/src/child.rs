//! The child process: loads the library and becomes the engine.
//!
//! - The call into the library blocks in a query that reads stdin, so the engine ends when the
//!   parent closes the pipe or dies.
//! - It can be made once per process, and the library is never unloaded: its threads outlive the
//!   call.

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL, Symbol};

/// Opens the port, then waits for the end of stdin.
const SERVE: &str =
    "SYSTEM START LISTEN HTTP; SELECT count() FROM file('/dev/stdin', 'LineAsString', 'l String')";

/// The engine checks how much stack it has left; the main thread of a program has this much.
const STACK: usize = 8 * 1024 * 1024;

/// `chdb_result *chdb_query_cmdline(int argc, char **argv)`
type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;

/// `const char *chdb_result_error(chdb_result *)`
type ResultError = unsafe extern "C" fn(*mut c_void) -> *const c_char;

/// What the child is told by its parent, in this order of arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChildArgs {
    pub(crate) library: PathBuf,
    pub(crate) port: u16,
}

/// The file names that parent and child agree on; the child runs inside the data folder.
pub(crate) const CONFIG_FILE: &str = "config.xml";
pub(crate) const STORE_DIR: &str = "store";

#[derive(Debug, thiserror::Error)]
enum ChildError {
    #[error("usage: engine LIBRARY PORT, with the engine's folder as current folder")]
    Usage,
    #[error("the engine's library can not be loaded: {0}")]
    Load(#[from] libloading::Error),
    #[error("the engine's thread can not be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the engine gave no answer at all")]
    NoResult,
    #[error("{0}")]
    Engine(String),
}

/// Runs the engine in this process until stdin ends. The arguments are those behind `engine`.
/// The result is the exit code of the process; what went wrong stands on stderr.
pub fn child_main(args: impl IntoIterator<Item = OsString>) -> u8 {
    match ChildArgs::parse(args).and_then(|args| on_own_stack(&args)) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    }
}

/// A known stack, whoever calls: the library must not depend on it.
fn on_own_stack(args: &ChildArgs) -> Result<(), ChildError> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || serve(args))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn serve(args: &ChildArgs) -> Result<(), ChildError> {
    #[expect(
        unsafe_code,
        reason = "dlopen runs the initialisers of a library whose checksum is pinned"
    )]
    // SAFETY: the file is the pinned build, checked before the child was started.
    let library = unsafe { Library::open(Some(&args.library), RTLD_LAZY | RTLD_LOCAL)? };
    #[expect(unsafe_code, reason = "the types of the two functions stand in the library's header")]
    // SAFETY: both names and types are those of the pinned version's `chdb.h`.
    let (query, error): (Symbol<QueryCmdline>, Symbol<ResultError>) =
        unsafe { (library.get(c"chdb_query_cmdline")?, library.get(c"chdb_result_error")?) };

    let owned: Vec<CString> = args.argv(&std::env::current_dir()?);
    let mut argv: Vec<*mut c_char> =
        owned.iter().map(|arg| arg.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect();
    let argc = c_int::try_from(owned.len()).expect("eight arguments fit");
    #[expect(unsafe_code, reason = "the one call that makes this process the engine")]
    // SAFETY: argv is a null-terminated array of argc C strings that outlive the call; like `main`,
    // the callee may permute the array but does not write through the strings.
    let result = unsafe { query(argc, argv.as_mut_ptr()) };
    if result.is_null() {
        return Err(ChildError::NoResult);
    }
    #[expect(unsafe_code, reason = "reads the message out of the library's result")]
    // SAFETY: result is the live handle just returned; the text lives as long as the handle, which
    // is never destroyed because the process ends next.
    let message = unsafe {
        let text = error(result);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    std::mem::forget(library);
    match message {
        Some(message) if !message.is_empty() => Err(ChildError::Engine(message)),
        _ => Ok(()),
    }
}

// === impl ChildArgs ===

impl ChildArgs {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, ChildError> {
        let mut args = args.into_iter();
        let (Some(library), Some(port), None) = (args.next(), args.next(), args.next()) else {
            return Err(ChildError::Usage);
        };
        let port = port.to_str().and_then(|port| port.parse().ok()).ok_or(ChildError::Usage)?;
        Ok(Self { library: library.into(), port })
    }

    /// What [`ChildArgs::parse`] reads.
    pub(crate) fn to_args(&self) -> [OsString; 2] {
        [self.library.clone().into(), self.port.to_string().into()]
    }

    /// `folder` is the current one. The store's path is absolute, since with a relative one the
    /// engine doubles it when it syncs a folder (`fsync_part_directory`), and the insert fails.
    fn argv(&self, folder: &Path) -> Vec<CString> {
        let mut path = OsString::from("--path=");
        path.push(folder.join(STORE_DIR));
        [
            "clickhouse".into(),
            format!("--config-file={CONFIG_FILE}").into(),
            path,
            format!("--http_port={}", self.port).into(),
            "--listen_host=127.0.0.1".into(),
            // Set in the configuration it has no effect; without it every query would be logged.
            "--log-level=warning".into(),
            "-q".into(),
            SERVE.into(),
        ]
        .map(|arg| CString::new(arg.into_vec()).expect("no argument holds a zero"))
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_they_are_written() {
        let args = ChildArgs { library: "/a b/libchdb.so".into(), port: 1234 };
        assert_eq!(ChildArgs::parse(args.to_args()).expect("good"), args);
    }

    #[test]
    fn other_arguments_are_a_usage_error() {
        for bad in [&["/x"][..], &["/x", "y"], &["/x", "70000"], &["/x", "1", "2"]] {
            let args = bad.iter().map(OsString::from);
            assert!(matches!(ChildArgs::parse(args), Err(ChildError::Usage)), "{bad:?}");
        }
    }
}
