//! One clock for all processes of a test, which jump together when it is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The variable that names its file to the program under test.
pub const VARIABLE: &str = "TOLLGATE_TEST_CLOCK_FILE";
/// Seconds of an hour and of a day.
const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

/// A clock in a file.
#[derive(Debug)]
pub struct SharedClock {
    file: PathBuf,
    ahead_s: i64,
}

// === impl SharedClock ===

impl SharedClock {
    /// A clock in this folder by which it is this hour and minute of today, UTC: so that a test does
    /// not meet the end of an hour, a day or a month by chance.
    ///
    /// # Panics
    /// When the file can not be written.
    pub fn at(folder: &Path, hour: i64, minute: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
        let now = i64::try_from(now.as_secs()).expect("a time");
        let ahead_s = hour * HOUR_S + minute * 60 - now % DAY_S;
        let clock = Self { file: folder.join("clock"), ahead_s };
        clock.write();
        clock
    }

    /// Sets it on.
    ///
    /// # Panics
    /// When the file can not be written.
    pub fn jump(&mut self, seconds: i64) {
        self.ahead_s += seconds;
        self.write();
    }

    /// Sets it on by an hour.
    ///
    /// # Panics
    /// When the file can not be written.
    pub fn next_hour(&mut self) {
        self.jump(HOUR_S);
    }

    /// How far it is ahead of the system's, seconds.
    pub fn ahead_s(&self) -> i64 {
        self.ahead_s
    }

    /// What the program under test is told in its environment.
    ///
    /// # Panics
    /// When the folder's name is no UTF-8.
    pub fn variable(&self) -> (&'static str, &str) {
        (VARIABLE, self.file.to_str().expect("a name in UTF-8"))
    }

    /// In one step, so that nobody reads half of it.
    fn write(&self) {
        let new = self.file.with_extension("new");
        fs::write(&new, self.ahead_s.to_string()).expect("the clock's file");
        fs::rename(&new, &self.file).expect("the clock's file");
    }
}
