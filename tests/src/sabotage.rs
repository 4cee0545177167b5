//! The sabotage: patches that break a promise, and the copy of the tree that they are tried on.
//!
//! A patch begins with a head of `Key: value` lines, then an empty line, then the diff:
//! - `Promise:` its id, the same as the file's name;
//! - `Test:` `PACKAGE TARGET NAME`, TARGET being `lib` or the name of a test binary;
//! - `Fails:` a part of the assertion's text that the test must fail with;
//! - `Why:` one sentence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// The longest of the tests named takes about a minute when built.
const TEST_SECONDS_MAX: u64 = 400;
const BUILD_SECONDS_MAX: u64 = 1800;

/// One promise, and how it is broken.
#[derive(Debug)]
pub struct Patch {
    /// Id of the promise.
    pub promise: String,
    /// `PACKAGE TARGET NAME`.
    pub test: String,
    fails: String,
    file: PathBuf,
}

/// A copy of the tree, with a build folder of its own.
#[derive(Debug)]
pub struct Tree {
    folder: PathBuf,
    target: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

// === impl Patch ===

impl Patch {
    /// All patches, in the order of their names.
    ///
    /// # Errors
    /// When there is none, or one is not of the form described above.
    pub fn all() -> anyhow::Result<Vec<Self>> {
        let folder = root().join("tests/sabotage");
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .with_context(|| format!("can not read {}", folder.display()))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "patch"));
        files.sort();
        ensure!(!files.is_empty(), "no patches in {}", folder.display());
        files.into_iter().map(Self::read).collect()
    }

    fn read(file: PathBuf) -> anyhow::Result<Self> {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let text = fs::read_to_string(&file).with_context(|| name.clone())?;
        let word = |key: &str| {
            let mut lines = text.lines().take_while(|line| !line.is_empty());
            let found = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            found.map(str::to_owned).with_context(|| format!("{name}.patch has no `{key}:`"))
        };
        let patch =
            Self { promise: word("Promise")?, test: word("Test")?, fails: word("Fails")?, file };
        word("Why")?;
        ensure!(patch.promise == name, "{name}.patch says that it breaks {}", patch.promise);
        let touched = text
            .lines()
            .filter_map(|line| line.strip_prefix("--- ").or_else(|| line.strip_prefix("+++ ")));
        for path in touched {
            let inside = path.get(2..).unwrap_or_default();
            let allowed = ["services/", "schemas/"].iter().any(|folder| inside.starts_with(folder));
            ensure!(allowed, "{name}.patch touches `{path}`; only services/ and schemas/ may be");
        }
        Ok(patch)
    }
}

// === impl Tree ===

impl Tree {
    /// Brings the copy up to date; files that did not change keep their time, so that little is
    /// built again.
    ///
    /// # Errors
    /// When git can not list the files, or they can not be copied.
    pub fn copy() -> anyhow::Result<Self> {
        let base = root().join("target/sabotage");
        let tree = Self { folder: base.join("tree"), target: base.join("target") };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root())
            .output()
            .context("can not run git")?;
        ensure!(listed.status.success(), "git ls-files failed");
        let names = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let Ok(content) = fs::read(root().join(name)) else { continue };
            let to = tree.folder.join(name);
            if fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::write(&to, content).with_context(|| format!("can not write {}", to.display()))?;
        }
        // The copy's own tests list its files with git.
        tree.git(&["init", "-q"])?;
        tree.git(&["add", "-A"])?;
        Ok(tree)
    }

    /// Shows that the promise's test passes without the patch and fails with it.
    ///
    /// # Errors
    /// Whatever is not exactly that.
    pub fn show(&self, patch: &Patch) -> anyhow::Result<()> {
        let file = patch.file.to_str().context("a path that is not UTF-8")?;
        let without = self.test(patch).context("without the patch")?;
        ensure!(
            without.status.success() && text(&without).contains("test result: ok. 1 passed"),
            "without the patch the test does not pass (or is not there):\n{}",
            tail(&without)
        );
        self.git(&["apply", "--whitespace=nowarn", file]).context("the patch does not apply")?;
        let with = self.test(patch).context("with the patch");
        self.git(&["apply", "--whitespace=nowarn", "-R", file]).context("the patch sticks")?;
        let with = with?;
        ensure!(!with.status.success(), "the test passes although the promise is broken");
        ensure!(
            text(&with).contains("1 failed"),
            "the run failed, but not the test:\n{}",
            tail(&with)
        );
        ensure!(
            text(&with).contains(&patch.fails),
            "the test fails, but not with `{}`:\n{}",
            patch.fails,
            tail(&with)
        );
        Ok(())
    }

    /// Builds, then runs the one test.
    fn test(&self, patch: &Patch) -> anyhow::Result<Output> {
        let words: Vec<&str> = patch.test.split(' ').collect();
        let &[package, target, name] = words.as_slice() else {
            bail!("`Test:` is not `PACKAGE TARGET NAME`");
        };
        let mut args = vec!["test", "-q", "-p", package];
        match target {
            "lib" => args.push("--lib"),
            target => args.extend(["--test", target]),
        }
        let build = self.cargo(BUILD_SECONDS_MAX, &[&args[..], &["--no-run"]].concat())?;
        ensure!(build.status.success(), "it does not build:\n{}", tail(&build));
        let run = self.cargo(TEST_SECONDS_MAX, &[&args[..], &["--", "--exact", name]].concat())?;
        ensure!(run.status.code() != Some(124), "time-out after {TEST_SECONDS_MAX} s");
        Ok(run)
    }

    fn cargo(&self, seconds: u64, args: &[&str]) -> anyhow::Result<Output> {
        Command::new("timeout")
            .arg(Duration::from_secs(seconds).as_secs().to_string())
            .arg(env!("CARGO"))
            .args(args)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null())
            .output()
            .context("can not run cargo")
    }

    fn git(&self, args: &[&str]) -> anyhow::Result<()> {
        let done = Command::new("git").args(args).current_dir(&self.folder).output()?;
        ensure!(done.status.success(), "git {}: {}", args[0], tail(&done));
        Ok(())
    }
}

fn text(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// The last lines of what a command printed.
fn tail(output: &Output) -> String {
    let text = text(output);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
