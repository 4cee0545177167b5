//! Waiting for a state, with a deadline. The only place of the tests that lets time pass.

use std::time::{Duration, Instant};

/// How often a state is looked at. Short, since it only costs a look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Calls `look` until it gives a value; fails with `what` after `limit`.
///
/// # Panics
/// When the state does not come.
pub fn until<T>(what: &str, limit: Duration, look: impl FnMut() -> Option<T>) -> T {
    within(limit, look).unwrap_or_else(|| panic!("{what}: not within {limit:?}"))
}

/// Calls `look` until it gives a value, for no longer than `limit`.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = look();
        if found.is_some() || start.elapsed() >= limit {
            return found;
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}
