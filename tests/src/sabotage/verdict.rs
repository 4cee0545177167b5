//! What the output of one test says: that it passed, or which assertion failed.

use anyhow::{Context, bail, ensure};

use super::command::Ran;
use super::patch::{Patch, Test, is_test};

/// Where tests wait for states. A panic there is a time-out.
const WAITS: &str = "tests/src/wait.rs";

/// Characters of an assertion's text that are shown.
const SAID_MAX: usize = 240;

/// What a run of one test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It passed.
    Passed,
    /// It failed: where it panicked, and what it said.
    Failed {
        /// The file, from the root.
        file: String,
        /// The line.
        line: u32,
        /// The panic's message.
        message: String,
    },
}

/// Reads what `cargo test -- --exact NAME` printed.
///
/// # Errors
/// When not exactly this one test ran, or when it failed without a panic of its own thread.
pub fn read(test: &Test, ran: &Ran) -> anyhow::Result<Seen> {
    let result = ran.text.lines().find(|line| line.starts_with("test result: "));
    let result = result.with_context(|| format!("it was not run:\n{}", ran.tail()))?;
    if result.starts_with("test result: ok. 1 passed; 0 failed; 0 ignored;") && ran.success {
        return Ok(Seen::Passed);
    }
    ensure!(!result.contains(" 0 passed; 0 failed;"), "there is no such test");
    let failed = result.contains(" 0 passed; 1 failed;") && !ran.success;
    ensure!(failed, "it neither passed nor failed:\n{}", ran.tail());
    let no_panic = || format!("it failed without a panic of its own:\n{}", ran.tail());
    panic_of(test, &ran.text).with_context(no_panic)
}

/// Demands that the test failed by its own assertion; gives the place of the assertion and what it
/// said, on one line and not all of it.
///
/// # Errors
/// Whatever it did instead.
pub fn judge(patch: &Patch, ran: &Ran) -> anyhow::Result<String> {
    let Seen::Failed { file, line, message } = read(&patch.test, ran)? else {
        bail!("the test passes although the promise is broken");
    };
    ensure!(file != WAITS, "a wait ran out, which is no assertion: {message}");
    ensure!(is_test(&file), "not the test failed, but {file}:{line}: {message}");
    let fails = &patch.fails;
    ensure!(message.contains(fails), "it fails, but not with `{fails}`: {file}:{line}: {message}");
    let said = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(SAID_MAX).collect();
    Ok(format!("{file}:{line}: {said}"))
}

/// The panic that ended the test: the last one of its thread.
fn panic_of(test: &Test, text: &str) -> Option<Seen> {
    // A single test may run on the main thread.
    let threads = [format!("thread '{}'", test.name), "thread 'main'".to_owned()];
    let lines: Vec<&str> = text.lines().collect();
    let own = |line: &&str| {
        threads.iter().any(|thread| line.starts_with(thread)) && line.contains(" panicked at ")
    };
    let at = lines.iter().rposition(own)?;
    let (_, place) = lines[at].split_once(" panicked at ")?;
    let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
    let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let ends = |line: &&&str| {
        line.starts_with("note: ") || line.starts_with("stack backtrace:") || **line == "failures:"
    };
    let message = lines[at + 1..].iter().take_while(|line| !ends(line));
    let message = message.copied().collect::<Vec<_>>().join("\n").trim_end().to_owned();
    Some(Seen::Failed { file: file.to_owned(), line: line.parse().ok()?, message })
}
