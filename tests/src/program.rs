//! The product as a command: run once in a folder, with its own environment; what it said.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The program in a folder.
#[derive(Debug, Clone)]
pub struct Program {
    exe: PathBuf,
    folder: PathBuf,
    env: Vec<(String, String)>,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

// === impl Program ===

impl Program {
    /// The program `exe`, run in `folder`; nothing of the caller's settings reaches it.
    pub fn new(exe: impl Into<PathBuf>, folder: impl AsRef<Path>) -> Self {
        Self { exe: exe.into(), folder: folder.as_ref().to_owned(), env: Vec::new() }
    }

    /// The same with one more variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The command, not started: all three streams are pipes.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.exe);
        command.args(args).current_dir(&self.folder);
        for variable in ["TOLLGATE_URL", "TOLLGATE_TOKEN", "TOLLGATE_DATA", "TOLLGATE_LOG"] {
            command.env_remove(variable);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it can not be started.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the program starts");
        Ran::new(output)
    }

    /// Runs it to its end with something on standard input.
    ///
    /// # Panics
    /// When it can not be started.
    pub fn run_on(&self, args: &[&str], input: &str) -> Ran {
        let mut child: Child =
            self.command(args).stdin(Stdio::piped()).spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("it reads its input");
        drop(stdin);
        Ran::new(child.wait_with_output().expect("a child"))
    }

    /// Runs it with `--output json`; it must end well.
    ///
    /// # Panics
    /// When it does not, or prints anything but one JSON document.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--output", "json"]].concat());
        ran.good().json()
    }
}

// === impl Ran ===

impl Ran {
    fn new(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Asserts that it ended with 0.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Asserts that it failed with this code and one sentence on standard error; gives the
    /// sentence.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        let mut said = self.err.lines().filter(|line| line.starts_with("tollgate: "));
        let sentence = said.next().unwrap_or_else(|| panic!("no sentence: {self:?}"));
        assert_eq!(said.next(), None, "more than one sentence: {self:?}");
        sentence
    }

    /// Standard output as one JSON document.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
