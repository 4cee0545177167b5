//! Waiting for a state, with a deadline. The only place of the tests that lets time pass.

use std::time::{Duration, Instant};

/// How often a state is looked at. Short, since it only costs a look.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Calls `look` until it gives a value; fails with `what` after `limit`.
///
/// # Panics
/// When the state does not come.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}
